// SPDX-License-Identifier: Apache-2.0
//
// A file that someone brings: what it holds, and the pyramid that POST /v1/pyramid makes of it.
import { call } from "./api.mjs";
import { arraysOf, headerOf } from "./npy.mjs";
import { arrayOf } from "./volume.mjs";
import { bytes, counted } from "./words.mjs";

/** Levels are held to be shown, up to this much; finer ones than fit are made but not sent. */
const MOST_ANSWER_BYTES = 256 * 1024 * 1024;
/** Up to this much the file itself is shown as mip 0. */
const MOST_LOCAL_BYTES = 64 * 1024 * 1024;

/** A file as a body: { file, npy, gzip, dtype, shape, order, count, bigEndian }; a raw one has no dtype and shape yet. */
export async function inspect(file) {
  const gzip = /\.gz$/i.test(file.name);
  const npy = /\.npy(\.gz)?$/i.test(file.name);
  const found = npy ? await headerOf(file, gzip) : { dtype: "uint8", shape: null, order: "F", bigEndian: false };
  if (npy && !(found.shape.length >= 1 && found.shape.length <= 5)) throw new Error("An array of one to five axes is needed.");
  if (npy && found.count === 0) throw new Error("The array has no voxels.");
  return { file, npy, gzip, ...found };
}

/** The fields of a request whose body is the file. */
export function fieldsOf({ npy, gzip }) {
  const fields = { "Content-Type": npy ? "application/x-npy" : "application/octet-stream" };
  return gzip ? { ...fields, "Content-Encoding": "gzip" } : fields;
}

/** What a raw body's query says of it. */
export function shapeQuery({ npy, shape, dtype, order }) {
  return npy ? {} : { shape: shape.join(","), dtype, order };
}

/** Why a raw file cannot be of this shape and type, or an empty string. */
export function mismatch({ file, npy, gzip, shape, dtype }) {
  if (npy || gzip) return "";
  const voxel = arrayOf(dtype).BYTES_PER_ELEMENT;
  const needed = shape.reduce((product, extent) => product * extent, voxel);
  return needed === file.size ? "" : `${shape.join(" × ")} of ${dtype} are ${counted(needed, "byte")}; the file has ${counted(file.size, "byte")}.`;
}

/** The shapes of mips 1 to `mips`. */
function shapes(shape, factor, mips) {
  const levels = [];
  for (let mip = 1; mip <= mips; mip++) {
    shape = shape.map((extent, axis) => Math.ceil(extent / (factor[axis] ?? 1)));
    levels.push(shape);
  }
  return levels;
}

/** How many mips make the larger downsampled axes small: a sensible number to begin with. */
export function usefulMips(shape, factor) {
  let mips = 1;
  while (mips < 8 && shapes(shape, factor, mips).at(-1).some((extent, axis) => (factor[axis] ?? 1) > 1 && extent > 32)) mips++;
  return mips;
}

/** The finest mip from which on all fit into what is held here. */
function firstThatFits(arrival, factor, mips) {
  const voxel = arrayOf(arrival.dtype).BYTES_PER_ELEMENT;
  const sizes = shapes(arrival.shape, factor, mips).map((shape) => shape.reduce((product, extent) => product * extent, voxel));
  let first = mips, total = sizes[mips - 1];
  while (first > 1 && total + sizes[first - 2] <= MOST_ANSWER_BYTES) total += sizes[--first - 1];
  return { first, total };
}

/** Mip 0 out of the file itself, where that is cheap; else null. */
export async function localLevel(arrival) {
  if (arrival.gzip || arrival.bigEndian || arrival.file.size > MOST_LOCAL_BYTES) return null;
  const begin = arrival.npy ? arrival.begin : 0;
  const Voxels = arrayOf(arrival.dtype);
  const count = arrival.shape.reduce((product, extent) => product * extent, 1);
  const buffer = await arrival.file.slice(begin, begin + count * Voxels.BYTES_PER_ELEMENT).arrayBuffer();
  return buffer.byteLength === count * Voxels.BYTES_PER_ELEMENT ? { ...arrival, data: new Voxels(buffer) } : null;
}

/**
 * Sends the file and yields { mip, array } as levels arrive: those that a volume kept of it would have, hence exact.
 * `options`: { method, factor, mips }; `tell` gets words.
 * Throws Problem in the service's words.
 */
export async function* pyramidOf(arrival, { method, factor, mips }, tell, signal) {
  const { first, total } = firstThatFits(arrival, factor, mips);
  const query = new URLSearchParams({
    method, precision: "exact", factor: factor.join(","), mips, format: "npy", ...(first > 1 ? { levels: `${first}-${mips}` } : {}), ...shapeQuery(arrival),
  });
  tell(`Sending ${bytes(arrival.file.size)}…`);
  const response = await call(`v1/pyramid?${query}`, { method: "POST", body: arrival.file, headers: fieldsOf(arrival), signal });
  let mip = first;
  const progress = (received) => tell(`${bytes(received)} of ${bytes(total)} are here.`);
  for await (const array of arraysOf(response.body, progress)) yield { mip: mip++, array };
  if (mip !== mips + 1) throw new Error(`The answer ended after mip ${mip - 1}; ${mips} were asked for.`);
  tell(`${counted(mips - first + 1, "level")} made by ${method}.`);
}
