// SPDX-License-Identifier: Apache-2.0
//
// One plane through a volume: a canvas, a slider for its depth, and the hands on it.
import { h } from "./dom.mjs";
import { pixel } from "./colour.mjs";
import { AXES, PLANES } from "./volume.mjs";
import { length } from "./words.mjs";

const OUTSIDE = pixel(16, 18, 20);
const MISSING = pixel(28, 31, 34);
/** Crosshairs in the colours that viewers of volumes give the axes: x red, y green, z blue. */
const AXIS_COLOURS = ["#ff5d55", "#4fd06a", "#6aa8ff"];

export class Pane {
  #viewer;
  #context;
  #image = null;
  #pixels = null;
  #pointers = new Map();

  constructor(viewer, axis) {
    this.#viewer = viewer;
    this.axis = axis;
    [this.u, this.v] = PLANES[axis];
    const name = AXES[this.u] + AXES[this.v];
    this.canvas = h("canvas", {
      tabindex: 0, role: "img", "aria-describedby": "viewer-keys",
      "aria-label": `Slice in ${name}. Arrow keys move, plus and minus zoom, comma and full stop change ${AXES[axis]}.`,
    });
    const finest = viewer.volume.levels[0];
    const range = { min: finest.offset[axis], max: finest.offset[axis] + finest.shape[axis] - 1, step: 1 };
    this.slider = h("input", { type: "range", ...range, "aria-label": `${AXES[axis]} of the ${name} slice` });
    this.number = h("input", { type: "number", ...range, "aria-label": `${AXES[axis]}, in voxels of mip 0` });
    for (const input of [this.slider, this.number]) {
      input.addEventListener("input", () => {
        const voxel = Number(input.value);
        if (input.value !== "" && Number.isFinite(voxel)) viewer.moveToVoxel(axis, voxel);
      });
    }
    this.root = h("section", { class: `pane pane-${name}`, "aria-label": `${name} slice` },
      h("header", {}, h("b", {}, name), h("span", { class: `axis axis-${AXES[axis]}` }, AXES[axis]), this.number, this.slider),
      this.canvas);
    this.#context = this.canvas.getContext("2d", { alpha: false });
    this.#listen();
  }

  /** Fits the canvas to its place on the screen; says whether it changed. */
  resize() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    this.ratio = ratio;
    if (this.#image && width === this.canvas.width && height === this.canvas.height) return false;
    this.canvas.width = width;
    this.canvas.height = height;
    this.#image = new ImageData(width, height);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
    return true;
  }

  /** Nanometres from one pixel of the canvas to the next. */
  get pixelSize() {
    return this.#viewer.scale / this.ratio;
  }

  /** The place, in nanometres, that the canvas shows at a pixel. */
  placeAt(column, row) {
    const place = [...this.#viewer.position];
    place[this.u] += (column - this.canvas.width / 2) * this.pixelSize;
    place[this.v] += (row - this.canvas.height / 2) * this.pixelSize;
    return place;
  }

  /** The tiles of a level that the canvas shows, those in the middle first; more than `limit` of them: null. */
  tiles(level, limit) {
    const { position } = this.#viewer;
    const first = [0, 0, 0], last = [0, 0, 0];
    const half = { [this.u]: this.canvas.width / 2, [this.v]: this.canvas.height / 2, [this.axis]: 0 };
    const extents = level.tileExtents[this.axis];
    const grid = level.tileGrid(this.axis);
    for (const axis of [0, 1, 2]) {
      const at = (side) => Math.floor(
        (level.voxelAt(position[axis] + side * half[axis] * this.pixelSize, axis) - level.offset[axis]) / extents[axis]);
      first[axis] = Math.max(0, at(-1));
      last[axis] = Math.min(grid[axis] - 1, at(1));
      if (first[axis] > last[axis]) return [];
    }
    if ((last[this.u] - first[this.u] + 1) * (last[this.v] - first[this.v] + 1) > limit) return null;
    const found = [];
    for (let row = first[this.v]; row <= last[this.v]; row++) {
      for (let column = first[this.u]; column <= last[this.u]; column++) {
        const at = [0, 0, 0];
        at[this.u] = column;
        at[this.v] = row;
        at[this.axis] = first[this.axis];
        const tile = level.tile(this.axis, at);
        const away = (axis) => ((tile.begin[axis] + tile.end[axis]) / 2) * level.resolution[axis] - position[axis];
        tile.distance = Math.hypot(away(this.u), away(this.v));
        found.push(tile);
      }
    }
    return found.sort((a, b) => a.distance - b.distance);
  }

  /** Draws tiles, level after level, each over the ones before. */
  draw(layers, store, paintRow) {
    this.#pixels.fill(OUTSIDE);
    this.#fillVolume();
    for (const { level, tiles } of layers) this.#drawLevel(level, tiles, store, paintRow);
    this.#context.putImageData(this.#image, 0, 0);
    this.#drawCrosshair();
    this.#drawScaleBar();
  }

  /** Where the volume is, before any of it came. */
  #fillVolume() {
    const { begin, end } = this.#viewer.volume;
    const { position } = this.#viewer;
    const depth = position[this.axis];
    if (depth < begin[this.axis] || depth >= end[this.axis]) return;
    const { width, height } = this.canvas;
    const clamp = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
    const across = (value, axis, extent) => clamp((value - position[axis]) / this.pixelSize + extent / 2, extent);
    const left = across(begin[this.u], this.u, width), right = across(end[this.u], this.u, width);
    const top = across(begin[this.v], this.v, height), bottom = across(end[this.v], this.v, height);
    for (let row = top; row < bottom; row++) this.#pixels.fill(MISSING, row * width + left, row * width + right);
  }

