// SPDX-License-Identifier: Apache-2.0
//
// node page_arrays.mjs MODULE SIZE: reads .npy arrays out of standard input, cut into pieces of SIZE bytes, with the page's
// own reader, and prints each one's dtype, order, shape and the SHA-256 of its voxels, as JSON; or the words of its refusal.
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";

const [module, size] = process.argv.slice(2);
const { arraysOf } = await import(pathToFileURL(module));
const pieces = [];
for await (const piece of process.stdin) pieces.push(piece);
const bytes = Buffer.concat(pieces);

let at = 0;
const stream = new ReadableStream({
  pull(controller) {
    if (at >= bytes.length) return controller.close();
    controller.enqueue(new Uint8Array(bytes.subarray(at, (at += Number(size)))));
  },
});
const found = [];
try {
  for await (const { dtype, order, shape, data } of arraysOf(stream, () => {})) {
    const voxels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    found.push({ dtype, order, shape, sha256: createHash("sha256").update(voxels).digest("hex") });
  }
  console.log(JSON.stringify({ found }));
} catch (error) {
  console.log(JSON.stringify({ found, refusal: error.message }));
}
