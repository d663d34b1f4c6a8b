// SPDX-License-Identifier: Apache-2.0
//
// Rows of voxels into rows of pixels. A row is: `data`, the index of its first voxel, the step from voxel to voxel, and
// `columns`, which voxel each pixel from `from` to `to` shows. One loop a kind of data, so that each stays fast.
// `channelStep` is the step from a voxel's first channel to its next.
import { greyTable, labelColour, OPAQUE, pixel } from "./colour.mjs";

/** Returns the function that paints rows of this kind of data. `window`: the values of black and of white. */
export function rowPainter({ dtype, labels, isRGB }, window) {
  if (isRGB) return rgbRows;
  if (labels) return dtype.endsWith("64") ? wideLabelRows : labelRows;
  const [low, high] = window;
  if (/^u?int(8|16)$/.test(dtype)) return tableRows(greyTable(dtype, low, high));
  return scaledRows(low, 255 / Math.max(high - low, 1e-30));
}

function tableRows({ table, mask }) {
  return (data, base, step, columns, from, to, out, at) => {
    for (let i = from; i < to; i++) out[at++] = table[data[base + step * columns[i]] & mask];
  };
}

/** Floats, and integers of 32 and 64 bits. NaN is black. */
function scaledRows(low, scale) {
  return (data, base, step, columns, from, to, out, at) => {
    for (let i = from; i < to; i++) {
      const grey = Math.max(0, Math.min(255, (Number(data[base + step * columns[i]]) - low) * scale)) | 0;
      out[at++] = (OPAQUE | (grey * 0x10101)) >>> 0;
    }
  };
}

function labelRows(data, base, step, columns, from, to, out, at) {
  let last = 0, colour = OPAQUE;
  for (let i = from; i < to; i++) {
    const id = data[base + step * columns[i]];
    if (id !== last) colour = labelColour((last = id) | 0, 0);
    out[at++] = colour;
  }
}

/** Ids of 64 bits as pairs of halves: BigInts are slow, and doubles cannot tell neighbours apart above 2^53. */
function wideLabelRows(data, base, step, columns, from, to, out, at) {
  const halves = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
  let lastLow = 0, lastHigh = 0, colour = OPAQUE;
  for (let i = from; i < to; i++) {
    const index = 2 * (base + step * columns[i]);
    const low = halves[index], high = halves[index + 1];
    if (low !== lastLow || high !== lastHigh) colour = labelColour((lastLow = low), (lastHigh = high));
    out[at++] = colour;
  }
}

function rgbRows(data, base, step, columns, from, to, out, at, channelStep) {
  for (let i = from; i < to; i++) {
    const index = base + step * columns[i];
    out[at++] = pixel(data[index], data[index + channelStep], data[index + 2 * channelStep]);
  }
}
