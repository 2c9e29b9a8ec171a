// Cedar's own engine (the Rust crate, compiled to WebAssembly): jobs.json has lists of policies with calls.
// Usage: node cedar.mjs PACKAGE/nodejs/cedar_wasm.js
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";

const cedar = createRequire(import.meta.url)(process.argv[2]);
const schema = `
entity Client;
entity MCP;
entity Tool in [MCP] = { "arg_force"?: Bool };
action call_tool appliesTo { principal: Client, resource: Tool, context: { "arg_force"?: Bool } };
`;
const answers = [];
for (const { policies, calls } of JSON.parse(readFileSync("jobs.json", "utf8"))) {
  const set = { staticPolicies: policies.join("\n") };
  const parsed = cedar.checkParsePolicySet(set);
  const validated = parsed.type === "success" ? cedar.validate({ schema, policies: set, validationSettings: { mode: "strict" } }) : null;
  const problems = [...(parsed.errors ?? []), ...(validated?.validationErrors ?? []).map((e) => e.error)].map((e) => e.message);
  const rows = parsed.type !== "success" ? [] : calls.map(({ tool, context }) => {
    const answer = cedar.isAuthorized({
      principal: { type: "Client", id: "me" },
      action: { type: "Action", id: "call_tool" },
      resource: { type: "Tool", id: tool },
      context: context ?? {},
      policies: set,
      entities: [],
    });
    return answer.type === "success" ? answer.response.decision : `failure: ${answer.errors[0].message}`;
  });
  answers.push({ problems, rows });
}
writeFileSync("answers.json", JSON.stringify(answers));
