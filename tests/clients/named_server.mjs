// A made-up MCP server over stdio. Usage: node named_server.mjs KEY DEFINITIONS LOG
// DEFINITIONS is a JSON file with the tools to list; every call that arrives becomes a line of LOG.
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [key, definitions, log] = process.argv.slice(2);
const tools = JSON.parse(readFileSync(definitions, "utf8"));
const answer = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\n");

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === "initialize") {
    const serverInfo = { name: key, version: "1.0.0" };
    answer(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo });
  } else if (method === "tools/list") {
    answer(id, { tools });
  } else if (method === "tools/call") {
    appendFileSync(log, JSON.stringify({ server: key, tool: params.name, arguments: params.arguments ?? null }) + "\n");
    answer(id, { content: [{ type: "text", text: "done" }] });
  } else if (method === "ping") {
    answer(id, {});
  } else {
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "no" } }) + "\n");
  }
});
