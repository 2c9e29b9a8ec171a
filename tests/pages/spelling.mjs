// Searches for names in other spellings than their own: capitals or signs between the words, accents, full width.
import assert from "node:assert";
import fs from "node:fs";
import { chromium } from "playwright-core";

const task = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const browser = await chromium.launch({ executablePath: task.chromium, args: ["--no-sandbox"] });
const page = await browser.newPage();
page.setDefaultTimeout(60_000);

// What is typed is cut into the words that the program cuts texts into: its own tests read the same list.
const script = fs.readFileSync(task.script, "utf8");
const [cutting] = script.match(/ {2}\/\/ Words as the index has them[^]*?(?=\n {2}\/\/ Everything that has a word)/);
const cut = await page.evaluate(`${cutting}; (${JSON.stringify(task.words)}).map(([text]) => wordsOf(text))`);
task.words.forEach(([text, wanted], i) => assert.equal(cut[i].flatMap(({ word, parts }) => [...parts, parts.length ? `${word}*` : word]).join(" "), wanted, text));

const errors = [];
page.on("pageerror", (error) => errors.push(String(error)));
for (const [names, texts] of task.spelled) {
  for (const text of [...names, ...texts]) {
    await page.goto(`${task.base}search.html?q=${encodeURIComponent(text)}`);
    await page.waitForFunction(() => document.getElementById("count").textContent);
    const found = await page.locator("#found a.tool > code").allTextContents();
    assert.deepEqual(found.sort(), names.toSorted(), `${text}: ${await page.locator("#count").textContent()}`);
    // One sign that stands for two is not cut to be marked.
    assert.ok((await page.locator("#found a.tool:has(> code > mark)").count()) >= names.filter((name) => !name.includes("ß")).length, `${text}: what was found is marked`);
  }
}
assert.deepEqual(errors, []);
await browser.close();
console.log(`${task.words.length} texts are cut as the program cuts them; names are found however they are spelled\n`);
