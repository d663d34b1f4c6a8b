// SPDX-License-Identifier: Apache-2.0
//
// What the page shows: the list of volumes, or one volume, by the part of the address behind `#`.
import { call, json, needsToken, useToken } from "./api.mjs";
import { card, forgetPictures } from "./cards.mjs";
import { fill, h } from "./dom.mjs";
import { DropField } from "./drop.mjs";
import { keepStatus } from "./status.mjs";
import { neuroglancerLink, Snippets } from "./snippets.mjs";
import { Viewer } from "./viewer.mjs";
import { Volume } from "./volume.mjs";
import { counted, extent, lengths } from "./words.mjs";

const LIST_MS = 10_000;
const BUSY_LIST_MS = 1500;
const KEPT_MS = 3000;
const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/;

const main = document.querySelector("main");
const title = document.querySelector("#title");
const tokenBar = document.querySelector("#token");
const drop = new DropField((volume) => {
  forgetPictures();
  location.hash = `#/${volume.name}`;
});
let timer = null;
let shown = null; // { viewer, name } while one volume is shown
let generation = 0; // raised whenever another thing is to be shown; late answers of the one before are dropped

/** The address behind `#`: { name, view }; no name: the list. */
function address() {
  const [, name = "", query = ""] = /^#\/([^?]*)\??(.*)$/.exec(location.hash) ?? [];
  if (!NAME.test(name)) return { name: "", view: {} };
  const parameters = new URLSearchParams(query);
  const number = (text) => (text !== null && Number.isFinite(Number(text)) && text !== "" ? Number(text) : undefined);
  const at = (parameters.get("at") ?? "").split(",").map(number);
  const scale = number(parameters.get("scale"));
  const mip = number(parameters.get("mip"));
  return {
    name,
    view: {
      at: at.length === 3 && at.every((value) => value !== undefined) ? at : undefined,
      scale: scale > 0 ? scale : undefined,
      mip: Number.isInteger(mip) && mip >= 0 ? mip : undefined,
    },
  };
}

async function show() {
  const { name, view } = address();
  if (shown?.name === name) return shown.viewer?.look(view);
  clearTimeout(timer);
  shown?.viewer?.close();
  shown = null;
  generation++;
  document.body.classList.toggle("viewing", name !== "");
  await (name ? showVolume(name, view) : showList());
}

// The list

async function showList() {
  document.title = "Pyramidion";
  fill(title);
  const list = h("ul", { class: "cards", "aria-label": "Volumes" });
  const summary = h("span", { class: "summary" });
  const message = h("p", { class: "note", role: "status" });
  fill(main,
    h("section", { "aria-labelledby": "volumes-title" },
      h("header", { class: "section" }, h("h2", { id: "volumes-title" }, "Volumes"), summary, legend()),
      message, list),
    drop.root);
  const mine = generation;
  let last = "";
  const refresh = async () => {
    clearTimeout(timer);
    let volumes = null;
    try {
      volumes = await json("v1/volumes");
    } catch (error) {
      if (mine !== generation) return;
      message.textContent = error.message;
      message.classList.add("bad");
    }
    if (mine !== generation) return;
    if (volumes) {
      message.classList.remove("bad");
      message.textContent = volumes.length ? "" : "There are no volumes yet. Name one in the configuration, or drop a file below.";
      const text = JSON.stringify(volumes);
      if (text !== last) redraw(list, volumes);
      last = text;
      fill(summary, volumes.length ? counted(volumes.length, "volume") : "");
    }
    const busy = volumes?.some((volume) => volume.status === "uploading");
    if (!document.hidden) timer = setTimeout(refresh, busy ? BUSY_LIST_MS : LIST_MS);
  };
  shown = { name: "", refresh };
  await refresh();
}

/** New cards in place of those that changed; the focus stays on the card that had it. */
function redraw(list, volumes) {
  const old = new Map([...list.children].map((item) => [item.dataset.volume, item]));
  const focused = document.activeElement?.closest(".card")?.dataset.volume;
  fill(list, volumes.map((volume) => {
    const text = JSON.stringify(volume);
    const kept = old.get(volume.name);
    if (kept?.source === text) return kept;
    const made = card(volume);
    made.source = text;
    return made;
  }));
  if (focused) list.querySelector(`[data-volume="${CSS.escape(focused)}"] h3 a`)?.focus();
}

function legend() {
  const item = (kind, words) => h("span", {}, h("span", { class: `bar ${kind}` }, h("i")), words);
  return h("p", { class: "legend", "aria-hidden": "true" }, item("source", "source or upload"), item("made", "kept"), item("made empty", "not made yet"));
}

// One volume

