// Gemini CLI's own loader and engine: jobs.json has documents with calls, answers.json what becomes of them.
// Usage: node gemini.mjs PACKAGE/dist/src (in the folder of the files)
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const source = process.argv[2];
const { loadPoliciesFromToml } = await import(join(source, "policy/toml-loader.js"));
const { PolicyEngine } = await import(join(source, "policy/policy-engine.js"));
const { generateValidName } = await import(join(source, "tools/mcp-tool.js"));

const answers = [];
for (const { document, calls } of JSON.parse(readFileSync("jobs.json", "utf8"))) {
  const folder = mkdtempSync("policies-");
  writeFileSync(join(folder, "catalogue.toml"), document);
  // Tier 4 is the user's own.
  const { rules, errors } = await loadPoliciesFromToml([folder], () => 4);
  const problems = errors.filter((e) => e.errorType !== "tool_name_warning").map((e) => `${e.errorType}: ${e.message}`);
  const engine = (approvalMode) => new PolicyEngine({ rules: [...rules], approvalMode, nonInteractive: false });
  const plain = engine("default");
  // The rule that the program itself brings for this mode; below every tier of the user.
  const yolo = new PolicyEngine({
    rules: [...rules, { toolName: "*", decision: "allow", priority: 1.998, modes: ["yolo"] }],
    approvalMode: "yolo",
    nonInteractive: false,
  });
  const named = calls.map(([key, tool]) => ({ key, name: generateValidName(`${key}_${tool}`) }));
  const metadata = new Map(named.map(({ key, name }) => [name, { _serverName: key }]));
  const excluded = plain.getExcludedTools(metadata, new Set(named.map((n) => n.name)));
  const rows = [];
  for (const { key, name } of named) {
    const decide = async (engine) => (await engine.check({ name, args: { n: 1 } }, key, { _serverName: key })).decision;
    rows.push({ name, plain: await decide(plain), yolo: await decide(yolo), excluded: excluded.has(name) });
  }
  answers.push({ rows, problems, rules: rules.length });
}
writeFileSync("answers.json", JSON.stringify(answers));
process.exit(0);
