// SPDX-License-Identifier: Apache-2.0
//
// The field that files are dropped on: from a file to a pyramid, and from there to a volume that is kept.
import { fieldsOf, inspect, localLevel, mismatch, pyramidOf, shapeQuery, usefulMips } from "./arrival.mjs";
import { put } from "./api.mjs";
import { field, fill, h, select } from "./dom.mjs";
import { Figures } from "./figures.mjs";
import { DTYPES } from "./volume.mjs";
import { bytes, extent } from "./words.mjs";

/** Up to this much a file is sent as soon as it is dropped; larger ones wait for the button. */
const AT_ONCE_BYTES = 256 * 1024 * 1024;
const METHODS = ["average", "mode", "min", "max", "median", "stride"];

export class DropField {
  #arrival = null;
  #run = null; // AbortController of what is under way

  /** `kept` gets the JSON of a volume that was kept. */
  constructor(kept) {
    this.kept = kept;
    this.input = h("input", { type: "file", id: "file", class: "visually-hidden" });
    this.input.addEventListener("change", () => this.input.files.length && this.take(this.input.files[0]));
    this.zone = h("label", { class: "zone", for: "file" },
      h("span", { class: "zone-words" }, h("b", {}, "Drop an array here"), ", or choose a file."),
      h("small", {}, ".npy, .npy.gz, or raw voxels whose shape you know. It goes to this service and nowhere else."));
    this.panel = h("div", { class: "arrival", hidden: true });
    this.figures = new Figures();
    this.status = h("p", { class: "note", role: "status" });
    this.root = h("section", { class: "drop", "aria-labelledby": "drop-title" },
      h("header", { class: "section" }, h("h2", { id: "drop-title" }, "Make a pyramid")), this.input, this.zone, this.panel);
    this.#controls();
  }

