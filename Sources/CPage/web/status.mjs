// SPDX-License-Identifier: Apache-2.0
//
// The line at the foot: what the service is doing. It asks every few seconds, and not while nobody sees it.
import { call, json } from "./api.mjs";
import { bytes, count } from "./words.mjs";

const EVERY_MS = 4000;

/** Sums of the samples of each family in Prometheus' text format. */
export function families(text) {
  const sums = new Map();
  for (const line of text.split("\n")) {
    const sample = /^([a-z_:][a-z0-9_:]*)(?:\{.*\})? (\S+)/i.exec(line);
    if (sample) sums.set(sample[1], (sums.get(sample[1]) ?? 0) + Number(sample[2]));
  }
  return sums;
}

/** Keeps the line up to date for as long as the page lives. */
export async function keepStatus(line) {
  let timer = null;
  const version = await json("version", { quiet: true }).then(({ version, cpu }) => `${version} ${cpu}`, () => "");
  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const text = await (await call("metrics", { quiet: true })).text();
      show(line, families(text), version);
    } catch (error) {
      line.replaceChildren(error.status === 401 ? "Figures need a token." : error.message);
    }
    timer = setTimeout(ask, EVERY_MS);
  };
  document.addEventListener("visibilitychange", ask);
  await ask();
}

function show(line, sums, version) {
  const of = (name) => sums.get(`pyramidion_${name}`) ?? 0;
  const parts = [
    ["requests", count(of("requests_total"))],
    ["pyramids", `${count(of("pyramids_running"))} under way, ${count(of("pyramids_waiting"))} waiting`],
    ["lanes", `${of("lanes_busy")} of ${of("lanes")} busy, ${count(of("lane_queue"))} in line`],
    ["memory", `${bytes(of("memory_admitted_bytes"))} of ${bytes(of("memory_budget_bytes"))}`],
    ["connections", count(of("connections"))],
    ["version", version],
  ];
  line.replaceChildren(...parts.filter(([, value]) => value).map(([name, value]) => {
    const part = document.createElement("span");
    const figure = document.createElement("b");
    figure.textContent = value;
    part.append(name, " ", figure);
    return part;
  }));
}
