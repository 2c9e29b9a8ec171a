// Looks at pages: axe, width, shifts, what is cut off, what is there without script; keeps a picture of each. Ends with 1 if
// something is wrong, or if what is wrong with a page of its own is not seen.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const task = JSON.parse(process.argv[2]);
const axe = fs.readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const browser = await chromium.launch({ executablePath: task.chromium, args: ["--no-sandbox"] });
// The page for what is not there is met where it is shown: at an address of some depth.
const address = (kind, file) => task.base + (kind === "not-found" ? "no/such/page.html" : file);
// Of a page of 1,000 tools the beginning is pictured.
const TALLEST = 4000;
// A machine that does much else takes its time.
const PATIENCE = 180_000;
// The rules of axe that look at colours.
const OF_COLOURS = ["color-contrast", "link-in-text-block"];
const wrong = [];
let looked = 0;

/** What axe says of a page, whether it is wider than the window, what moved, and text that is cut off where nobody can scroll. */
async function look(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const cut = [...document.querySelectorAll("body *")].filter((it) => {
      const style = getComputedStyle(it);
      const isHidden = style.clipPath !== "none" || style.display === "inline" || it.closest("svg, [aria-hidden]") || !it.textContent.trim();
      return !isHidden && /hidden|clip/.test(style.overflowX) && it.scrollWidth > it.clientWidth + 1;
    });
    // A line of text that ends outside of the window.
    const outside = [...document.querySelectorAll("main :is(h1, h2, h3, p, li, dt, dd, td, th, summary, label, legend, figcaption)")].filter((it) => {
      if (!it.checkVisibility() || it.closest(".scroll, pre, [tabindex='0']")) return false;
      const range = document.createRange();
      range.selectNodeContents(it);
      return [...range.getClientRects()].some((box) => box.width > 0 && (box.right > innerWidth + 1 || box.left < -1));
    });
    const ran = await axe.run(document, { resultTypes: ["violations"] });
    return {
      rules: ran.passes.length + ran.violations.length,
      violations: ran.violations.map((v) => `${v.id} (${v.impact}, ${v.nodes.length}): ${v.nodes[0].html.slice(0, 160)}`),
      wider: document.documentElement.scrollWidth - innerWidth,
      shifted: window.shifted,
      cut: cut.map((it) => it.outerHTML.slice(0, 120)),
      outside: outside.map((it) => it.outerHTML.slice(0, 120)),
    };
  });
}

/** The same page in other colours: what axe says of them, and whether it is wider than the window now. Its tags and its layout are looked at already. */
async function lookAgain(page) {
  return page.evaluate(async (runOnly) => {
    const ran = await axe.run(document, { runOnly, resultTypes: ["violations"] });
    return {
      rules: ran.passes.length + ran.violations.length,
      violations: ran.violations.map((v) => `${v.id} (${v.impact}, ${v.nodes.length}): ${v.nodes[0].html.slice(0, 160)}`),
      wider: document.documentElement.scrollWidth - innerWidth,
    };
  }, OF_COLOURS);
}

/** A picture, packed quickly: these are looked at and not sent. */
async function picture(devtools, name, width, height) {
  const clip = { x: 0, y: 0, width, height: Math.min(height, TALLEST), scale: 1 };
  const { data } = await devtools.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true, optimizeForSpeed: true, clip });
  fs.writeFileSync(path.join(task.pictures, name), Buffer.from(data, "base64"));
}

async function watch(page) {
  page.setDefaultTimeout(PATIENCE);
  await page.addInitScript(() => {
    window.shifted = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifted += entry.value; })
      .observe({ type: "layout-shift", buffered: true });
  });
}

// What is wrong with this page has to be seen, or what is said of the others is worth nothing.
const bad = await browser.newPage({ viewport: { width: 320, height: 900 } });
await watch(bad);
await bad.route("**/bad.html", (route) => route.fulfill({
  contentType: "text/html",
  body: `<!DOCTYPE html><html><title>x</title><main><h1>x</h1><div id=late></div><p style="color:#ccc;background:#fff">Pale</p>
    <p style="width:900px">Wide</p><div style="width:4em;overflow:hidden;white-space:nowrap">Much more than fits</div>
    <p style="position:absolute;left:300px;width:200px">Ends out of sight</p></main>
    <script>requestAnimationFrame(() => setTimeout(() => { late.style.height = "200px"; }, 300));</script>`,
}));
await bad.goto(task.base + "bad.html");
await bad.waitForFunction(() => window.shifted > 0);
const sees = await look(bad);
for (const rule of ["color-contrast", "html-has-lang"]) {
  if (!sees.violations.some((v) => v.startsWith(rule))) wrong.push(`axe does not see ${rule}`);
}
if (!(sees.wider > 0 && sees.shifted > 0 && sees.cut.length === 1 && sees.outside.length)) wrong.push(`faults are not seen: ${JSON.stringify(sees)}`);
const again = await lookAgain(bad);
if (!again.violations.some((v) => v.startsWith("color-contrast")) || !(again.wider > 0)) wrong.push(`faults are not seen again: ${JSON.stringify(again)}`);
await bad.close();

