// Looks at pages: axe, width, shifts, what is there without script; keeps a picture of each. Ends with 1 if something is wrong.
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
const wrong = [];
let looked = 0;
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 390, 320]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    for (const [kind, file] of task.pages) {
      const page = await context.newPage();
      const asked = [];
      page.on("request", (request) => { if (!request.url().startsWith(task.base)) asked.push(request.url()); });
      page.on("pageerror", (error) => wrong.push(`${kind} ${file}: ${error}`));
      // What the policy of the page stops is told there, and what is not found.
      page.on("console", (said) => {
        const isItself = kind === "not-found" && said.location().url === address(kind, file);
        if (said.type() === "error" && !isItself) wrong.push(`${kind} ${file}: ${said.text()}`);
      });
      await page.addInitScript(() => {
        window.shifted = 0;
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifted += entry.value; })
          .observe({ type: "layout-shift", buffered: true });
      });
      const answer = await page.goto(address(kind, file), { waitUntil: "load" });
      if ((answer.status() === 404) !== (kind === "not-found")) wrong.push(`${kind} ${file}: answered ${answer.status()}`);
      await page.evaluate(axe);
      const found = await page.evaluate(async () => ({
        violations: (await axe.run(document, { resultTypes: ["violations"] })).violations
          .map((v) => `${v.id} (${v.impact}, ${v.nodes.length}): ${v.nodes[0].html.slice(0, 160)}`),
        wider: document.documentElement.scrollWidth - innerWidth,
        shifted: window.shifted,
      }));
      const where = `${kind} ${file}, ${colorScheme}, ${width} px`;
      for (const violation of found.violations) wrong.push(`${where}: ${violation}`);
      if (found.wider > 0) wrong.push(`${where}: ${found.wider} px wider than the window`);
      if (found.shifted > 0) wrong.push(`${where}: moved by ${found.shifted} while loading`);
      for (const url of asked) wrong.push(`${where}: asks for ${url}`);
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      const clip = { x: 0, y: 0, width, height: Math.min(height, TALLEST) };
      await page.screenshot({ path: path.join(task.pictures, `${kind}-${width}-${colorScheme}.png`), fullPage: true, clip });
      looked += 1;
      await page.close();
    }
    await context.close();
  }
}
// Without script, as a file, everything is still there to read: no text of the page is hidden but for what a reader can fold out.
const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
for (const [kind, file] of task.pages) {
  const page = await context.newPage();
  await page.goto(pathToFileURL(path.join(task.root, file)).href);
  if (!(await page.locator("h1").isVisible())) wrong.push(`${kind} ${file}: no heading without script`);
  for (const block of await page.locator("main pre").all()) {
    const folded = await block.evaluate((pre) => Boolean(pre.closest("details:not([open])")));
    if (!folded && !(await block.isVisible())) wrong.push(`${kind} ${file}: a block is hidden without script`);
  }
  await page.close();
}
await browser.close();
if (wrong.length) {
  console.log(wrong.slice(0, 40).join("\n") + `\n${wrong.length} in all`);
  process.exit(1);
}
console.log(`${task.pages.length} kinds of page, looked at ${looked} times: nothing wrong`);
