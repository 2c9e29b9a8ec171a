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
await bad.close();
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
      await watch(page);
      // Looked at before it leads on.
      if (kind === "moved") {
        await page.route("**/*.html", async (route) => {
          const answer = await route.fetch();
          await route.fulfill({ response: answer, body: (await answer.text()).replace(/<meta http-equiv="refresh"[^>]*>/, "") });
        });
      }
      const answer = await page.goto(address(kind, file), { waitUntil: "load" });
      if ((answer.status() === 404) !== (kind === "not-found")) wrong.push(`${kind} ${file}: answered ${answer.status()}`);
      const found = await look(page);
      const where = `${kind} ${file}, ${colorScheme}, ${width} px`;
      for (const violation of found.violations) wrong.push(`${where}: ${violation}`);
      if (found.wider > 0) wrong.push(`${where}: ${found.wider} px wider than the window`);
      if (found.shifted > 0) wrong.push(`${where}: moved by ${found.shifted} while loading`);
      if (found.rules < 10) wrong.push(`${where}: axe tried ${found.rules} rules`);
      for (const html of found.cut) wrong.push(`${where}: cut off: ${html}`);
      for (const html of found.outside) wrong.push(`${where}: out of sight: ${html}`);
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
const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 320, height: 900 } });
for (const [kind, file] of task.pages) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(pathToFileURL(path.join(task.root, file)).href);
  if (kind === "moved") {
    await page.waitForURL((url) => !url.href.endsWith(file));
    if (!(await page.locator("h1").isVisible())) wrong.push(`${file} leads nowhere`);
    await page.close();
    continue;
  }
  if (!(await page.locator("h1").isVisible())) wrong.push(`${kind} ${file}: no heading without script`);
  const wider = await page.locator("html").evaluate((html) => html.scrollWidth - innerWidth);
  if (wider > 0) wrong.push(`${kind} ${file}: ${wider} px wider than a phone without script`);
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
