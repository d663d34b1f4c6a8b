// SPDX-License-Identifier: Apache-2.0
//
// The window that grey values are seen through: a histogram with a slider for black and one for white.
import { h } from "./dom.mjs";
import { voxel } from "./words.mjs";

const MOST_BINS = 128;
const MOST_SAMPLES = 200_000;

/** Finite values of some typed arrays, evenly picked, sorted. */
export function sampled(arrays) {
  const total = arrays.reduce((sum, array) => sum + array.length, 0);
  const stride = Math.max(1, Math.ceil(total / MOST_SAMPLES));
  const values = [];
  for (const array of arrays) {
    for (let i = 0; i < array.length; i += stride) {
      const value = Number(array[i]);
      if (Number.isFinite(value)) values.push(value);
    }
  }
  return Float64Array.from(values).sort();
}

/** The values that 1 in 200 voxels is below and 1 in 200 above. Zeros alone at an end are background and do not count. */
export function percentileWindow(sorted) {
  if (!sorted.length) return [0, 1];
  let values = sorted;
  if (sorted[0] === 0 && sorted[sorted.length - 1] > 0) {
    const coloured = sorted.subarray(sorted.findIndex((value) => value > 0));
    if (coloured.length >= 16) values = coloured;
  }
  const at = (share) => values[Math.round(share * (values.length - 1))];
  const window = [at(0.005), at(0.995)];
  return window[0] < window[1] ? window : [window[0] - 0.5, window[0] + 0.5];
}

/** The control. `changed` gets [black, white] whenever a slider moves; `auto` is asked for samples again. */
export class WindowControl {
  #canvas = h("canvas", { class: "histogram", width: 512, height: 96, "aria-hidden": "true" });
  #bins = null;
  #integer;
  #changed;

  constructor(dtype, changed, auto) {
    this.#integer = !dtype.startsWith("float");
    this.#changed = changed;
    const slider = (words) => h("input", { type: "range", "aria-label": words });
    this.low = slider("value shown black");
    this.high = slider("value shown white");
    this.words = h("output", { class: "figures" });
    for (const input of [this.low, this.high]) input.addEventListener("input", () => this.#moved(input));
    this.root = h("section", { class: "window", "aria-label": "Window" },
      h("header", {}, h("h3", {}, "Window"), this.words, h("button", { type: "button", class: "quiet", onclick: auto }, "Auto")),
      this.#canvas,
      h("div", { class: "pair" }, h("label", {}, "black", this.low), h("label", {}, "white", this.high)));
  }

  /** Shows what sorted samples hold, and the window over them. */
  show(sorted, window) {
    const bottom = Math.min(sorted[0] ?? 0, window[0]), top = Math.max(sorted[sorted.length - 1] ?? 1, window[1]);
    this.range = [bottom, top > bottom ? top : bottom + 1];
    // Of integers each bin holds equally many, or the bars would have gaps.
    const span = this.range[1] - this.range[0];
    const width = this.#integer ? Math.max(1, Math.ceil((span + 1) / MOST_BINS)) : span / MOST_BINS;
    this.#bins = new Uint32Array(this.#integer ? Math.ceil((span + 1) / width) : MOST_BINS);
    for (const value of sorted) this.#bins[Math.min(this.#bins.length - 1, Math.floor((value - bottom) / width))]++;
    for (const [input, value] of [[this.low, window[0]], [this.high, window[1]]]) {
      [input.min, input.max, input.step] = [...this.range, "any"];
      input.value = value;
    }
    this.#draw();
  }

  get window() {
    return [Number(this.low.value), Number(this.high.value)];
  }

  /** Black stays below white: the other slider gives way. */
  #moved(input) {
    const least = (this.range[1] - this.range[0]) / 1000;
    let [low, high] = this.window;
    if (low > high - least) {
      if (input === this.low) this.high.value = low + least;
      else this.low.value = high - least;
    }
    this.#draw();
    this.#changed(this.window);
  }

  #draw() {
    const context = this.#canvas.getContext("2d");
    const style = getComputedStyle(this.#canvas);
    const { width, height } = this.#canvas;
    const [low, high] = this.window;
    const x = (value) => ((value - this.range[0]) / (this.range[1] - this.range[0])) * width;
    const tallest = Math.max(1, ...this.#bins.map((bin) => Math.sqrt(bin)));
    context.clearRect(0, 0, width, height);
    context.fillStyle = style.color;
    const each = width / this.#bins.length;
    this.#bins.forEach((bin, i) => {
      const tall = (Math.sqrt(bin) / tallest) * (height - 2);
      const left = Math.round(i * each), right = Math.round((i + 1) * each);
      context.globalAlpha = right > x(low) && left < x(high) ? 0.85 : 0.3;
      context.fillRect(left, height - tall, right - left, tall);
    });
    context.globalAlpha = 1;
    context.fillStyle = style.accentColor === "auto" ? style.color : style.accentColor;
    for (const value of [low, high]) context.fillRect(Math.min(width - 2, Math.max(0, x(value) - 1)), 0, 2, height);
    const figure = (value) => voxel(this.#integer ? Math.round(value) : Number(value.toPrecision(4)));
    this.words.textContent = `${figure(low)} – ${figure(high)}`;
  }
}
