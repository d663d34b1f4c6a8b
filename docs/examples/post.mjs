// SPDX-License-Identifier: Apache-2.0
//
// Sends an array slice by slice and prints the levels that come back. Needs Node 18 or later, nothing else.
//
//   node post.mjs [http://127.0.0.1:8080]

const [X, Y, Z, MIPS] = [64, 48, 20, 3];

/** The slices of a stack, as a microscope would hand them over: x fastest in memory. */
async function* acquire() {
  for (let z = 0; z < Z; z++) {
    const slice = new Uint8Array(X * Y);
    for (let y = 0; y < Y; y++) for (let x = 0; x < X; x++) slice[y * X + x] = (x + 2 * y + 3 * z) % 256;
    yield slice;
  }
}

const base = process.argv[2] ?? "http://127.0.0.1:8080";
const query = new URLSearchParams({
  method: "average", factor: "2,2,2", mips: MIPS, format: "raw", dtype: "uint8", shape: [X, Y, Z].join(","),
});
const answer = await fetch(`${base}/v1/pyramid?${query}`, {
  method: "POST",
  headers: { "Content-Type": "application/octet-stream" },
  // An iterable is sent in chunks: nobody holds the whole stack, neither here nor there.
  body: acquire(),
  duplex: "half",
});
if (!answer.ok) {
  console.error(`${answer.status}: ${await answer.text()}`);
  process.exit(1);
}
const content = new Uint8Array(await answer.arrayBuffer());
// "(1 32 24 10), (2 16 12 5)": each level's mip and its shape.
let at = 0;
for (const [, words] of answer.headers.get("Pyramid-Levels").matchAll(/\(([^)]*)\)/g)) {
  const [mip, ...shape] = words.split(" ").map(Number);
  const level = content.subarray(at, (at += shape.reduce((a, b) => a * b)));
  console.log(`mip ${mip}: ${shape.join("x")} sum ${level.reduce((a, b) => a + b, 0)}`);
}
