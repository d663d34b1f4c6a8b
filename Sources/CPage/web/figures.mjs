// SPDX-License-Identifier: Apache-2.0
//
// The levels of a pyramid that was just made, side by side: one slice of each, all at the same share of their depth.
import { fill, h } from "./dom.mjs";
import { percentileWindow, sampled } from "./histogram.mjs";
import { strides } from "./npy.mjs";
import { rowPainter } from "./paint.mjs";
import { bytes, extent } from "./words.mjs";

/** Larger slices are drawn with every n-th voxel. */
const MOST_PIXELS = 768;

export class Figures {
  #levels = [];
  #window = null;

  constructor() {
    this.slider = h("input", { type: "range", min: 0, max: 1, step: "any", value: 0.5, "aria-label": "Depth of the slices" });
    this.slider.addEventListener("input", () => this.#redraw());
    this.list = h("ol", { class: "figures-row", "aria-label": "Levels that have come" });
    this.depth = h("label", { class: "depth", hidden: true }, "z", this.slider);
    this.root = h("div", { class: "results" }, this.list, this.depth);
  }

  /** Starts afresh. `labels`: colours instead of greys. */
  begin(labels) {
    this.#levels = [];
    this.#window = null;
    this.labels = labels;
    this.depth.hidden = true;
    fill(this.list);
  }

  /** Shows an array as a level: { dtype, shape, order, data }. */
  add(mip, array) {
    const canvas = h("canvas", { role: "img", "aria-label": `A slice of mip ${mip}` });
    const size = array.data.byteLength;
    const level = { mip, array, canvas };
    this.#levels.push(level);
    if (!this.#window) this.#window = percentileWindow(sampled([array.data]));
    this.list.append(h("li", { "data-mip": mip }, canvas,
      h("p", {}, h("b", {}, `mip ${mip}`), " ", h("span", { class: "figures" }, extent(array.shape)), " ", h("span", { class: "dim" }, bytes(size)))));
    if ((array.shape[2] ?? 1) > 1) this.depth.hidden = false;
    this.#draw(level);
  }

  set colours(labels) {
    this.labels = labels;
    this.#redraw();
  }

  #redraw() {
    for (const level of this.#levels) this.#draw(level);
  }

  #draw({ array, canvas }) {
    const [width = 1, height = 1, depth = 1, channels = 1] = array.shape;
    if (!array.data.length) return;
    const steps = strides(array);
    const every = Math.max(1, Math.ceil(Math.max(width, height) / MOST_PIXELS));
    canvas.width = Math.ceil(width / every);
    canvas.height = Math.ceil(height / every);
    const image = new ImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const isRGB = !this.labels && channels === 3 && array.dtype === "uint8" && array.shape.length === 4;
    const kind = { dtype: array.dtype, labels: this.labels && !array.dtype.startsWith("float"), isRGB };
    const paint = rowPainter(kind, this.#window);
    const columns = Int32Array.from({ length: canvas.width }, (_, i) => i * every);
    const base = Math.min(depth - 1, Math.floor(Number(this.slider.value) * depth)) * (steps[2] ?? 0);
    for (let row = 0; row < canvas.height; row++) {
      const first = base + row * every * (steps[1] ?? 0);
      paint(array.data, first, steps[0] ?? 1, columns, 0, canvas.width, pixels, row * canvas.width, steps[3] ?? 0);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  }
}