  #drawLevel(level, tiles, store, paintRow) {
    const { width, height } = this.canvas;
    const columns = this.#voxels(level, this.u, width);
    const rows = this.#voxels(level, this.v, height);
    const depth = level.voxelAt(this.#viewer.position[this.axis], this.axis);
    const local = new Int32Array(width);
    for (const tile of tiles) {
      const data = store.get(tile);
      if (!data || depth < tile.begin[this.axis] || depth >= tile.end[this.axis]) continue;
      const extent = tile.end.map((end, axis) => end - tile.begin[axis]);
      const step = [1, extent[0], extent[0] * extent[1]];
      const [left, right] = stretch(columns, tile.begin[this.u], tile.end[this.u]);
      const [top, bottom] = stretch(rows, tile.begin[this.v], tile.end[this.v]);
      for (let i = left; i < right; i++) local[i] = columns[i] - tile.begin[this.u];
      const channelStep = extent[0] * extent[1] * extent[2];
      const base = this.#viewer.channel * channelStep + (depth - tile.begin[this.axis]) * step[this.axis];
      let drawn = -1;
      for (let row = top; row < bottom; row++) {
        const at = row * width + left;
        if (rows[row] === drawn) {
          this.#pixels.copyWithin(at, at - width, at - width + right - left); // the same voxels as the row above
          continue;
        }
        drawn = rows[row];
        const first = base + (drawn - tile.begin[this.v]) * step[this.v];
        paintRow(data, first, step[this.u], local, left, right, this.#pixels, at, channelStep);
      }
    }
  }

  /** Which voxel each pixel along an axis shows: the one under its middle. */
  #voxels(level, axis, pixels) {
    const voxels = new Int32Array(pixels);
    const start = this.#viewer.position[axis] - (pixels / 2 - 0.5) * this.pixelSize;
    for (let i = 0; i < pixels; i++) voxels[i] = Math.floor((start + i * this.pixelSize) / level.resolution[axis]);
    return voxels;
  }

