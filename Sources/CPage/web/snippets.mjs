// SPDX-License-Identifier: Apache-2.0
//
// The same volume elsewhere: lines to paste, made for the place and the mip that the viewer shows.
import { address } from "./api.mjs";
import { copyButton, fill, h } from "./dom.mjs";

const BOX = 64;

/** A box around the place of the view at the shown mip, within the volume: begin and end for each axis. */
function box(viewer) {
  const level = viewer.volume.levels[viewer.shown];
  return viewer.position.map((at, axis) => {
    const first = level.offset[axis], last = first + level.shape[axis];
    const begin = Math.max(first, Math.min(level.voxelAt(at, axis) - BOX / 2, last - BOX));
    return [begin, Math.min(begin + BOX, last)];
  });
}

function lines(viewer) {
  const { name } = viewer.volume;
  const level = viewer.volume.levels[viewer.shown];
  const ranges = box(viewer);
  const slices = ranges.map(([begin, end]) => `${begin}:${end}`).join(", ");
  const precomputed = address(`precomputed/${name}`);
  const variable = /^[a-z]/.test(name) ? name.replace(/[^a-z0-9]/g, "_") : "volume";
  return {
    "curl": [
      `# a box of mip ${level.mip} as .npy`,
      `curl -o ${name}.npy '${address(`v1/volumes/${name}/cutout`)}?mip=${level.mip}&bbox=${ranges.map((r) => r.join("-")).join("_")}'`,
      `# a slice as a picture`,
      `curl -o ${name}.png '${address(`v1/volumes/${name}/preview.png`)}?axis=z'`,
    ],
    "cloud-volume": [
      `from cloudvolume import CloudVolume`,
      ``,
      `${variable} = CloudVolume("precomputed://${precomputed}", mip=${level.index}, fill_missing=True)`,
      `box = ${variable}[${slices}]    # x, y, z, channel`,
    ],
    "TensorStore": [
      `import tensorstore as ts`,
      ``,
      `${variable} = ts.open({`,
      `    "driver": "neuroglancer_precomputed",`,
      `    "kvstore": "${precomputed}/",`,
      `    "scale_index": ${level.index},`,
      `}).result()`,
      `box = ${variable}[${slices}].read().result()    # x, y, z, channel`,
    ],
    "addresses": [
      viewer.volume.json.links?.precomputed ?? `precomputed://${precomputed}`,
      viewer.volume.json.links?.zarr ?? `zarr://${address(`zarr/${name}`)}`,
    ],
  };
}

/** The section under the viewer; `update` follows the view. */
export class Snippets {
  #chosen = "curl";

  constructor(viewer) {
    this.viewer = viewer;
    this.code = h("code", { tabindex: 0 });
    this.tabs = h("div", { role: "group", class: "tabs", "aria-label": "Client" }, Object.keys(lines(viewer)).map((name) =>
      h("button", { type: "button", "aria-pressed": String(name === this.#chosen), onclick: () => this.#choose(name) }, name)));
    this.root = h("section", { class: "snippets", "aria-labelledby": "snippets-title" },
      h("header", {}, h("h2", { id: "snippets-title" }, "Read it elsewhere"), this.tabs, copyButton(() => this.code.textContent, this.code)),
      h("pre", {}, this.code));
    this.update();
  }

  #choose(name) {
    this.#chosen = name;
    for (const tab of this.tabs.children) tab.setAttribute("aria-pressed", String(tab.textContent === name));
    this.update();
  }

  update() {
    const text = lines(this.viewer)[this.#chosen].join("\n");
    if (this.code.textContent !== text) fill(this.code, text);
  }
}

/** A link into Neuroglancer, at the place and the scale of the view. What is no such link stays as it is. */
export function neuroglancerLink(viewer) {
  const link = viewer.volume.json.links?.neuroglancer;
  if (!link) return null;
  const cut = link.indexOf("#!");
  try {
    const state = JSON.parse(decodeURIComponent(link.slice(cut + 2)));
    const { resolution } = viewer.volume;
    state.dimensions = Object.fromEntries(["x", "y", "z"].map((name, axis) => [name, [resolution[axis] * 1e-9, "m"]]));
    state.position = viewer.voxelPosition.map((at) => at + 0.5);
    state.crossSectionScale = viewer.scale / Math.min(...resolution);
    return `${link.slice(0, cut)}#!${encodeURIComponent(JSON.stringify(state))}`;
  } catch {
    return link;
  }
}
