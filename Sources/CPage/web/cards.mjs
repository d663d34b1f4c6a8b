// SPDX-License-Identifier: Apache-2.0
//
// The volumes as cards.
import { call } from "./api.mjs";
import { h } from "./dom.mjs";
import { pyramid } from "./levels.mjs";
import { bytes, extent, lengths } from "./words.mjs";

/** Previews that are shown or on their way, so that a card that is made anew does not ask again. name → address of a picture */
const pictures = new Map();
const MOST_PICTURES = 500;

/** Loads pictures when they come near the screen; fetched, since an `img` sends no token. */
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    picture(target.dataset.volume).then((source) => {
      if (source) target.src = source;
      else target.replaceWith(h("span", { class: "blank" }, "no preview"));
    });
  }
}, { rootMargin: "200px" });

function picture(name) {
  if (!pictures.has(name)) {
    if (pictures.size >= MOST_PICTURES) forgetPictures();
    const made = call(`v1/volumes/${name}/preview.png`, { quiet: true })
      .then((response) => response.blob()).then((blob) => URL.createObjectURL(blob))
      .catch(() => (pictures.delete(name), null));
    pictures.set(name, made);
  }
  return pictures.get(name);
}

/** Pictures are asked for again: a volume came or went, or a token was given. */
export function forgetPictures() {
  for (const made of pictures.values()) made.then((source) => source && URL.revokeObjectURL(source));
  pictures.clear();
}

function preview(volume) {
  const image = h("img", { alt: "", "data-volume": volume.name, width: 96, height: 96, decoding: "async" });
  near.observe(image);
  return h("a", { class: "preview", href: `#/${volume.name}`, tabindex: -1, "aria-hidden": "true" }, image);
}

/** A volume that can be looked at. */
function readyCard(volume) {
  const channels = volume.channels > 1 ? ` × ${volume.channels}` : "";
  const size = volume.shape.map((voxels, axis) => voxels * volume.resolution[axis]);
  return h("li", { class: "card", "data-volume": volume.name },
    preview(volume),
    h("div", { class: "about" },
      h("h3", {}, h("a", { href: `#/${volume.name}` }, volume.name)),
      h("p", { class: "kind" }, h("span", {}, volume.kind), h("span", {}, volume.dtype + channels), volume.origin === "upload" && h("span", {}, "upload")),
      h("dl", {},
        h("dt", {}, "shape"), h("dd", {}, extent(volume.shape)),
        h("dt", {}, "voxel"), h("dd", {}, lengths(volume.resolution)),
        h("dt", {}, "size"), h("dd", {}, lengths(size)))),
    pyramid(volume.mips),
    volume.links?.neuroglancer && h("p", { class: "elsewhere" },
      h("a", { href: volume.links.neuroglancer, target: "_blank", rel: "noopener noreferrer", "aria-label": `${volume.name} in Neuroglancer` }, "Neuroglancer")));
}

/** A volume that is still coming. */
function comingCard(volume) {
  const { received_bytes: received = 0, expected_bytes: expected = null } = volume;
  return h("li", { class: "card coming", "data-volume": volume.name },
    h("div", { class: "preview blank" }, "arriving"),
    h("div", { class: "about" }, h("h3", {}, volume.name),
      h("p", { class: "kind" }, [volume.kind, volume.dtype].filter(Boolean).map((word) => h("span", {}, word))),
      h("progress", { max: expected ?? 1, value: expected ? received : null, "aria-label": `upload of ${volume.name}` }),
      h("p", {}, expected ? `${bytes(received)} of ${bytes(expected)}` : `${bytes(received)} so far`)));
}

/** A volume whose source cannot be read now. */
function brokenCard(volume) {
  return h("li", { class: "card broken", "data-volume": volume.name },
    h("div", { class: "preview blank" }, "unavailable"),
    h("div", { class: "about" }, h("h3", {}, volume.name), h("p", { class: "bad" }, volume.problem ?? "It is unavailable.")));
}

export function card(volume) {
  if (volume.status === "uploading") return comingCard(volume);
  if (volume.status !== "ready" || !volume.mips?.length) return brokenCard(volume);
  return readyCard(volume);
}
