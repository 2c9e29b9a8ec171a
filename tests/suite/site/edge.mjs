// Asks the edge function for the targets on standard input, as its host would, and a server of the tree for the same; prints what differs.
//
// node edge.mjs FOLDER_OF_PACKS ADDRESS_OF_THE_TREE ranges|whole|elsewhere: a host that knows ranges, one that does not, and packs on another host.

import { readFile } from "node:fs/promises";
import http from "node:http";

const [folder, tree, host] = process.argv.slice(2);
const code = await readFile(`${folder}/_worker.js`);
const worker = (await import(`data:text/javascript;base64,${code.toString("base64")}`)).default;
const targets = (await text(process.stdin)).split("\n");
let [requests, bytes] = [0, 0];

const files = http.createServer(async (request, response) => {
  requests += 1;
  const file = await readFile(`${folder}${request.url}`).catch(() => null);
  if (!file) return response.writeHead(404).end();
  const range = host === "whole" ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const part = range ? file.subarray(Number(range[1]), Number(range[2]) + 1) : file;
  bytes += part.length;
  response.writeHead(range ? 206 : 200, { "Content-Length": part.length }).end(part);
});
await new Promise((ready) => files.listen(0, "127.0.0.1", ready));
const own = `http://127.0.0.1:${files.address().port}`;
const assets = (request) => fetch(`${own}${new URL(request.url).pathname}`, { headers: request.headers });
const env = host === "elsewhere" ? { PACKS: `${own}/` } : { ASSETS: { fetch: assets } };

async function text(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

function fromTree(target, method, headers) {
  return new Promise((done, failed) => {
    const request = http.request(tree + target, { method, headers }, async (reply) => {
      const parts = [];
      for await (const part of reply) parts.push(part);
      done({ status: reply.statusCode, headers: new Headers(reply.headers), body: Buffer.concat(parts) });
    });
    request.on("error", failed).end();
  });
}

async function fromEdge(target, method, headers) {
  const reply = await worker.fetch(new Request(`https://site.example${target}`, { method, headers, redirect: "manual" }), env);
  return { status: reply.status, headers: reply.headers, body: Buffer.from(await reply.arrayBuffer()) };
}

const SAME = ["content-type", "content-length", "content-encoding", "vary", "etag", "x-content-type-options", "cache-control", "location"];
const differ = [];
let asked = 0;

async function compare(target, method, headers) {
  asked += 1;
  const [expected, got] = await Promise.all([fromTree(target, method, headers), fromEdge(target, method, headers)]);
  const say = (what, a, b) => differ.push(`${method} ${target} ${JSON.stringify(headers)}: ${what} ${a}, not ${b}`);
  if (expected.status !== got.status) say("status", got.status, expected.status);
  for (const name of SAME) {
    // A redirect has no content whose length could be said.
    if (name === "content-length" && expected.status === 301) continue;
    if (expected.headers.get(name) !== got.headers.get(name)) say(name, got.headers.get(name), expected.headers.get(name));
  }
  if (!expected.body.equals(got.body)) say("body", got.body.length, expected.body.length);
  return expected;
}

for (const [at, target] of targets.entries()) {
  const { headers } = await compare(target, "GET", { "accept-encoding": "gzip, deflate, br" });
  await compare(target, "GET", at % 2 ? {} : { "accept-encoding": "gzip;q=0" });
  if (at % 3 === 0) await compare(target, "HEAD", { "accept-encoding": "gzip" });
  const tag = headers.get("etag");
  if (tag) await compare(target, "GET", { "if-none-match": `W/"x", ${tag}`, "accept-encoding": "gzip" });
}
await compare("/", "POST", {});
files.close();
files.closeAllConnections();
console.log(JSON.stringify({ asked, requests, bytes, differ: differ.slice(0, 20) }));
