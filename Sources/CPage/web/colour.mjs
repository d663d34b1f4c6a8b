// SPDX-License-Identifier: Apache-2.0
//
// Values to pixels. A pixel is one Uint32: red in the lowest byte, opaque alpha in the highest, as canvases have it on
// little-endian machines (all that run browsers).

export const OPAQUE = 0xff000000;

export function pixel(red, green, blue) {
  return (OPAQUE | (blue << 16) | (green << 8) | red) >>> 0;
}

/** The upper 32 bits of a product of two numbers of 32 bits. */
function upperProduct(a, b) {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const rest = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (rest >>> 16)) >>> 0;
}

/**
 * A label's colour by the halves of its id: always the same, and that of the service's own previews; 0 is black.
 * Hue, value and saturation are bits of the id, mixed in 64 bits (halves: BigInts are too slow for each voxel).
 */
export function labelColour(low, high) {
  if ((low | high) === 0) return OPAQUE;
  // times 0x9e3779b97f4a7c15, xor itself shifted by 29
  let l = Math.imul(low, 0x7f4a7c15);
  let h = (upperProduct(low >>> 0, 0x7f4a7c15) + Math.imul(high, 0x7f4a7c15) + Math.imul(low, 0x9e3779b9)) | 0;
  l ^= (l >>> 29) | (h << 3);
  h ^= h >>> 29;
  // times 0xbf58476d1ce4e5b9, of which only the lower half, xor the upper, is used
  const mixedLow = Math.imul(l, 0x1ce4e5b9);
  const mixedHigh = (upperProduct(l >>> 0, 0x1ce4e5b9) + Math.imul(h, 0x1ce4e5b9) + Math.imul(l, 0xbf58476d)) | 0;
  const bits = mixedLow ^ mixedHigh;
  const hue = ((bits & 0xffff) / 65536) * 6;
  const value = 0.65 + (((bits >>> 16) & 255) / 255) * 0.35;
  const saturation = 0.45 + ((bits >>> 24) / 255) * 0.45;
  return pixel(channel(5, hue, saturation, value), channel(3, hue, saturation, value), channel(1, hue, saturation, value));
}

/** The usual conversion from hue, saturation and value. */
function channel(shift, hue, saturation, value) {
  const k = (shift + hue) % 6;
  return Math.round((value - value * saturation * Math.max(0, Math.min(k, 4 - k, 1))) * 255);
}

/** A pixel as CSS writes it. */
export function css(colour) {
  return `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
}

/** The grey of every value of a type of 8 or 16 bits; index with `value & mask`. Values below `low` are black. */
export function greyTable(dtype, low, high) {
  const bits = dtype.endsWith("8") ? 8 : 16;
  const table = new Uint32Array(1 << bits);
  const signed = dtype.startsWith("int");
  const scale = 255 / Math.max(high - low, 1e-30);
  for (let i = 0; i < table.length; i++) {
    const value = signed && i >= table.length / 2 ? i - table.length : i;
    const grey = Math.max(0, Math.min(255, Math.round((value - low) * scale)));
    table[i] = pixel(grey, grey, grey);
  }
  return { table, mask: table.length - 1 };
}
