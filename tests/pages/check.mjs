// Checks configurations as a reader does, from a file and from a server: every client's form, what is known, what is not, what is hostile.
// Whatever stands in values of variables, headers and options must not be found in the page, in an address or in a request.
import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";

const task = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const bases = { file: pathToFileURL(task.root).href + "/", http: task.base };
const axe = fs.readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const browser = await chromium.launch({ executablePath: task.chromium, args: ["--no-sandbox"] });

const SECRET = "q8Zt31vXw0PmR7yLk2Ns";
const answered = (registry) => task.servers.find((it) => it.registry === registry && it.outcome === "ok" && it.total > 3) ?? assert.fail(`no server of ${registry}`);
const [npm, pypi, remote, github] = ["npm", "pypi", "remote", "github"].map(answered);
const quiet = task.servers.find((it) => it.registry === "npm" && it.outcome !== "ok" && !it.total);
const name = (it) => it.key.slice(it.key.indexOf(":") + 1);
const held = { env: { API_KEY: SECRET, PLAIN: SECRET }, headers: { Authorization: `Bearer ${SECRET}` }, envFile: SECRET };
// The same servers in all forms: known by npm, PyPI and address, one that listed nothing, unknown ones, and what is not looked up.
const entries = {
  one: { command: "npx", args: ["-y", `${name(npm)}@0.0.1`, "--api-key", SECRET, SECRET], ...held },
  two: { command: "uvx", args: ["--from", name(pypi).toUpperCase(), "x", `--token=${SECRET}`], ...held },
  three: { url: `${name(remote)}?key=${SECRET}#${SECRET}`, ...held },
  four: { command: "cmd", args: ["/c", "npx", name(quiet)] },
  five: { command: "bunx", args: ["nobody-has-this@1.2.3", SECRET] },
  six: { url: "https://unknown.example/mcp" },
  seven: { command: "docker", args: ["run", "-e", `X=${SECRET}`, "an/image"] },
  eight: { command: `/home/me/${SECRET}/run`, args: [SECRET] },
  nine: { command: `TOKEN=${SECRET} npx something` },
  ten: { url: `https://h.example/${SECRET}/mcp` },
  off: { command: "npx", args: ["-y", name(npm)], disabled: true },
  "<img src=x onerror=alert(1)>": { command: "npx", args: ["<img src=x onerror=alert(1)>"] },
  "__proto__x": { command: "npx", args: ["-y", "also-unknown"] },
};
const json = (places) => JSON.stringify(places.reduceRight((inner, key) => ({ [key]: inner }), entries), null, 2);
const withProto = (text) => text.replaceAll("__proto__x", "__proto__");
const toml = `model = "x"\n[profiles.a]\nname = 'b'\n` + Object.entries(entries).map(([key, it]) => `[mcp_servers.${JSON.stringify(key)}]\n`
  + (it.command ? `command = ${JSON.stringify(it.command)}\n` : "") + (it.args ? `args = [ # said why\n${it.args.map((arg) => `  ${JSON.stringify(arg)},\n`).join("")}]\n` : "")
  + (it.url ? `url = ${JSON.stringify(it.url)}\n` : "") + (it.disabled ? "enabled = false\n" : "")
  + `http_headers = { "X-Key" = "${SECRET}" }\n[mcp_servers.${JSON.stringify(key)}.env]\nTOKEN = """\n${SECRET}\n"""\n`).join("\n");
const forms = {
  "mcpServers": json(["mcpServers"]),
  "servers": json(["servers"]),
  "mcp/servers": json(["mcp", "servers"]),
  "context_servers": json(["context_servers"]),
  "mcp": json(["mcp"]),
  "a project's": json(["projects", "/home/me/x", "mcpServers"]),
  "comments": `\ufeff// mine\n${json(["servers"]).replaceAll("},", "}, /* and, \" more */").replace(/\n(\s*)\}/g, ",\n$1}")}\n// end`,
  "a piece": json(["mcpServers"]).trim().slice(1, -1),
  "the table alone": JSON.stringify(entries),
  "toml": toml,
};

