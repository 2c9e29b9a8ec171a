// Uses a tool page as a reader does: on a real address of this machine, by mouse and by keyboard alone.
import assert from "node:assert";
import { chromium } from "playwright-core";

const task = JSON.parse(process.argv[2]);
const base = task.base;
const browser = await chromium.launch({ executablePath: task.chromium, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ["clipboard-read", "clipboard-write"], colorScheme: "light" });
const page = await context.newPage();
page.setDefaultTimeout(180_000);
const errors = [];
page.on("pageerror", (error) => errors.push(String(error)));
page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
await page.goto(base + task.tool);

// Tabs: one panel at a time, arrow keys go round, the choice is remembered on the next page.
const tabs = page.locator(".rules [role=tab]");
const count = await tabs.count();
assert.equal(count, 6, "six formats");
const shown = async () => page.locator(".rules [role=tabpanel]:visible").count();
assert.equal(await shown(), 1);
await tabs.nth(0).focus();
await page.keyboard.press("ArrowRight");
assert.equal(await tabs.nth(1).getAttribute("aria-selected"), "true");
assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "tab");
await page.keyboard.press("End");
assert.equal(await tabs.nth(count - 1).getAttribute("aria-selected"), "true");
await page.keyboard.press("ArrowRight");
assert.equal(await tabs.nth(0).getAttribute("aria-selected"), "true");
await tabs.nth(2).click();
assert.equal(await shown(), 1);
const chosen = (await tabs.nth(2).textContent()).trim();
await page.reload();
assert.equal((await page.locator(".rules [role=tab][aria-selected=true]").textContent()).trim(), chosen, "remembered");

// Tiers.
await page.getByRole("button", { name: "Strict", exact: true }).click();
const strict = await page.locator(".rules [role=tabpanel]:visible pre:visible code").first().textContent();
await page.getByRole("button", { name: "Permissive", exact: true }).click();
const block = page.locator(".rules [role=tabpanel]:visible pre:visible code").first();
const permissive = await block.textContent();
assert.ok(strict.length > 10 && permissive.length > 10);

// Copying gives the text to the letter.
await page.locator(".rules [role=tabpanel]:visible .code:visible button.copy").first().click();
assert.equal(await page.evaluate(() => navigator.clipboard.readText()), permissive);
// It is said where screen readers hear it, and not for ever.
const said = page.getByRole("status").filter({ hasText: "Copied" });
await said.waitFor({ state: "attached" });
assert.equal(await page.locator("p.said[role=status]").count(), 1);
await said.waitFor({ state: "detached" });

// Theme: changes at once, and the next page has it before it is painted.
const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
const light = await paper();
await page.getByRole("button", { name: "Dark colours" }).click();
assert.notEqual(await paper(), light);
const dark = await paper();
await page.goto(base + "index.html");
assert.equal(await paper(), dark);

// What is kept and is no theme is none.
await page.evaluate(() => localStorage.setItem("theme", 'dark" onload="x'));
await page.reload();
assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), undefined);
assert.equal(await paper(), light);
await page.evaluate(() => localStorage.setItem("theme", "dark"));
await page.reload();
assert.equal(await paper(), dark);
await page.goto(base + task.tool);
await page.goto(base + "index.html");

// Back.
await page.goBack();
assert.ok(page.url().endsWith(task.tool));
assert.equal(await page.locator("h1").count(), 1);

// By keyboard alone: the first stop skips to the content, and every stop can be seen.
await page.goto(base + task.tool);
await page.keyboard.press("Tab");
const first = await page.evaluate(() => document.activeElement.getAttribute("href"));
assert.ok(first?.startsWith("#"), `the first stop is ${first}`);
const seen = new Set();
for (let i = 0; i < 60; i += 1) {
  await page.keyboard.press("Tab");
  const stop = await page.evaluate(() => {
    const it = document.activeElement;
    const style = getComputedStyle(it);
    return { name: it.outerHTML.slice(0, 80), outline: style.outlineStyle !== "none" || style.boxShadow !== "none", box: it.getBoundingClientRect().width };
  });
  if (stop.name.startsWith("<body")) break;
  assert.ok(stop.outline && stop.box > 0, `this stop cannot be seen: ${stop.name}`);
  seen.add(stop.name);
}
assert.ok(seen.size > 15, `only ${seen.size} stops`);
assert.deepEqual(errors, []);
await browser.close();
console.log(`tabs, tiers, copying, theme, back and ${seen.size} stops of the keyboard: as they should be`);
