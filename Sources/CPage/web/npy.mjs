// SPDX-License-Identifier: Apache-2.0
//
// NumPy's .npy: headers of files, and arrays one after another out of a stream.
import { arrayOf } from "./volume.mjs";

const MOST_HEADER_BYTES = 64 * 1024;
const KINDS = { u: "uint", i: "int", f: "float" };

/** What begins with `bytes`: { dtype, shape, order, begin, count, bigEndian }; null if more bytes are needed. Throws Error in words. */
export function parseHeader(bytes) {
  if (bytes.length < 12) return null;
  if (String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY" || bytes[0] !== 0x93) throw new Error("It is no .npy file.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6] > 1;
  const size = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const begin = (wide ? 12 : 10) + size;
  if (size > MOST_HEADER_BYTES) throw new Error("Its .npy header is too long.");
  if (bytes.length < begin) return null;
  const text = new TextDecoder("latin1").decode(bytes.subarray(wide ? 12 : 10, begin));
  const descr = /'descr'\s*:\s*'([<>|=])([uif])(\d{1,2})'/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const tuple = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text);
  if (!order || !tuple) throw new Error("Its .npy header cannot be read.");
  const dtype = descr ? `${KINDS[descr[2]]}${8 * Number(descr[3])}` : "";
  if (!arrayOf(dtype)) throw new Error("Its voxels are neither integers nor float32 or float64.");
  const shape = tuple[1].split(",").map((part) => part.trim()).filter(Boolean).map(Number);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (!Number.isSafeInteger(count)) throw new Error("Its shape is too large.");
  return { dtype, shape, order: order[1] === "True" ? "F" : "C", begin, count, bigEndian: descr[1] === ">" };
}

/** The header of a file, inflated if it is gzip: the start of it is enough. */
export async function headerOf(file, gzip) {
  const start = new Uint8Array(await file.slice(0, 2 * MOST_HEADER_BYTES).arrayBuffer());
  const header = parseHeader(gzip ? await inflatedStart(start, start.length === file.size) : start);
  if (!header) throw new Error("It ends within its .npy header.");
  return header;
}

/** What can be inflated of the start of a gzip file, up to what a header may need. */
async function inflatedStart(start, whole) {
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  const reader = readable.getReader();
  // The end of a part is not the end of a gzip stream: closing would throw away what was inflated.
  writer.write(start).then(() => (whole ? writer.close() : reader.cancel())).catch(() => {});
  let bytes = new Uint8Array(0);
  while (bytes.length < MOST_HEADER_BYTES) {
    const { value, done } = await reader.read().catch(() => ({ done: true }));
    if (done) break;
    bytes = joined(bytes, value);
    if (parseHeader(bytes)) break;
  }
  reader.cancel().catch(() => {});
  return bytes;
}

function joined(a, b) {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** The arrays of a stream of .npy, each as soon as it is whole. `progress` gets the bytes that came so far. */
export async function* arraysOf(stream, progress) {
  const reader = stream.getReader();
  let rest = new Uint8Array(0), total = 0, done = false;
  const more = async () => {
    const chunk = await reader.read();
    done = chunk.done;
    total += chunk.value?.length ?? 0;
    progress(total);
    return chunk.value ?? new Uint8Array(0);
  };
  try {
    for (;;) {
      let header = null;
      while (!(header = parseHeader(rest))) {
        const chunk = await more();
        if (done) {
          if (rest.length) throw new Error("The answer ended within an array.");
          return;
        }
        rest = joined(rest, chunk);
      }
      const Voxels = arrayOf(header.dtype);
      const size = header.count * Voxels.BYTES_PER_ELEMENT;
      const voxels = new Uint8Array(size);
      let filled = 0, piece = rest.subarray(header.begin);
      for (;;) {
        const taken = piece.subarray(0, size - filled);
        voxels.set(taken, filled);
        filled += taken.length;
        rest = piece.subarray(taken.length);
        if (filled === size) break;
        piece = await more();
        if (done) throw new Error("The answer ended within an array.");
      }
      yield { ...header, data: new Voxels(voxels.buffer) };
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Steps from voxel to voxel along each axis. */
export function strides({ shape, order }) {
  const steps = new Array(shape.length);
  let step = 1;
  const axes = order === "F" ? shape.keys() : [...shape.keys()].reverse();
  for (const axis of axes) {
    steps[axis] = step;
    step *= shape[axis];
  }
  return steps;
}
