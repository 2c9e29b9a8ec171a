// A server with 1,000 tools, some of them as awkward to show as we could make them.
import readline from "node:readline";

const plain = (i) => ({
  name: `tool_${i}`,
  description: `Lists the entries of shelf ${i}. Returns at most 20 of them.`,
  inputSchema: { type: "object", properties: { shelf: { type: "string", description: "Which shelf" } } },
});
const wide = {};
for (let i = 0; i < 400; i += 1) {
  wide[`field_${i}`] = { type: "string", description: `What field ${i} of the form holds, said in a sentence of some length`, enum: ["a", "b", `c${i}`] };
}
const odd = [
  { name: "n".repeat(64), description: "Has the longest name that most clients take.", inputSchema: { type: "object" } },
  { name: "long_text", description: "Deletes an entry of the register for good. ".repeat(260), inputSchema: { type: "object" } },
  { name: "wide_form", description: "Updates a form.", inputSchema: { type: "object", properties: wide, required: ["field_1"] } },
  { name: "rtl", title: "حذف السجل", description: "يحذف سجلا من قاعدة البيانات. لا يمكن التراجع عن ذلك.", inputSchema: { type: "object", properties: { "السجل": { type: "string", description: "رقم السجل" } } } },
  { name: "中文工具", description: "删除一条记录。此操作无法撤销，请先备份数据。", inputSchema: { type: "object", properties: { 记录: { type: "string", description: "记录编号" } } } },
  { name: "unbroken", description: "x".repeat(2000), inputSchema: { type: "object", properties: { ["p".repeat(300)]: { description: "y".repeat(900) } } } },
  { name: "no_text", inputSchema: { type: "object" } },
  { name: "markup", description: "<b>Runs</b> a `command` in a shell & <script>alert(1)</script> returns what it printed.\n\n- one\n- two", inputSchema: { type: "object", properties: { command: { type: "string" } }, required: ["command"] }, annotations: { readOnlyHint: true } },
  // One name in several spellings.
  ...["deleteUserAccount", "delete_user_account", "delete-user-account", "delete.user.account", "créerÉvénement", "CREER_EVENEMENT", "ｇｅｔ＿Ｓｔｒａße", "getStrasse"].map((name) => ({ name, inputSchema: { type: "object" } })),
];
const tools = [...odd, ...Array.from({ length: 1000 - odd.length }, (_, i) => plain(i))];
for await (const line of readline.createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  const result = message.method === "initialize"
    ? { protocolVersion: message.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "awkward", version: "1.0.0" } }
    : message.method === "tools/list" ? { tools } : undefined;
  if (result) process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id: message.id, result }) + "\n");
}
