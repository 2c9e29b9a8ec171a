// Lighthouse as it is used by default: a slow phone on a slow network, both simulated. Ends with 1 if a page has less than it should.
import fs from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const task = JSON.parse(process.argv[2]);
/** What each category must have, of 100. */
const least = { accessibility: 100, "best-practices": 100, seo: 100, performance: 95 };
const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
const wrong = [];
for (const [kind, file] of task.pages) {
  const scores = {};
  for (let round = 0; round < task.rounds; round += 1) {
    // A new browser each time: nothing is remembered.
    const chrome = await launch({ chromePath: task.chromium, chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"], logLevel: "silent" });
    // What does not depend on speed is asked once.
    const onlyCategories = round === 0 ? Object.keys(least) : ["performance"];
    const { lhr } = await lighthouse(task.base + file, { port: chrome.port, logLevel: "error", onlyCategories });
    chrome.kill();
    if (lhr.runtimeError) throw new Error(`${kind}: ${lhr.runtimeError.message}`);
    for (const [name, { score, auditRefs }] of Object.entries(lhr.categories)) {
      (scores[name] ??= []).push(Math.round(score * 100));
      const missed = auditRefs.filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.9);
      if (score * 100 < least[name]) {
        for (const { id } of missed) console.log(`  ${kind}, round ${round + 1}, ${name}: ${id} ${lhr.audits[id].score} ${lhr.audits[id].displayValue ?? ""} ${JSON.stringify(lhr.audits[id].details?.items?.slice(0, 3) ?? "").slice(0, 600)}`);
      }
    }
    const shown = (id) => lhr.audits[id].displayValue?.replaceAll("\u00a0", " ");
    if (round === 0) scores.first = `largest paint ${shown("largest-contentful-paint")}, blocked ${shown("total-blocking-time")}, shift ${shown("cumulative-layout-shift")}, ${Math.round(lhr.audits["total-byte-weight"].numericValue / 1024)} KiB`;
  }
  const said = Object.keys(least).map((name) => {
    const score = median(scores[name]);
    if (score < least[name]) wrong.push(`${kind} ${file}: ${name} ${score}, ${least[name]} is wanted`);
    return `${name} ${score}${scores[name].length > 1 ? ` (${scores[name].join(" ")})` : ""}`;
  });
  console.log(`${kind}: ${said.join(", ")}; ${scores.first}`);
}
console.log(`load ${fs.readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" ")}`);
if (wrong.length) {
  console.log(wrong.join("\n"));
  process.exit(1);
}
