// Answers from packs as a server answers from the site they were made of. `catalogue pack` writes this file beside them.
//
// The shape is that of Cloudflare Pages: `env.ASSETS` is the host of static files that this lies on. Packs that lie elsewhere: `env.PACKS` is the
// address of their folder. A pack is a ZIP file whose first member is a table of keys and places (src/render/pack/archive.rs). Of a host that knows ranges
// two small pieces are read for each answer; of one that does not, the pack.

const PACKS = "";
const PLAIN = "text/plain; charset=utf-8";
const HTML = "text/html; charset=utf-8";
const TYPES = new Map([
  ["html", HTML],
  ["css", "text/css; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["json", "application/json"],
  ["yaml", "application/yaml; charset=utf-8"],
  ["svg", "image/svg+xml"],
  ["png", "image/png"],
  ["xml", "application/xml"],
  ["txt", PLAIN],
  ["md", PLAIN],
]);
const TABLE_AT = 36;
const packs = new Map(PACKS.split(" ").map((pack) => pack.split(":")));
// Fronts of packs, and whole ones where the host sends no less; for a minute, since a host may not change all its files at once.
const kept = new Map();
const KEPT_BYTES = 32 << 20;
const KEPT_MS = 60_000;

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const ask = (path, headers) =>
      env.PACKS ? fetch(new URL(path, env.PACKS), { headers }) : env.ASSETS.fetch(new Request(new URL(`/${path}`, url), { headers }));
    try {
      return await answer(request, url.pathname, ask);
    } catch {
      return reply(request, 503, PLAIN, encoded("the packs cannot be read now\n"));
    }
  },
};

async function answer(request, path, ask) {
  if (!["GET", "HEAD"].includes(request.method)) return reply(request, 405, PLAIN, encoded("only GET and HEAD\n"));
  const name = named(path);
  const slash = path.endsWith("/");
  let found = name !== null && slash ? await find(name && `${name}/`, "index.html", ask) : null;
  if (!found && name) found = await find("", name, ask);
  if (!found && name && !slash && (await find("", `${name}/`, ask))) {
    return new Response(null, { status: 301, headers: { Location: path.startsWith("//") ? "/" : `${path}/` } });
  }
  if (!found) {
    const page = await find("", "404.html", ask);
    return reply(request, 404, HTML, encoded(page ? based(new TextDecoder().decode(await unpacked(page))) : "not found\n"));
  }
  const gzip = found.gzip && takes(request, "gzip");
  const headers = { Vary: "Accept-Encoding", ETag: `"${found.digest}${gzip ? "-gz" : ""}"` };
  if (gzip) headers["Content-Encoding"] = "gzip";
  const known = (request.headers.get("If-None-Match") ?? "").includes(headers.ETag);
  const body = known ? new Uint8Array() : gzip ? found.body : await unpacked(found);
  return reply(request, known ? 304 : 200, type(found.name), body, headers);
}

// `manual`: the body is compressed already.
function reply(request, status, type, body, more = {}) {
  const headers = { "Content-Type": type, "Content-Length": `${body.length}`, ...more };
  Object.assign(headers, { "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache" });
  return new Response(request.method === "HEAD" || status === 304 ? null : body, { status, headers, encodeBody: "manual" });
}

// The name below the root; null for what no file of the site can be called.
function named(path) {
  try {
    const parts = decodeURIComponent(path).split("/").filter((part) => part);
    return parts.some((part) => part.startsWith(".") || /[\\:\0]/.test(part)) ? null : parts.join("/");
  } catch {
    return null;
  }
}

function takes(request, coding) {
  const accepted = request.cf?.clientAcceptEncoding ?? request.headers.get("Accept-Encoding") ?? "";
  const all = accepted.split(",").map((one) => one.split(";").map((word) => word.trim()));
  return all.some(([name, ...weights]) => name === coding && !weights.some((weight) => ["q=0", "q=0.0"].includes(weight)));
}

// The site's root is the top of its host here, whatever it is elsewhere.
function based(page) {
  const [before, ...rest] = page.split('<base href="');
  if (!rest.length) return page.replace("<head>", '<head>\n<base href="/">');
  const after = rest.join('<base href="').split('">').slice(1).join('">');
  return `${before}<base href="/">${after}`;
}

