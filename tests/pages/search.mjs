// Searches as a reader does: from a file and from a server, by keyboard alone, with filters, back and forth, and without script.
import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const task = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const bases = { file: pathToFileURL(task.root).href + "/", http: task.base };
const axe = fs.readFileSync("node_modules/axe-core/axe.min.js", "utf8");
// No switch that lets files read files: a reader's browser has none.
const browser = await chromium.launch({ executablePath: task.chromium, args: ["--no-sandbox"] });

/** Tools that have all these words, as the pages' own JSON says: names. */
const plain = (words) => task.tools.filter(([, text]) => words.every((word) => new RegExp(`(^|[^a-z0-9])${word}`).test(text))).map(([name]) => name);

for (const [kind, base] of Object.entries(bases)) {
  const errors = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(180_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith(base)) errors.push(`asks for ${request.url()}`); });
  const count = page.locator("#count");
  const tools = async () => Number((await count.textContent()).match(/([\d,]+) tools?\b/)?.[1].replace(",", "") ?? 0);
  const settled = (text) => page.waitForFunction((wanted) => document.getElementById("count").textContent.match(wanted), text);
  const asked = () => new URL(page.url()).searchParams;
  const options = page.locator("#found [role=option]");

  // From any page: the key, words, Enter.
  await page.goto(base + task.tool);
  await page.keyboard.press("/");
  await page.keyboard.type(task.two.join(" "));
  await page.keyboard.press("Enter");
  await page.waitForURL(/search\.html\?q=/);
  await settled("tool");
  assert.equal(await tools(), plain(task.two).length, `${task.two}`);
  assert.ok(plain(task.two).includes((await options.first().locator("code").first().textContent()).trim()));

  // What is not found is said.
  assert.ok(await page.getByText("Of a long description only the first words are searched").isVisible());

  // As you type, from the beginning of a word; the first result is chosen, arrows move, Escape clears.
  await page.goto(base + "search.html");
  assert.equal(await page.evaluate(() => document.activeElement.id), "q", "the field has the focus");
  await page.keyboard.type(task.two[0].slice(0, 3), { delay: 20 });
  await settled("tool");
  const field = page.locator("#q");
  assert.equal(await field.getAttribute("aria-expanded"), "true");
  const active = async () => options.evaluateAll((all, id) => all.findIndex((one) => one.id === id && one.getAttribute("aria-selected") === "true"), await field.getAttribute("aria-activedescendant"));
  assert.equal(await active(), 0);
  await page.keyboard.press("ArrowDown");
  assert.equal(await active(), 1);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  assert.equal(await active(), (await options.count()) - 1, "round");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.getElementById("found").hidden);
  assert.equal(await field.inputValue(), "");
  assert.equal(await field.getAttribute("aria-expanded"), "false");

  // Nothing there; then something, opened by Enter, and back to where it was.
  await page.keyboard.type("qqqzzz");
  await settled("Nothing has these words");
  // A word that nothing has, beside words that something has: what has the most of them, and that it is not all is said.
  await field.fill(`${task.two.join(" ")} qqqzzz`);
  await settled("tool");
  assert.equal(await tools(), plain(task.two).length, "what has two of three words");
  assert.match(await page.locator("#cut").textContent(), /^Nothing that is listed has all these words\. /);
  await field.fill("qqqzzz");
  await settled("Nothing has these words");
  await field.fill(task.two[0]);
  await settled("tool");
  const one = plain([task.two[0]]);
  assert.equal(await tools(), one.length);
  const wanted = await options.first().getAttribute("href");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname.endsWith(decodeURIComponent(wanted)) || url.href.endsWith(wanted));
  assert.equal(await page.locator("h1").count(), 1);
  await page.goBack();
  await settled("tool");
  assert.equal(asked().get("q"), task.two[0]);
  assert.equal(await tools(), one.length);

  // Filters: what they say beside them is what is left; they are in the address; back takes the last one off.
  const all = await tools();
  const box = page.locator("input[name=class][value=read]");
  const beside = Number((await box.locator("xpath=..").locator(".count").textContent()).replace(",", ""));
  assert.ok(beside > 0 && beside < all, `${beside} of ${all}`);
  await box.check();
  await page.waitForFunction((n) => document.getElementById("count").textContent.startsWith(`${n} tool`), beside);
  assert.equal(asked().get("class"), "read");
  // Where nobody went to a result none is chosen, and Enter opens none.
  const chosen = page.locator("#found [aria-selected=true]");
  assert.equal(await chosen.count(), 0, "after a filter");
  assert.ok((await options.locator(".effect").allTextContents()).every((text) => text === "Read"));
  const registry = page.locator("input[name=registry][value=npm]");
  await registry.check();
  await page.waitForFunction((n) => document.getElementById("count").textContent !== `${n}`, beside);
  assert.ok((await tools()) <= beside && asked().get("registry") === "npm");
  await page.goBack();
  await page.waitForFunction((n) => document.getElementById("count").textContent.startsWith(`${n} tool`), beside);
  assert.ok(!(await registry.isChecked()) && (await box.isChecked()));
  assert.equal(await chosen.count(), 0, "after going back");
  await page.goBack();
  await page.waitForFunction((n) => document.getElementById("count").textContent.startsWith(`${n.toLocaleString("en")} tool`), all);
  assert.ok(!(await box.isChecked()));
  await page.goForward();
  await page.waitForFunction((n) => document.getElementById("count").textContent.startsWith(`${n} tool`), beside);

  // A search that was linked.
  await page.goto(`${base}search.html?q=${task.two[0]}&class=read&risk=low`);
  await settled("tool|Nothing passes");
  assert.ok(await page.locator("input[name=risk][value=low]").isChecked());
  assert.equal(await chosen.count(), 0, "on arrival");
  assert.ok((await options.locator(".risk").allTextContents()).every((text) => text === "Low"));

  // More than the first ones; servers, patterns and terms; by name, not by description, first.
  await page.goto(`${base}search.html?q=${task.many}`);
  await settled("tool");
  const before = await options.count();
  await page.getByRole("button", { name: "More tools" }).click();
  await page.waitForFunction((n) => document.querySelectorAll("#found [role=option]").length > n, before);
  await field.fill("poisoning");
  await settled("attack pattern");
  assert.match(await options.locator("xpath=self::*[contains(@href,'attacks/')]").first().getAttribute("href"), /^attacks\//);
  await field.fill("identity authorisation");
  await settled("attack category");
  assert.equal(await page.locator("#found a[href^='attacks/category/']").first().getAttribute("href"), "attacks/category/identity.html");
  await field.fill("mcp");
  await settled("server");
  assert.ok((await page.locator("#found a.server").count()) > 0);
  assert.deepEqual(errors, [], kind);
  await context.close();
}

