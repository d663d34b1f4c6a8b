// SPDX-License-Identifier: Apache-2.0
//
// Three planes through one volume, and what they share: a place, a scale, a mip, a window.
import { labelColour, css } from "./colour.mjs";
import { h } from "./dom.mjs";
import { percentileWindow, sampled, WindowControl } from "./histogram.mjs";
import { LevelControl } from "./levels.mjs";
import { rowPainter } from "./paint.mjs";
import { Pane } from "./pane.mjs";
import { TileStore } from "./tiles.mjs";
import { counted, voxel } from "./words.mjs";

/** A view asks for no more than this; what would take more is shown from a coarser mip. */
const MOST_TILES = 1200;
const MOST_BYTES = 160 * 1024 * 1024;
/** The coarsest mip is fetched first, to lie under what is still to come, unless it is itself large. */
const MOST_BACKGROUND_TILES = 12;

export class Viewer {
  #store;
  #frame = 0;
  #painter = null;
  #background = [];
  #observer;
  #pointed = null;
  #windowFrom = "nothing"; // "background", then "view" once all that is shown has come, or "hand"
  #fitted = false;

  /** `moved` is called after each change of the view. `view`: { at, scale, mip } of an address, each may be missing. */
  constructor(volume, view, moved) {
    this.volume = volume;
    this.moved = moved;
    this.channel = 0;
    this.window = [0, 255];
    this.position = volume.begin.map((begin, axis) => (begin + volume.end[axis]) / 2);
    this.scale = volume.resolution[0];
    this.mip = null;
    this.#fitted = view.scale !== undefined;
    this.shown = volume.levels.length - 1;
    this.#store = new TileStore(volume, () => this.changed());
    this.panes = [2, 0, 1].map((axis) => new Pane(this, axis));
    this.levels = new LevelControl(volume, (mip) => this.chooseMip(mip));
    this.#build();
    this.#observer = new ResizeObserver(() => this.#resized());
    for (const pane of this.panes) this.#observer.observe(pane.canvas);
    this.look(view);
  }

  #build() {
    const grey = !this.volume.labels && !this.volume.isRGB;
    this.windowControl = grey
      ? new WindowControl(this.volume.dtype, (window) => this.#setWindow(window), () => this.#autoWindow()) : null;
    this.place = h("span", { class: "figures" });
    this.swatch = h("span", { class: "swatch", hidden: !this.volume.labels });
    this.value = h("output", { class: "figures value" });
    this.from = h("span", { class: "figures" });
    this.note = h("p", { class: "note", role: "status" });
    const channels = this.volume.channels > 1 && !this.volume.isRGB && h("label", { class: "check" }, "channel", this.#channelInput());
    this.side = h("section", { class: "side", "aria-label": "What is shown" },
      h("dl", { class: "readout" },
        h("div", {}, h("dt", {}, "at"), h("dd", {}, this.place)),
        h("div", {}, h("dt", {}, this.volume.labels ? "label" : "value", this.from), h("dd", {}, this.swatch, this.value))),
      this.levels.root, this.windowControl?.root, channels, this.note);
    this.root = h("div", { class: "viewer" }, this.panes.map((pane) => pane.root), this.side);
  }

  #channelInput() {
    const input = h("input", { type: "number", min: 0, max: this.volume.channels - 1, value: 0 });
    input.addEventListener("input", () => {
      this.channel = Math.max(0, Math.min(this.volume.channels - 1, Math.trunc(Number(input.value)) || 0));
      this.changed();
    });
    return input;
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
    this.#store.close();
  }

  retry() {
    this.#store.retry();
  }

  // What a view is made of