  /** Files may be dropped anywhere on the page. */
  listen(target) {
    const files = (event) => event.dataTransfer?.types.includes("Files");
    let inside = 0;
    const mark = (change) => document.body.classList.toggle("dragging", (inside = Math.max(0, inside + change)) > 0);
    target.addEventListener("dragenter", (event) => files(event) && mark(1));
    target.addEventListener("dragleave", (event) => files(event) && mark(-1));
    target.addEventListener("dragover", (event) => files(event) && event.preventDefault());
    target.addEventListener("drop", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      mark(-inside);
      if (event.dataTransfer.files.length) {
        if (!this.root.isConnected) location.hash = "#/";
        this.take(event.dataTransfer.files[0]);
      }
    });
  }

  #controls() {
    this.method = select(METHODS.map((name) => [name]));
    this.factor = h("input", { value: "2,2,2", size: 8, required: true, pattern: " *[0-9]+( *, *[0-9]+){0,4} *", inputmode: "numeric" });
    this.mips = h("input", { type: "number", min: 1, max: 32, value: 4, required: true });
    this.shape = h("input", { placeholder: "256,256,64", size: 14, pattern: " *[0-9]+( *, *[0-9]+){0,4} *" });
    this.dtype = select(DTYPES.map((name) => [name]));
    this.order = select([["F", "x fastest (F)"], ["C", "x slowest (C)"]]);
    this.raw = h("div", { class: "fields" }, field("shape x,y,z", this.shape), field("voxels", this.dtype), field("order", this.order));
    this.what = h("p", { class: "what" });
    this.makeButton = h("button", { class: "primary" }, "Make pyramid");
    this.stopButton = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => this.#run?.abort() }, "Stop");
    this.makeForm = h("form", { class: "make" }, this.what, this.raw,
      h("div", { class: "fields" }, field("method", this.method), field("factor", this.factor), field("mips", this.mips),
        h("div", { class: "row" }, this.makeButton, this.stopButton)));
    this.makeForm.addEventListener("submit", (event) => (event.preventDefault(), this.#make()));
    this.factor.addEventListener("change", () => this.#suggestMips());

    this.name = h("input", { required: true, pattern: "[a-z0-9][a-z0-9._\\-]{0,127}", maxlength: 128, spellcheck: "false", autocomplete: "off" });
    this.kind = select([["image"], ["segmentation"]]);
    this.kind.addEventListener("change", () => (this.figures.colours = this.kind.value === "segmentation"));
    this.resolution = h("input", { value: "8,8,8", size: 10, required: true, pattern: " *[0-9.]+( *, *[0-9.]+){2} *" });
    this.keepButton = h("button", { class: "primary" }, "Keep as a volume");
    this.progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Upload" });
    this.keepStatus = h("p", { class: "note", role: "status" });
    this.keepForm = h("form", { class: "keep", hidden: true },
      h("div", { class: "fields" }, field("name", this.name), field("kind", this.kind), field("voxel x,y,z in nm", this.resolution), this.keepButton),
      this.progress, this.keepStatus);
    this.keepForm.addEventListener("submit", (event) => (event.preventDefault(), this.#keep()));
    fill(this.panel, this.makeForm, this.status, this.figures.root, this.keepForm);
  }

  /** Looks at a file, and makes its pyramid at once when it is clear what it holds. */
  async take(file) {
    this.#run?.abort();
    this.panel.hidden = false;
    this.keepForm.hidden = true;
    this.makeForm.hidden = true;
    this.figures.begin(false);
    this.#tell("");
    try {
      const arrival = await inspect(file);
      this.#arrival = arrival;
      this.#describe(arrival);
      if (arrival.npy && file.size <= AT_ONCE_BYTES) await this.#make();
    } catch (error) {
      this.#arrival = null;
      this.#tell(`${file.name}: ${error.message}`, true);
    }
  }

  #describe(arrival) {
    const { file, npy, dtype, shape, order } = arrival;
    this.makeForm.hidden = false;
    this.raw.hidden = npy;
    this.shape.required = !npy;
    fill(this.what, h("b", {}, file.name), h("span", { class: "dim" }, bytes(file.size)),
      npy ? h("span", { class: "figures" }, `${dtype}, ${extent(shape)}, ${order === "F" ? "x fastest" : "x slowest"}`)
        : h("span", {}, "raw voxels: say their shape and type"));
    const labels = npy && /^u?int(32|64)$/.test(dtype);
    this.method.value = labels ? "mode" : "average";
    this.kind.value = labels ? "segmentation" : "image";
    this.factor.value = npy && (shape[2] ?? 1) * 4 <= shape[0] ? "2,2,1" : "2,2,2";
    this.name.value = file.name.toLowerCase().replace(/(\.npy|\.raw|\.bin)?(\.gz)?$/, "").replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "").slice(0, 128) || "volume";
    this.#suggestMips();
  }

  #suggestMips() {
    if (this.#arrival?.shape && this.factor.checkValidity()) this.mips.value = usefulMips(this.#arrival.shape, numbers(this.factor));
  }

  /** The arrival as the form describes it; null with words if it cannot be. */
  #described() {
    const arrival = this.#arrival;
    if (!arrival) return null;
    if (!arrival.npy) Object.assign(arrival, { shape: numbers(this.shape), dtype: this.dtype.value, order: this.order.value });
    const words = mismatch(arrival);
    if (words) this.#tell(words, true);
    return words ? null : arrival;
  }

  async #make() {
    const arrival = this.#described();
    if (!arrival) return;
    this.#run?.abort();
    const run = (this.#run = new AbortController());
    if (/^mode$/.test(this.method.value)) this.kind.value = "segmentation";
    this.figures.begin(this.kind.value === "segmentation");
    this.keepForm.hidden = false;
    this.#tellKeeping("");
    this.stopButton.hidden = false;
    const options = { method: this.method.value, factor: numbers(this.factor), mips: Number(this.mips.value) };
    const tell = (words) => run === this.#run && this.#tell(words);
    try {
      const local = await localLevel(arrival);
      if (local && run === this.#run) this.figures.add(0, local);
      for await (const { mip, array } of pyramidOf(arrival, options, tell, run.signal)) {
        if (run !== this.#run) return;
        this.figures.add(mip, array);
      }
    } catch (error) {
      if (run === this.#run) this.#tell(error.name === "AbortError" ? "Stopped." : error.message, error.name !== "AbortError");
    } finally {
      if (run === this.#run) this.stopButton.hidden = true;
    }
  }

  async #keep() {
    const arrival = this.#described();
    if (!arrival) return;
    const name = this.name.value;
    const query = new URLSearchParams({
      kind: this.kind.value, resolution: numbers(this.resolution).join(","), method: this.method.value, factor: numbers(this.factor).join(","),
      mips: this.mips.value, ...shapeQuery(arrival),
    });
    this.keepButton.disabled = true;
    this.progress.hidden = false;
    this.#tellKeeping("Sending…");
    try {
      const volume = await put(`v1/volumes/${name}?${query}`, arrival.file, fieldsOf(arrival), (sent, total) => {
        this.progress.value = total ? sent / total : 0;
        this.#tellKeeping(sent < total ? `${bytes(sent)} of ${bytes(total)} sent.` : "Sent; it is being written to disk.");
      });
      this.#tellKeeping(`${name} is kept.`);
      this.kept(volume);
    } catch (error) {
      this.#tellKeeping(error.message, true);
    } finally {
      this.keepButton.disabled = false;
      this.progress.hidden = true;
    }
  }

  #tell(words, bad = false) {
    this.status.textContent = words;
    this.status.classList.toggle("bad", bad);
  }

  #tellKeeping(words, bad = false) {
    this.keepStatus.textContent = words;
    this.keepStatus.classList.toggle("bad", bad);
  }
}

/** The numbers of a comma list. */
function numbers(input) {
  return input.value.split(",").map((part) => Number(part.trim()));
}