  #drawCrosshair() {
    const { width, height } = this.canvas;
    const gap = 12 * this.ratio;
    const x = Math.floor(width / 2), y = Math.floor(height / 2);
    const context = this.#context;
    // A dark edge beside the coloured line: one of the two shows on whatever lies below, white membranes and bright labels too.
    const line = (left, top, wide, high, colour) => {
      context.fillStyle = "rgb(0 0 0 / 0.4)";
      const edge = this.ratio;
      if (wide > high) context.fillRect(left, top - edge, wide, high + 2 * edge);
      else context.fillRect(left - edge, top, wide + 2 * edge, high);
      context.fillStyle = colour;
      context.fillRect(left, top, wide, high);
    };
    context.globalAlpha = 0.75;
    line(0, y, x - gap, this.ratio, AXIS_COLOURS[this.u]);
    line(x + gap, y, width - x - gap, this.ratio, AXIS_COLOURS[this.u]);
    line(x, 0, this.ratio, y - gap, AXIS_COLOURS[this.v]);
    line(x, y + gap, this.ratio, height - y - gap, AXIS_COLOURS[this.v]);
    context.globalAlpha = 1;
  }

  #drawScaleBar() {
    const context = this.#context;
    const longest = this.canvas.width * 0.25 * this.pixelSize;
    const power = 10 ** Math.floor(Math.log10(longest));
    const nanometres = [5, 2, 1].map((factor) => factor * power).find((value) => value <= longest) ?? power;
    const width = Math.round(nanometres / this.pixelSize);
    const x = 10 * this.ratio, y = this.canvas.height - 10 * this.ratio, thickness = 3 * this.ratio;
    context.font = `${11 * this.ratio}px system-ui, sans-serif`;
    const words = length(nanometres);
    const box = Math.max(width, context.measureText(words).width);
    context.fillStyle = "rgb(0 0 0 / 0.6)";
    context.fillRect(x - 5 * this.ratio, y - 19 * this.ratio, box + 10 * this.ratio, 24 * this.ratio);
    context.fillStyle = "#fff";
    context.fillRect(x, y - thickness, width, thickness);
    context.fillText(words, x, y - 7 * this.ratio);
  }

  #listen() {
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, event);
      canvas.classList.add("held");
    });
    canvas.addEventListener("pointermove", (event) => this.#pointerMoved(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        this.#pointers.delete(event.pointerId);
        if (!this.#pointers.size) canvas.classList.remove("held");
      });
    }
    canvas.addEventListener("pointerleave", () => this.#viewer.pointAt(null));
    canvas.addEventListener("dblclick", (event) => this.#viewer.moveTo(this.placeAt(...this.#pixelOf(event))));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => this.#viewer.pointAt(null));
  }

  /** The pixel of the canvas under a pointer. */
  #pixelOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
  }

  #pointerMoved(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return this.#viewer.pointAt(this.placeAt(...this.#pixelOf(event)));
    const others = [...this.#pointers.values()].filter((other) => other.pointerId !== event.pointerId);
    this.#pointers.set(event.pointerId, event);
    if (others.length === 0) {
      return this.#pan(before.clientX - event.clientX, before.clientY - event.clientY);
    }
    if (others.length > 1) return;
    // Two fingers: the place between them stays between them.
    const [other] = others;
    const apart = (one) => Math.max(8, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
    this.#pan((before.clientX - event.clientX) / 2, (before.clientY - event.clientY) / 2);
    const between = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.#zoom(apart(before) / apart(event), ...this.#pixelOf(between));
  }

  /** Moves by CSS pixels to the right and down. */
  #pan(right, down) {
    const place = [...this.#viewer.position];
    place[this.u] += right * this.#viewer.scale;
    place[this.v] += down * this.#viewer.scale;
    this.#viewer.moveTo(place);
  }

  /** Zooms so that what is at a pixel stays there. */
  #zoom(factor, column, row) {
    const fixed = this.placeAt(column, row);
    const before = this.#viewer.scale;
    this.#viewer.zoomTo(before * factor);
    const share = this.#viewer.scale / before;
    const place = [...this.#viewer.position];
    for (const axis of [this.u, this.v]) place[axis] = fixed[axis] + (place[axis] - fixed[axis]) * share;
    this.#viewer.moveTo(place);
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = (event.deltaY || event.deltaX) * [1, 16, 200][event.deltaMode];
    if (event.shiftKey) return this.#viewer.step(this.axis, Math.sign(pixels));
    this.#zoom(Math.exp(Math.max(-240, Math.min(240, pixels)) / 400), ...this.#pixelOf(event));
    this.#viewer.pointAt(this.placeAt(...this.#pixelOf(event)));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 200 : 40;
    const actions = {
      ArrowLeft: () => this.#pan(-far, 0), ArrowRight: () => this.#pan(far, 0),
      ArrowUp: () => this.#pan(0, -far), ArrowDown: () => this.#pan(0, far),
      ",": () => this.#viewer.step(this.axis, -1), ".": () => this.#viewer.step(this.axis, 1),
      PageUp: () => this.#viewer.step(this.axis, -10), PageDown: () => this.#viewer.step(this.axis, 10),
      "+": () => this.#viewer.zoomTo(this.#viewer.scale / 1.25), "=": () => this.#viewer.zoomTo(this.#viewer.scale / 1.25),
      "-": () => this.#viewer.zoomTo(this.#viewer.scale * 1.25), 0: () => this.#viewer.fit(),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }
}

/** The pixels [from, to) whose voxels are in [begin, end); `voxels` rises. */
function stretch(voxels, begin, end) {
  const first = (bound) => {
    let low = 0, high = voxels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (voxels[middle] < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return [first(begin), first(end)];
}