async function showVolume(name, view) {
  document.title = `${name} · Pyramidion`;
  fill(title, h("h1", {}, name));
  fill(main, h("p", { class: "note", role: "status" }, "Opening…"));
  const mine = generation;
  shown = { name };
  let volume;
  try {
    const found = await json(`v1/volumes/${name}`);
    if (mine !== generation) return;
    if (found.status === "uploading") return await waitFor(found);
    if (found.status !== "ready") throw new Error(found.problem ?? "It is unavailable.");
    volume = new Volume(found);
  } catch (error) {
    if (mine !== generation) return;
    shown.failed = true;
    return fill(main, h("p", { class: "note bad", role: "alert" }, error.message));
  }
  const link = h("a", { target: "_blank", rel: "noopener noreferrer" }, "Open in Neuroglancer");
  let settle = null;
  let snippets = null;
  const viewer = new Viewer(volume, view, () => {
    clearTimeout(settle);
    settle = setTimeout(() => {
      if (mine !== generation) return;
      snippets?.update();
      link.href = neuroglancerLink(viewer) ?? "";
      const mip = viewer.mip === null ? "" : `&mip=${viewer.mip}`;
      history.replaceState(null, "", `#/${name}?at=${viewer.voxelPosition.join(",")}&scale=${Number(viewer.scale.toPrecision(5))}${mip}`);
    }, 200);
  });
  snippets = new Snippets(viewer);
  shown = { name, viewer };
  const channels = volume.channels > 1 ? ` × ${volume.channels}` : "";
  fill(title, h("h1", {}, name), h("p", { class: "kind" },
    [volume.json.kind, volume.dtype + channels, extent(volume.levels[0].shape), lengths(volume.resolution)].map((words) => h("span", {}, words))),
    h("nav", { class: "actions" }, volume.json.links?.neuroglancer && link,
      h("button", { type: "button", class: "quiet", onclick: () => viewer.fit() }, "Whole volume"),
      volume.json.origin === "upload" && removal(name)));
  fill(main, viewer.root, keys(), snippets.root);
  followKept(viewer, mine);
}

function keys() {
  const key = (text) => h("kbd", {}, text);
  return h("p", { class: "keys", id: "viewer-keys" },
    "Wheel, pinch or ", key("+"), " ", key("−"), " zooms, drag or arrow keys pan, ", key("shift"), " wheel or ", key(","), " ", key("."),
    " steps through slices, ", key("page"), " ten at a time, double click centres, ", key("0"), " shows the whole.");
}

/** How far kept levels have come, every few seconds. */
function followKept(viewer, mine) {
  timer = setTimeout(async () => {
    if (mine !== generation) return;
    const now = document.hidden ? null : await json(`v1/volumes/${viewer.volume.name}`, { quiet: true }).catch(() => null);
    if (mine !== generation) return;
    if (now?.mips?.length === viewer.volume.levels.length) viewer.levels.update(now.mips);
    followKept(viewer, mine);
  }, KEPT_MS);
}

/** An upload that is under way is shown as its card until it is there. */
async function waitFor(volume) {
  const { name } = volume;
  const mine = generation;
  fill(main, h("ul", { class: "cards" }, card(volume)));
  timer = setTimeout(() => {
    if (mine === generation) showVolume(name, {});
  }, BUSY_LIST_MS);
}

/** The button that removes an upload, behind a question. */
function removal(name) {
  const dialog = h("dialog", { "aria-labelledby": "removal-title" },
    h("h2", { id: "removal-title" }, `Remove ${name}?`),
    h("p", {}, "Its voxels are deleted on the server. This cannot be undone."));
  const problem = h("p", { class: "bad", role: "alert" });
  const remove = async () => {
    try {
      await call(`v1/volumes/${name}`, { method: "DELETE" });
      dialog.close();
      forgetPictures();
      location.hash = "#/";
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  dialog.append(problem, h("div", { class: "row" },
    h("button", { type: "button", onclick: () => dialog.close() }, "Keep it"),
    h("button", { type: "button", class: "danger", onclick: remove }, "Remove")));
  return [h("button", { type: "button", class: "quiet", onclick: () => dialog.showModal() }, "Remove…"), dialog];
}

// The token

needsToken.addEventListener("needed", ({ detail }) => {
  tokenBar.hidden = false;
  tokenBar.querySelector("[role=status]").textContent = detail || "This service asks for a token.";
});

tokenBar.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken(tokenBar.querySelector("input").value);
  tokenBar.hidden = true;
  forgetPictures();
  if (shown?.viewer) return shown.viewer.retry();
  shown = null;
  show();
});

addEventListener("hashchange", show);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) shown?.refresh?.();
});
drop.listen(document);
keepStatus(document.querySelector("#status"));
show();
