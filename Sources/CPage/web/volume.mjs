// SPDX-License-Identifier: Apache-2.0
//
// What a volume is to the page: its levels, and how it is cut into tiles.

const ARRAYS = {
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  float32: Float32Array, float64: Float64Array,
};
/** A tile has about this many bytes at most: little enough to be quick, enough to be worth a request. */
const TILE_BYTES = 256 * 1024;

export const DTYPES = Object.keys(ARRAYS);

/** The typed array of a dtype, or undefined for one that the page does not know. */
export function arrayOf(dtype) {
  return ARRAYS[dtype];
}

/** Axes of the plane that is orthogonal to each axis: to the right, then down. */
export const PLANES = { 2: [0, 1], 1: [0, 2], 0: [2, 1] };
export const AXES = ["x", "y", "z"];

/** A volume out of its JSON, with what drawing needs. All triples are x, y, z; lengths in nanometres. */
export class Volume {
  constructor(json) {
    this.json = json;
    this.name = json.name;
    this.dtype = json.dtype;
    this.channels = json.channels ?? 1;
    this.labels = json.kind === "segmentation";
    this.voxelBytes = (ARRAYS[json.dtype]?.BYTES_PER_ELEMENT ?? 1) * this.channels;
    this.levels = json.mips.map((mip, index) => new Level(this, mip, index));
    const [finest] = this.levels;
    this.resolution = finest.resolution;
    this.begin = finest.offset.map((offset, axis) => offset * this.resolution[axis]);
    this.end = this.begin.map((begin, axis) => begin + finest.shape[axis] * this.resolution[axis]);
  }

  /** Colours as they are, not through a window. */
  get isRGB() {
    return this.channels === 3 && this.dtype === "uint8" && !this.labels;
  }
}

/** One mip of a volume. */
export class Level {
  constructor(volume, json, index) {
    this.index = index;
    this.mip = json.mip;
    this.shape = json.shape;
    this.offset = json.voxel_offset;
    this.resolution = json.resolution;
    this.chunk = json.chunk_size;
    this.tileExtents = [0, 1, 2].map((axis) => tileExtent(this, axis, volume.voxelBytes));
  }

  /** The voxel that holds a place, unclamped. */
  voxelAt(nanometres, axis) {
    return Math.floor(nanometres / this.resolution[axis]);
  }

  /** The box of the tile at a place of the grid that slices along `axis` are fetched in. */
  tile(axis, grid) {
    const extent = this.tileExtents[axis];
    const begin = grid.map((at, d) => this.offset[d] + at * extent[d]);
    const end = begin.map((at, d) => Math.min(at + extent[d], this.offset[d] + this.shape[d]));
    const bbox = begin.map((at, d) => `${at}-${end[d]}`).join("_");
    return { level: this, begin, end, bbox, key: `${this.mip}/${bbox}` };
  }

  /** How many tiles there are along each axis. */
  tileGrid(axis) {
    return this.shape.map((extent, d) => Math.ceil(extent / this.tileExtents[axis][d]));
  }
}

/**
 * Whole chunks where they are small, so that the three planes share them; else parts of chunks, first thinner ones,
 * then smaller ones. Parts are halves of halves, so that none reaches over the edge of a chunk of an even size.
 */
function tileExtent(level, axis, voxelBytes) {
  const extent = level.chunk.map((size, d) => Math.max(1, Math.min(size, level.shape[d])));
  const bytes = () => extent[0] * extent[1] * extent[2] * voxelBytes;
  while (bytes() > TILE_BYTES) {
    const [u, v] = PLANES[axis];
    const widest = extent[axis] > 1 ? axis : extent[u] >= extent[v] ? u : v;
    if (extent[widest] <= 1) break;
    extent[widest] = Math.ceil(extent[widest] / 2);
  }
  return extent;
}
