// SPDX-License-Identifier: Apache-2.0
//
// The mips of a volume: where each comes from, as a small pyramid on a card and as a table beside the viewer.
import { h } from "./dom.mjs";
import { count, extent, lengths } from "./words.mjs";

/** How much of a level exists: 1 for a level of the source or an upload, kept chunks of all for one that is made. */
export function share(mip) {
  if (mip.from !== "made") return 1;
  return mip.chunks > 0 ? Math.min(1, mip.kept / mip.chunks) : 0;
}

/** Where a level comes from, in words. */
export function origin(mip) {
  if (mip.from === "source") return "source";
  if (mip.from === "upload") return "upload";
  if (mip.kept >= mip.chunks) return "kept";
  return mip.kept > 0 ? `${count(mip.kept)} of ${count(mip.chunks)} kept` : "not made yet";
}

/** A long name that may be broken behind its underscores. */
function breakable(name) {
  return name.split(/(?<=_)/).flatMap((part, at) => (at ? [h("wbr"), part] : [part]));
}

/** A bar as full as the level is. */
function bar(mip, attributes = {}) {
  const fill = h("i");
  fill.style.width = `${Math.max(mip.kept > 0 ? 4 : 0, share(mip) * 100)}%`;
  return h("span", { class: `bar ${mip.from}`, ...attributes }, fill);
}

/** The pyramid of a card: a bar a mip, each shorter than the one before; its words for those who do not see it. */
export function pyramid(mips) {
  const list = h("ol", { class: "pyramid", "aria-label": "Mips" });
  mips.forEach((mip, index) => {
    const item = h("li", { title: `mip ${mip.mip}: ${extent(mip.shape)}, ${origin(mip)}` },
      h("span", { class: "figures" }, mip.mip), bar(mip), h("span", { class: "origin" }, origin(mip)));
    item.style.setProperty("--share", String(Math.max(0.12, 1 - (0.88 * index) / Math.max(mips.length, 6))));
    list.append(item);
  });
  return list;
}

/** The table beside the viewer, and the slider that chooses a mip. `choose` gets an index, or null for automatic. */
export class LevelControl {
  #rows = [];

  constructor(volume, choose) {
    const last = volume.levels.length - 1;
    this.slider = h("input", { type: "range", min: 0, max: last, step: 1, value: last, "aria-label": "Mip" });
    this.slider.addEventListener("input", () => choose(Number(this.slider.value)));
    this.auto = h("input", { type: "checkbox", checked: true });
    this.auto.addEventListener("change", () => choose(this.auto.checked ? null : Number(this.slider.value)));
    this.body = h("tbody");
    this.words = h("output", { class: "figures" });
    this.root = h("section", { class: "levels", "aria-label": "Mips" },
      h("header", {}, h("h3", {}, "Mip"), this.words, this.slider, h("label", { class: "check" }, this.auto, "by zoom")),
      h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table of mips" }, h("table", {},
        h("thead", {}, h("tr", {}, ["mip", "voxel", "shape", "from", "chunk", "encoding"].map((name) => h("th", { scope: "col" }, name)))),
        this.body)));
    this.update(volume.json.mips);
  }

  /** Shows the mips as the service has them now. */
  update(mips) {
    this.#rows = mips.map((mip) => h("tr", {},
      h("th", { scope: "row" }, mip.mip), h("td", {}, lengths(mip.resolution)), h("td", {}, extent(mip.shape)),
      h("td", {}, bar(mip), ` ${origin(mip)}`), h("td", {}, extent(mip.chunk_size)), h("td", {}, ...breakable(mip.encoding))));
    this.body.replaceChildren(...this.#rows);
    if (this.shown !== undefined) this.show(this.shown, this.automatic);
  }

  /** Marks the level that is drawn. */
  show(index, automatic) {
    this.shown = index;
    this.automatic = automatic;
    this.slider.value = index;
    this.auto.checked = automatic;
    this.words.textContent = String(index);
    this.#rows.forEach((row, at) => (at === index ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current")));
  }
}