// As it is seen with results: axe, nothing wider than the window; pictures are kept.
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 390, 320]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
    context.setDefaultTimeout(180_000);
    const page = await context.newPage();
    await page.goto(`${bases.http}search.html?q=${task.two[0]}`);
    await page.waitForFunction(() => !document.getElementById("found").hidden);
    await page.keyboard.press("ArrowDown");
    await page.locator("#q").press("ArrowDown");
    await page.evaluate(axe);
    const found = await page.evaluate(async () => ({
      violations: (await axe.run(document, { resultTypes: ["violations"] })).violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`),
      wider: document.documentElement.scrollWidth - innerWidth,
    }));
    assert.deepEqual(found, { violations: [], wider: 0 }, `${width} px, ${colorScheme}`);
    await page.screenshot({ path: path.join(task.pictures, `search-results-${width}-${colorScheme}.png`) });
    await context.close();
  }
}

// A part that is missing is said and not passed over.
const torn = await browser.newPage();
await torn.route("**/search/w/*", (route) => route.abort());
await torn.goto(`${bases.http}search.html?q=${task.two[0]}`);
await torn.waitForFunction(() => document.getElementById("count").textContent.includes("cannot be loaded"));

// Without script: a word that says so, and the way to the lists.
const still = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
await still.goto(bases.file + "search.html");
assert.ok(await still.locator("noscript").isVisible() || (await still.getByText("needs JavaScript").isVisible()));
assert.ok(!(await still.locator("#q").isVisible()), "a field that does nothing");
assert.ok(await still.getByText("Of a long description only the first words are searched").isVisible());
await still.getByRole("link", { name: "tools by name" }).click();
assert.ok(still.url().includes("browse.html"));
await browser.close();
console.log("searching from a file and over HTTP, keyboard, filters, back, links, without script: as it should be");