/** Does it with all of them, one after another: of two pages the browser holds the one behind back, and may not go on with it. One that takes for ever is an error that names it. */
async function each(all, does) {
  for (const one of all) {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${JSON.stringify(one)} was not done in ${2 * PATIENCE} ms`)), 2 * PATIENCE); });
    await Promise.race([does(one), late]);
    clearTimeout(timer);
  }
}

/** A page that is not moved on: one that leads on is looked at before. */
async function opened(context, kind, file, colorScheme, width, asked) {
  const page = await context.newPage();
  page.on("request", (request) => { if (!request.url().startsWith(task.base)) asked.push(request.url()); });
  page.on("pageerror", (error) => wrong.push(`${kind} ${file}: ${error}`));
  // What the policy of the page stops is told there, and what is not found.
  page.on("console", (said) => {
    const isItself = kind === "not-found" && said.location().url === address(kind, file);
    if (said.type() === "error" && !isItself) wrong.push(`${kind} ${file}: ${said.text()}`);
  });
  await watch(page);
  if (kind === "moved") {
    await page.route("**/*.html", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: (await answer.text()).replace(/<meta http-equiv="refresh"[^>]*>/, "") });
    });
  }
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 900 });
  return page;
}

// Each width is loaded once, for what moves then, and looked at in both schemes; in which of them it is loaded takes turns.
const LOADS = [[1280, "light", "dark"], [390, "dark", "light"], [320, "light", "dark"]];
const looks = task.pages.flatMap((page) => LOADS.map((load) => [page, load]));
const seen = await browser.newContext();
await each(looks, async ([[kind, file], [width, scheme, other]]) => {
  const asked = [];
  const page = await opened(seen, kind, file, scheme, width, asked);
  const answer = await page.goto(address(kind, file), { waitUntil: "load" });
  if ((answer.status() === 404) !== (kind === "not-found")) wrong.push(`${kind} ${file}: answered ${answer.status()}`);
  const found = await look(page);
  const devtools = await seen.newCDPSession(page);
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await picture(devtools, `${kind}-${width}-${scheme}.png`, width, height);
  const where = `${kind} ${file}, ${scheme}, ${width} px`;
  for (const violation of found.violations) wrong.push(`${where}: ${violation}`);
  if (found.wider > 0) wrong.push(`${where}: ${found.wider} px wider than the window`);
  if (found.shifted > 0) wrong.push(`${where}: moved by ${found.shifted} while loading`);
  if (found.rules < 10) wrong.push(`${where}: axe tried ${found.rules} rules`);
  for (const html of found.cut) wrong.push(`${where}: cut off: ${html}`);
  for (const html of found.outside) wrong.push(`${where}: out of sight: ${html}`);
  await page.emulateMedia({ colorScheme: other });
  const again = await lookAgain(page);
  await picture(devtools, `${kind}-${width}-${other}.png`, width, height);
  for (const violation of again.violations) wrong.push(`${kind} ${file}, ${other}, ${width} px: ${violation}`);
  if (again.wider > 0) wrong.push(`${kind} ${file}, ${other}, ${width} px: ${again.wider} px wider than the window`);
  for (const url of asked) wrong.push(`${where}: asks for ${url}`);
  looked += 2;
  await page.close();
});
await seen.close();
// Without script, as a file, everything is still there to read: no text of the page is hidden but for what a reader can fold out.
const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 320, height: 900 } });
await each(task.pages, async ([kind, file]) => {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(pathToFileURL(path.join(task.root, file)).href);
  if (kind === "moved") {
    await page.waitForURL((url) => !url.href.endsWith(file));
    if (!(await page.locator("h1").isVisible())) wrong.push(`${file} leads nowhere`);
    await page.close();
    return;
  }
  if (!(await page.locator("h1").isVisible())) wrong.push(`${kind} ${file}: no heading without script`);
  const { wider, hidden } = await page.evaluate(() => ({
    wider: document.documentElement.scrollWidth - innerWidth,
    hidden: [...document.querySelectorAll("main pre")].filter((pre) => {
      const box = pre.getBoundingClientRect();
      return !pre.closest("details:not([open])") && !(pre.checkVisibility({ visibilityProperty: true }) && box.width > 0 && box.height > 0);
    }).length,
  }));
  if (wider > 0) wrong.push(`${kind} ${file}: ${wider} px wider than a phone without script`);
  if (hidden > 0) wrong.push(`${kind} ${file}: ${hidden} blocks are hidden without script`);
  await page.close();
});
await browser.close();
if (wrong.length) {
  console.log(wrong.slice(0, 40).join("\n") + `\n${wrong.length} in all`);
  process.exit(1);
}
console.log(`${task.pages.length} kinds of page, looked at ${looked} times: nothing wrong`);
