// SPDX-License-Identifier: Apache-2.0
//
// node client.mjs URL FORMAT: POSTs standard input as .npy and prints, for every level of the answer, its name, dtype,
// shape, order and the SHA-256 of its voxels, as JSON. Nothing but Node's own modules is used.
import { createHash } from "node:crypto";

const [url, format] = process.argv.slice(2);
const pieces = [];
for await (const piece of process.stdin) pieces.push(piece);

const response = await fetch(url, {
  method: "POST",
  headers: { "Content-Type": "application/x-npy", Accept: format },
  body: Buffer.concat(pieces),
});
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
const body = Buffer.from(await response.arrayBuffer());
const headers = response.headers;

/** The array that begins at `at`: what its header says, where its voxels are, where it ends. */
function npy(bytes, at) {
  if (bytes.toString("latin1", at, at + 6) !== "\x93NUMPY") throw new Error(`no .npy at ${at}`);
  const wide = bytes[at + 6] > 1;
  const length = wide ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 8);
  const begin = at + (wide ? 12 : 10) + length;
  const header = bytes.toString("latin1", at, begin);
  const descr = header.match(/'descr': '([^']+)'/)[1];
  const order = header.includes("'fortran_order': True") ? "F" : "C";
  const shape = header.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((s) => s.trim()).map(Number);
  const end = begin + shape.reduce((a, b) => a * b, Number(descr.slice(2)));
  return { descr, order, shape, voxels: bytes.subarray(begin, end), end };
}

/** The entries of a zip whose entries are stored: [name, bytes], by its central directory. */
function stored(zip) {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  let at = zip.readUInt32LE(end + 16);
  const entries = [];
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const size = zip.readUInt32LE(at + 20);
    const name = zip.toString("utf8", at + 46, at + 46 + zip.readUInt16LE(at + 28));
    const local = zip.readUInt32LE(at + 42);
    const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    entries.push([name, zip.subarray(begin, begin + size)]);
    at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}

/** The parts of multipart/mixed: [filename, bytes], each as long as its Content-Length says. */
function parts(bytes, boundary) {
  const found = [];
  let at = bytes.indexOf(`--${boundary}\r\n`);
  while (at >= 0) {
    const blank = bytes.indexOf("\r\n\r\n", at);
    const head = bytes.toString("latin1", at, blank);
    const size = Number(head.match(/content-length: (\d+)/i)[1]);
    found.push([head.match(/filename="([^"]+)"/)[1], bytes.subarray(blank + 4, blank + 4 + size)]);
    at = bytes.indexOf(`--${boundary}\r\n`, blank + 4 + size);
  }
  return found;
}

const levels = [];
function level(name, { descr, order, shape, voxels }) {
  levels.push({ name, descr, order, shape, sha256: createHash("sha256").update(voxels).digest("hex") });
}

const media = headers.get("content-type");
if (media.startsWith("application/zip")) {
  for (const [name, bytes] of stored(body)) level(name, npy(bytes, 0));
} else if (media.startsWith("multipart/mixed")) {
  const boundary = media.match(/boundary="?([^";]+)/)[1];
  for (const [name, bytes] of parts(body, boundary)) level(name, npy(bytes, 0));
} else if (media.startsWith("application/x-npy")) {
  for (let at = 0, mip = 1; at < body.length; mip++) {
    const array = npy(body, at);
    level(`mip${mip}.npy`, array);
    at = array.end;
  }
} else {
  const dtype = headers.get("pyramid-dtype");
  const kind = dtype.startsWith("uint") ? "u" : dtype[0];
  const width = Number(dtype.match(/\d+/)[0]) / 8;
  let at = 0;
  for (const [, text] of headers.get("pyramid-levels").matchAll(/\(([^)]*)\)/g)) {
    const [mip, ...shape] = text.split(" ").map(Number);
    const end = at + shape.reduce((a, b) => a * b, width);
    const descr = (width === 1 ? "|" : "<") + kind + width;
    level(`mip${mip}.npy`, { descr, order: headers.get("pyramid-order"), shape, voxels: body.subarray(at, end) });
    at = end;
  }
}
console.log(JSON.stringify(levels));