  #setPosition(place) {
    // Half a voxel inside, so that there always is a voxel at the place.
    this.position = place.map((at, axis) => {
      const half = this.volume.resolution[axis] / 2;
      return Math.max(this.volume.begin[axis] + half, Math.min(this.volume.end[axis] - half, at));
    });
  }

  /** Takes what an address says of the view; what it does not say stays. */
  look({ at, scale, mip }) {
    if (at) this.#setPosition(at.map((voxel, axis) => (voxel + 0.5) * this.volume.resolution[axis]));
    if (scale) this.zoomTo(scale);
    if (mip < this.volume.levels.length) this.mip = mip;
    this.changed();
  }

  moveTo(place) {
    this.#setPosition(place);
    this.changed();
  }

  /** Moves along one axis to the middle of a voxel of mip 0. */
  moveToVoxel(axis, at) {
    const place = [...this.position];
    place[axis] = (at + 0.5) * this.volume.resolution[axis];
    this.moveTo(place);
  }

  /** Moves by some voxels of the shown mip, so that each step shows another slice. */
  step(axis, voxels) {
    const place = [...this.position];
    place[axis] += voxels * this.volume.levels[this.shown].resolution[axis];
    this.moveTo(place);
  }

  zoomTo(scale) {
    const least = Math.min(...this.volume.resolution) / 64;
    const most = 4 * Math.max(...this.volume.end.map((end, axis) => end - this.volume.begin[axis]), least);
    this.scale = Math.max(least, Math.min(most, scale));
    this.changed();
  }

  /** The whole volume in every pane. */
  fit() {
    const extent = this.volume.end.map((end, axis) => end - this.volume.begin[axis]);
    this.position = this.volume.begin.map((begin, axis) => begin + extent[axis] / 2);
    this.#fitScale(extent);
    this.changed();
  }

  #fitScale(extent) {
    const scales = this.panes.flatMap((pane) => [
      extent[pane.u] / Math.max(16, pane.canvas.clientWidth - 8), extent[pane.v] / Math.max(16, pane.canvas.clientHeight - 8),
    ]);
    this.zoomTo(Math.max(...scales));
  }

  /** An index of a level, or null: by zoom. */
  chooseMip(mip) {
    this.mip = mip;
    this.changed();
  }

  /** Voxels of mip 0 at the place of the view. */
  get voxelPosition() {
    return this.position.map((at, axis) => this.volume.levels[0].voxelAt(at, axis));
  }

  // Drawing

  /** Draws with the next frame. */
  changed() {
    if (!this.#frame) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#draw();
      });
    }
  }

  #resized() {
    const changes = this.panes.map((pane) => pane.resize());
    if (!this.#fitted && this.panes.every((pane) => pane.canvas.clientWidth > 1)) {
      this.#fitted = true;
      this.#fitScale(this.volume.end.map((end, axis) => end - this.volume.begin[axis]));
    }
    if (changes.some(Boolean)) this.changed();
  }

  /**
   * From the coarsest level on, a finer one is taken as long as a voxel is larger than 1.1 pixels along an axis that gets finer:
   * the rule by which Neuroglancer chooses, for a target of one voxel a pixel.
   */
  #levelByZoom() {
    const { levels } = this.volume;
    const target = 1.1 * this.panes[0].pixelSize;
    let index = levels.length - 1;
    while (index > 0 && levels[index].resolution.some(
      (size, axis) => size > target && size > 1.01 * levels[0].resolution[axis])) index--;
    return index;
  }

  /** The level to show with the tiles of each pane: coarser than wished if there would be too many. */
  #plan() {
    let index = this.mip ?? this.#levelByZoom();
    const wished = index;
    for (; ; index++) {
      const level = this.volume.levels[index];
      const tiles = this.panes.map((pane) => pane.tiles(level, MOST_TILES));
      const last = index === this.volume.levels.length - 1;
      if (tiles.some((some) => some === null)) {
        if (last) return { index, wished, tiles: tiles.map((some) => some ?? []) };
        continue;
      }
      const all = new Map(tiles.flat().map((tile) => [tile.key, tile]));
      const bytes = [...all.values()].reduce((sum, tile) => sum + this.#bytes(tile), 0);
      if (last || (all.size <= MOST_TILES && bytes <= MOST_BYTES)) return { index, wished, tiles };
    }
  }

  #bytes(tile) {
    return tile.end.reduce((product, end, axis) => product * (end - tile.begin[axis]), this.volume.voxelBytes);
  }

  #draw() {
    for (const pane of this.panes) pane.resize();
    const { levels } = this.volume;
    const { index, wished, tiles } = this.#plan();
    this.shown = index;
    const coarsest = levels[levels.length - 1];
    this.#background = this.panes.map((pane) => pane.tiles(coarsest, MOST_BACKGROUND_TILES) ?? []);
    this.#findWindow(tiles);
    this.#painter ??= rowPainter(this.volume, this.window);
    this.panes.forEach((pane, at) => {
      const layers = [{ level: levels[index], tiles: tiles[at] }];
      if (tiles[at].some((tile) => !this.#store.get(tile))) {
        // Until all are here, whatever coarser levels are at hand lie under them.
        for (let under = index + 1; under < levels.length; under++) {
          layers.unshift({ level: levels[under], tiles: pane.tiles(levels[under], MOST_TILES) ?? [] });
        }
      }
      pane.draw(layers, this.#store, this.#painter);
    });
    const nearest = tiles.flat().sort((a, b) => a.distance - b.distance);
    this.#store.request([...this.#background.flat(), ...nearest]);
    this.#describe(index, wished);
  }

  /** Everything in words and in controls that follows the view. */
  #describe(index, wished) {
    const at = this.voxelPosition;
    for (const pane of this.panes) {
      pane.slider.value = at[pane.axis];
      if (document.activeElement !== pane.number) pane.number.value = at[pane.axis];
    }
    this.levels.show(index, this.mip === null);
    this.#tell();
    const { missing, failed, problem } = this.#store.state;
    const words = [];
    if (index !== wished) words.push(`Mip ${wished} would take too much here; zoom in to see it.`);
    if (problem) words.push(`${counted(failed, "tile")} did not come: ${problem.message}`);
    if (this.note.textContent !== words.join(" ")) this.note.textContent = words.join(" ");
    this.note.classList.toggle("bad", problem !== null);
    this.root.setAttribute("aria-busy", String(missing > 0));
    this.root.dataset.mip = String(index);
    this.root.dataset.failed = String(failed);
    this.moved(this);
  }

  // The window

  /** A first window from the coarsest level, a better one when all of the first view has come; then it stays. */
  #findWindow(tiles) {
    if (!this.windowControl || this.#windowFrom === "view" || this.#windowFrom === "hand") return;
    const complete = (some) => some.length > 0 && some.every((tile) => this.#store.get(tile));
    if (complete(tiles.flat())) {
      this.#windowFrom = "view";
      this.#windowOf(tiles.flat());
    } else if (this.#windowFrom === "nothing" && complete(this.#background.flat())) {
      this.#windowFrom = "background";
      this.#windowOf(this.#background.flat());
    }
  }

  #autoWindow() {
    this.#windowFrom = "view";
    this.#windowOf(this.panes.flatMap((pane) => pane.tiles(this.volume.levels[this.shown], MOST_TILES) ?? []));
    this.changed();
  }

  #windowOf(tiles) {
    const arrays = [...new Set(tiles.map((tile) => this.#store.get(tile)).filter(Boolean))];
    if (!arrays.length) return;
    const samples = sampled(arrays);
    this.window = percentileWindow(samples);
    this.#painter = null;
    this.windowControl.show(samples, this.window);
  }

  #setWindow(window) {
    this.#windowFrom = "hand";
    this.window = window;
    this.#painter = null;
    this.changed();
  }

  // The pointer

  /** The place under the pointer, or null: the middle of the view. */
  pointAt(place) {
    this.#pointed = place;
    this.#tell();
  }

  /** The value at a place, from the shown level or, until that is here, a coarser one. */
  valueAt(place) {
    for (let index = this.shown; index < this.volume.levels.length; index++) {
      const level = this.volume.levels[index];
      const at = place.map((nanometres, axis) => level.voxelAt(nanometres, axis));
      if (at.some((voxel, axis) => voxel < level.offset[axis] || voxel >= level.offset[axis] + level.shape[axis])) return null;
      for (const { axis } of this.panes) {
        const tile = level.tile(axis, at.map((voxel, d) => Math.floor((voxel - level.offset[d]) / level.tileExtents[axis][d])));
        const data = this.#store.get(tile);
        if (data) return { level, at, ...this.#read(data, tile, at) };
      }
    }
    return null;
  }

  #read(data, tile, at) {
    const [width, height, depth] = tile.end.map((end, axis) => end - tile.begin[axis]);
    const [x, y, z] = at.map((voxel, axis) => voxel - tile.begin[axis]);
    const index = x + width * (y + height * z);
    const channelStep = width * height * depth;
    const channels = this.volume.isRGB ? [0, 1, 2] : [this.channel];
    return { values: channels.map((channel) => data[index + channel * channelStep]) };
  }

  #tell() {
    const place = this.#pointed ?? this.position;
    const at = place.map((nanometres, axis) => this.volume.levels[0].voxelAt(nanometres, axis));
    this.place.textContent = at.join(", ");
    const found = this.valueAt(place);
    this.value.textContent = found ? found.values.map(voxel).join(", ") : "–";
    this.from.textContent = found ? `, mip ${found.level.mip}` : "";
    this.value.dataset.mip = found ? String(found.level.mip) : "";
    this.value.dataset.voxel = found ? found.at.join(",") : "";
    if (!this.volume.labels) return;
    this.swatch.style.backgroundColor = css(labelColour(...halves(found?.values[0] ?? 0)));
  }
}

/** A label's id as the two halves that its colour is made of. */
function halves(id) {
  if (typeof id !== "bigint") return [id | 0, 0];
  return [Number(BigInt.asIntN(32, id)), Number(BigInt.asIntN(32, id >> 32n))];
}
