// SPDX-License-Identifier: Apache-2.0
//
// Values to pixels. A pixel is one Uint32: red in the lowest byte, opaque alpha in the highest, as canvases have it on
// little-endian machines (all that run browsers).

export const OPAQUE = 0xff000000;

export function pixel(red, green, blue) {
  return (OPAQUE | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Mixes 32 bits well (the finaliser of MurmurHash3). */
function mixed(bits) {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

const PALETTE_BITS = 12;
const PALETTE = palette();

/** 4096 colours that are far from black; neighbours in the table are far apart in hue. */
function palette() {
  const colours = new Uint32Array(1 << PALETTE_BITS);
  for (let i = 0; i < colours.length; i++) {
    const hue = (i * 0.61803398875) % 1;
    const saturation = [0.6, 0.42, 0.72, 0.5][i & 3];
    const value = [0.95, 0.85, 0.7, 0.78][(i >> 2) & 3];
    const channel = (n) => {
      const k = (n + hue * 6) % 6;
      return Math.round(255 * value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1))));
    };
    colours[i] = pixel(channel(5), channel(3), channel(1));
  }
  return colours;
}

/** A label's colour by the halves of its id: always the same; 0 is black. */
export function labelColour(low, high) {
  if ((low | high) === 0) return OPAQUE;
  return PALETTE[mixed(low ^ Math.imul(mixed(high | 0), 0x9e3779b1)) >>> (32 - PALETTE_BITS)];
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