const sizes = [];
for (const [kind, base] of Object.entries(bases)) {
  const wrong = [], asked = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(180_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") wrong.push(message.text()); });
  page.on("dialog", (dialog) => { wrong.push(dialog.message()); dialog.dismiss(); });
  page.on("request", (request) => asked.push([request.method(), request.url()]));
  await page.goto(base + "check.html");
  const loaded = asked.length;
  const status = page.locator("#status");
  const done = async () => {
    await page.waitForFunction(() => { const text = document.getElementById("status").textContent; return text && text !== "Looking …"; });
    return status.textContent();
  };
  /** Pastes and checks by keyboard alone. */
  const check = async (text) => {
    await page.locator("#clear").click();
    await page.locator("#config").fill(text);
    await page.locator("#config").press("Control+Enter");
    return done();
  };
  const section = async (title) => page.evaluate((wanted) => {
    const head = [...document.querySelectorAll("#result h2")].find((it) => it.textContent === wanted);
    return head ? [...(head.nextElementSibling?.children ?? [])].map((it) => it.textContent) : [];
  }, title);
  const clean = async (what) => {
    const { html, address } = await page.evaluate(() => ({ html: document.documentElement.outerHTML, address: location.href }));
    for (const [place, text] of [["the page", html], ["the address", address], ["a request", JSON.stringify(asked)]]) assert.ok(!text.includes(SECRET), `${what}: a secret stands in ${place}`);
    assert.equal(await page.locator("#result :is(img, script, iframe, style)").count(), 0, what);
  };

  for (const [form, text] of Object.entries(forms)) {
    const said = await check(withProto(text));
    assert.match(said, /^13 entries: 3 servers in the catalogue with [\d,]+ tools, 1 that listed no tools, 3 not in the catalogue, 6 not looked up\.$/, `${kind}, ${form}: ${said}`);
    const tools = npm.total + pypi.total + remote.total;
    assert.ok(said.includes(`${tools.toLocaleString("en")} tools`), `${form}: ${said}`);
    const known = await section("In the catalogue");
    assert.equal(known.length, 4, form);
    const line = (key) => known.find((it) => it.includes(key));
    assert.ok(line(npm.key).startsWith("one starts ") && line(npm.key).includes(`${npm.total} tools of version ${npm.version}, where your file names 0.0.1`), line(npm.key));
    assert.ok(line(quiet.key).includes(`(${quiet.outcome})`), line(quiet.key));
    const unknown = await section("Not in the catalogue");
    assert.deepEqual(unknown, ["five npm:nobody-has-this", "six https://unknown.example/mcp", "__proto__ npm:also-unknown"], form);
    assert.equal(await page.locator("#result pre").textContent(), "catalogue scan npm:nobody-has-this@1.2.3 https://unknown.example/mcp npm:also-unknown");
    const left = await section("Not looked up");
    assert.ok(left.some((it) => it === "seven: it starts docker with something of your machine; images are not looked up"), left.join("; "));
    assert.ok(left.some((it) => it === "<img src=x onerror=alert(1)>: its package has no name that npm would accept"), left.join("; "));
    await clean(form);
  }

  // Counts and gravest tools are what the servers' own JSON says, and every link leads to a page.
  await check(withProto(forms.mcpServers));
  const sum = { class: {}, risk: {} };
  for (const it of [npm, pypi, remote]) {
    for (const { class: word, tools } of it.classes) sum.class[word] = (sum.class[word] ?? 0) + tools;
    for (const { risk: word, tools } of it.risks) sum.risk[word] = (sum.risk[word] ?? 0) + tools;
  }
  const shown = await page.evaluate(() => [...document.querySelectorAll("#result > .tally")].map((list) => Object.fromEntries([...list.children].map((it) => {
    const [, count, word] = it.textContent.match(/^([\d,]+) (\w+)(?: risk)?$/);
    return [word.toLowerCase(), Number(count.replace(",", ""))];
  }))));
  const counted = (all) => Object.fromEntries(Object.entries(all).filter(([, count]) => count).sort());
  assert.deepEqual(shown.map(counted), [counted(sum.class), counted(sum.risk)]);
  const named = await page.evaluate(() => [...document.querySelectorAll("#result .tools li")].map((it) => [it.querySelector("code").textContent, it.querySelector(".risk").textContent.toLowerCase()]));
  const grave = [npm, pypi, remote].flatMap((it) => it.tools.filter((tool) => /high|critical/.test(tool.risk)).map((tool) => `${tool.name} ${tool.risk}`));
  assert.ok(named.length && named.every(([tool, risk]) => grave.includes(`${tool} ${risk}`)), JSON.stringify(named));
  assert.deepEqual(named.map(([, risk]) => risk), named.map(([, risk]) => risk).sort());
  for (const href of await page.evaluate(() => [...document.querySelectorAll("#result a")].map((it) => it.getAttribute("href")))) {
    const [file, id] = href.split("#");
    const text = fs.readFileSync(path.join(task.root, decodeURIComponent(file)), "utf8");
    assert.ok(!id || text.includes(`id="${id}"`), href);
  }
  assert.ok(await page.locator("#result a[download]").count() >= 3, "policy files");

  // Lines: purls, targets, commands, bare names; and how every launcher is read.
  const lines = [`- npm:${name(npm)}@1.0.0`, `pkg:npm/${encodeURIComponent(name(npm)).replace("%2F", "/")}@1.0.0`, `pypi:${name(pypi)}==1`, `pkg:pypi/${name(pypi)}@1 # why`, name(remote), `github:${name(github)}`, `npx -y ${name(npm)}`, `"${name(pypi)}",`, "# nothing", "neither/here"].join("\n");
  // Several of them start one server, which counts once.
  const tools = [npm, pypi, remote, github].reduce((count, it) => count + it.tools.length, 0);
  assert.equal(await check(lines), `9 entries: 4 servers in the catalogue with ${tools} tools, 1 not looked up.`, lines);
  const launches = Object.fromEntries(task.launches.map(([line], i) => [`L${i}`, { command: line }]));
  await check(JSON.stringify({ mcpServers: launches }));
  const [unknown, left] = [await section("Not in the catalogue"), await section("Not looked up")];
  const scan = (await page.locator("#result pre").textContent()).split(" ");
  task.launches.forEach(([line, target], i) => {
    const found = [...unknown, ...left].find((it) => it.startsWith(`L${i} `) || it.startsWith(`L${i}: `)) ?? "";
    if (target === "program") assert.match(found, /it starts /, `${line}: ${found}`);
    else if (target === "-") assert.match(found, / (its|of several) /, `${line}: ${found}`);
    else {
      assert.equal(found, `L${i} ${target.replace(/(?<=.)@\d.*$|==.*$/, "")}`, line);
      assert.ok(scan.includes(target), `${line}: ${scan}`);
    }
  });

  // Hostile and odd: never an error, never markup, in reasonable time.
  for (const [what, text, wanted] of [
    ["deep lists", `{"mcpServers":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, /No server|does not read/],
    ["deep tables", `{"mcpServers":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}`, /^1 entry|No server|does not read/],
    ["deep TOML", `[mcp_servers.a]\ncommand = ${"[".repeat(50_000)}`, /^1 entry/],
    ["many faults", `[mcp_servers.a]\n${"x\n".repeat(5_000)}`, /^1 entry.*line 2: = is missing, and 4,999 places below/],
    ["a megabyte", JSON.stringify({ mcpServers: { a: { command: "npx", args: ["x".repeat(1_000_000)], env: { A: SECRET } } } }), /^1 entry/],
    ["many entries", JSON.stringify({ mcpServers: Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`s${i}`, { command: `npx name-${i}` }])) }), /^400 entries, the first of more,/],
    ["a megabyte of quotes", `{"a": ${'"\\'.repeat(500_000)}`, /does not read/],
    ["a megabyte of words", "npx ".repeat(250_000), /entr/],
    ["its parent", `{"mcpServers": {"__proto__": {"command": "npx unknown-one"}, "constructor": {"__proto__": {"command": "npx x"}}, "toString": {"command": {"path": "npx", "args": ["two"]}}}}`, /^3 entries: 2 not in the catalogue, 1 not looked up/],
    ["no JSON", "{ \"mcpServers\": ", /does not read/],
    ["nothing in it", "{}", /No server/],
    ["wrong kinds", `{"mcpServers": {"a": 1, "b": [], "c": null, "d": {"command": {}, "args": 3}, "e": {"url": [[1]], "env": 4}}}`, /^2 entries: 2 not looked up|^2 entries: 1 not in/],
    ["a script", `<script>alert(1)</script>\n"><img src=x onerror=alert(1)>`, /not looked up/],
  ]) {
    const said = await check(text);
    assert.match(said, wanted, `${what}: ${said.slice(0, 200)}`);
    await clean(what);
  }
  assert.equal(await page.evaluate(() => Object.prototype.command ?? {}.command), undefined);

  // What does not read is said with its line, and with nothing of it.
  const server = '[mcp_servers.a]\ncommand = "npx"\nargs = ["also-unknown"]\n';
  for (const [text, wanted] of [
    [`model = "x"\n[mcp_serv`, /^No server is configured there\. What does not read was passed over: line 2: \] is missing\.$/],
    [`[mcp_serv`, /^No server is configured there\. What does not read was passed over: line 1: \] is missing\.$/],
    [`model = "x"\n\n[`, /What does not read was passed over: line 3: a name is missing\.$/],
    [`${server}[mcp_servers.b`, /^1 entry: 1 not in the catalogue\. What does not read was passed over: line 4: \] is missing\.$/],
    // What stands below belongs to no other server.
    [`\n\n${server}[mcp_servers.${SECRET}\ncommand = "docker"\n`, /^1 entry: 1 not in the catalogue\. What does not read was passed over: line 6: \] is missing\.$/],
    [`${server}[mcp_servers.b]\ncommand = "npx ${SECRET}\nargs = [`, /^2 entries.* passed over: line 5: a quotation mark is missing, and 1 place below\.$/],
    [`since = 2026-01-01 10:00:00Z\n${server}`, /^1 entry: 1 not in the catalogue\.$/],
    [`{\n  "mcpServers": {\n    "a": { "command": "npx" "${SECRET}" }\n  }\n}`, /^That does not read: the JSON has a fault in line 3\.$/],
    [`\n\n// one\n/* two\nthree */ {\n  "a": "${SECRET}\n}`, /^That does not read: the JSON has a fault in line 6\.$/],
    [`{ "a": [1, 2 }`, /fault in line 1\./],
    [`{ "a": "\\x" }`, /fault in line 1\./],
    [`{ "a": 1 }\n}`, /fault in line 2\./],
    [`{ "mcpServers": {\n "a": { "command": "npx"`, /^That does not read: the JSON ends in line 2 before it is complete\.$/],
    [`"mcpServers": {\n "a": { "command": "npx" ]\n}`, /fault in line 2\./],
    [`"mcpServers": {\n "a": {\n`, /the JSON (has a fault|ends) in line 2/],
  ]) {
    const said = await check(text);
    assert.match(said, wanted, `${text}: ${said}`);
    await clean(text);
  }

  // Every request was for a piece of this site's index, and none names what was pasted.
  const pieces = [...new Set(asked.slice(loaded).map(([, url]) => url))].filter((url) => !url.endsWith("/static/icon.svg"));
  assert.ok(asked.every(([method]) => method === "GET"));
  for (const url of pieces) assert.match(url.replace(base, ""), /^check\/(index|s\/(all|[01]+))\.js$/);
  const weighs = (url) => gzipSync(fs.readFileSync(path.join(task.root, url.replace(base, "")))).length;
  const index = weighs(base + "check/index.js");
  sizes.push(...pieces.filter((url) => url.includes("/s/")).map((url) => index + weighs(url)));

  // A file that is chosen, one that is dropped, and nothing left behind.
  await page.locator("#clear").click();
  assert.equal(await page.locator("#result").textContent(), "");
  await page.locator("#file").setInputFiles({ name: "mcp.json", mimeType: "application/json", buffer: Buffer.from(forms.servers) });
  await page.locator("#result h2").first().waitFor();
  await page.locator("#clear").click();
  const dropped = await page.evaluateHandle((text) => { const data = new DataTransfer(); data.items.add(new File([text], "config.toml")); return data; }, forms.toml);
  await page.locator("#config").dispatchEvent("drop", { dataTransfer: dropped });
  await page.locator("#result h2").first().waitFor();
  await clean("a dropped file");
  await page.goto(base + "index.html");
  await page.goBack();
  assert.equal(await page.locator("#config").inputValue(), "");
  assert.equal(await page.evaluate(() => document.cookie + Object.values({ ...localStorage }).join() + Object.values({ ...sessionStorage }).join()), "");

  // By keyboard: field, buttons, file, in this order, each with a name.
  await page.locator("#config").focus();
  const stops = [];
  for (let i = 0; i < 3; i += 1) { await page.keyboard.press("Tab"); stops.push(await page.evaluate(() => document.activeElement.id)); }
  assert.deepEqual(stops, ["run", "clear", "file"]);

  if (kind === "http") {
    for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [320, "light"], [320, "dark"]]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await check(withProto(forms.mcpServers));
      await page.evaluate(axe);
      const { violations, wider } = await page.evaluate(async () => ({
        violations: (await axe.run(document, { resultTypes: ["violations"] })).violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`),
        wider: document.documentElement.scrollWidth - innerWidth,
      }));
      assert.deepEqual(violations, [], `${width} px, ${colorScheme}`);
      assert.ok(wider <= 0, `${wider} px wider than ${width} px`);
      await page.screenshot({ path: path.join(task.pictures, `result-${width}-${colorScheme}.png`), fullPage: true });
    }
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ media: "print", colorScheme: "light" });
    assert.equal(await page.locator("#config").isVisible(), false, "what was pasted is not printed");
    assert.equal(await page.locator("#result").isVisible(), true);
    await page.screenshot({ path: path.join(task.pictures, "print.png"), fullPage: true });
  }
  assert.deepEqual(wrong, [], kind);
  await context.close();
}
assert.ok(Math.max(...sizes) <= task.most, `${Math.max(...sizes)} bytes for one server`);

// A piece that cannot be loaded is said, and tried again the next time.
const torn = await (await browser.newContext()).newPage();
let broken = true;
await torn.route("**/check/s/*.js", (route) => (broken ? route.abort() : route.continue()));
await torn.goto(task.base + "check.html");
await torn.locator("#config").fill(`npm:${name(npm)}`);
await torn.locator("#run").click();
await torn.waitForFunction(() => /cannot be loaded/.test(document.getElementById("status").textContent));
broken = false;
await torn.locator("#run").click();
await torn.locator("#result h2").first().waitFor();

// Without script there is no field, and what to do instead is said.
const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
await plain.goto(bases.file + "check.html");
assert.equal(await plain.locator("#config").isVisible(), false);
assert.ok((await plain.locator("main").innerText()).includes("catalogue scan --registry config"));
await browser.close();
console.log(`${Object.keys(forms).length} forms, ${task.launches.length} command lines, from a file and from a server; one server costs at most ${Math.max(...sizes)} bytes compressed\n`);