async function find(folder, last, ask, again = false) {
  const name = folder + last;
  const together = name.slice(0, Math.max(name.lastIndexOf("/"), 0)).split("/").slice(0, 3).join("/");
  const key = BigInt(`0x${(await hash(together)).slice(0, 6)}${(await hash(name)).slice(0, 10)}`);
  const bits = key.toString(2).padStart(64, "0");
  const lengths = Array.from({ length: 65 }, (_, length) => length);
  const pack = lengths.map((length) => bits.slice(0, length)).find((start) => packs.has(start));
  if (pack === undefined) return null;
  let front = await part(pack, 0, 2 ** packs.get(pack), ask);
  const size = view(front).getUint32(18, true);
  if (front.length < TABLE_AT + size) front = await part(pack, 0, TABLE_AT + size, ask);
  const table = view(front.subarray(TABLE_AT, TABLE_AT + size));
  const count = (size - 4) / 12;
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (table.getBigUint64(middle * 12) < key) low = middle + 1;
    else high = middle;
  }
  let strange = false;
  for (; low < count && table.getBigUint64(low * 12) === key; low++) {
    const end = (low + 1) * 12 + (low + 1 < count ? 8 : 0);
    const file = member(await part(pack, table.getUint32(low * 12 + 8), table.getUint32(end), ask));
    if (file?.name === name) return file;
    strange = true;
  }
  // Another name has the same key, or the pack is a newer one than the table that was kept.
  if (!strange || again) return null;
  kept.delete(pack);
  return find(folder, last, ask, true);
}

// The file that a local header and what follows it are; null if they are none.
function member(bytes) {
  const header = view(bytes);
  if (bytes.length < 30 || header.getUint32(0, true) !== 0x04034b50) return null;
  const at = 30 + header.getUint16(26, true);
  const stored = bytes.subarray(at + 20);
  if (stored.length !== header.getUint32(18, true)) return null;
  const name = new TextDecoder().decode(bytes.subarray(30, at));
  const digest = [...bytes.subarray(at + 4, at + 20)].map(hex).join("");
  if (header.getUint16(8, true) === 0) return { name, digest, body: stored, gzip: false };
  // Checksum and size stand in the header as gzip has them at its end, with the packed size between them.
  const body = new Uint8Array(stored.length + 18);
  body.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  body.set(stored, 10);
  body.set(bytes.subarray(14, 18), stored.length + 10);
  body.set(bytes.subarray(22, 26), stored.length + 14);
  return { name, digest, body, gzip: true };
}

// A piece of a pack. A front may be shorter than was asked for.
async function part(pack, from, to, ask) {
  const held = kept.get(pack);
  if (held?.until > Date.now() && (to <= held.bytes.length || (from === 0 && held.whole))) return held.bytes.subarray(from, to);
  const headers = { Range: `bytes=${from}-${to - 1}`, "Accept-Encoding": "identity" };
  const answer = await ask(`packs/p${pack}.zip`, headers);
  if (answer.status !== 200 && answer.status !== 206) throw new Error(`${answer.status}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const whole = answer.status === 200;
  if (whole || from === 0) keep(pack, { bytes, whole, until: Date.now() + KEPT_MS });
  return whole ? bytes.subarray(from, to) : bytes;
}

function keep(pack, held) {
  kept.delete(pack);
  kept.set(pack, held);
  let total = 0;
  for (const [, { bytes }] of kept) total += bytes.length;
  for (const [oldest, { bytes }] of kept) {
    if (total <= KEPT_BYTES || oldest === pack) break;
    kept.delete(oldest);
    total -= bytes.length;
  }
}

async function unpacked({ body, gzip }) {
  if (!gzip) return body;
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function hash(text) {
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", encoded(text)))].map(hex).join("");
}

const encoded = (text) => new TextEncoder().encode(text);
const hex = (byte) => byte.toString(16).padStart(2, "0");
const type = (name) => TYPES.get(/[^/]\.([^./]*)$/.exec(name)?.[1]) ?? "application/octet-stream";
const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
