// SPDX-License-Identifier: Apache-2.0
//
// Tiles of a volume: fetched a few at a time, most urgent first; kept while there is room; given up when nobody looks.
import { call, Problem } from "./api.mjs";
import { arrayOf } from "./volume.mjs";

const CACHE_BYTES = 256 * 1024 * 1024;
const PARALLEL = 6;
const RETRIES = 6;
/** After this long a tile that failed is asked for again. */
const FORGET_FAILURE_MS = 20_000;

/** The tiles of one volume. `changed` is called whenever one arrives or fails. */
export class TileStore {
  #volume;
  #changed;
  #kept = new Map(); // key → typed array, least recently used first
  #keptBytes = 0;
  #wanted = new Map(); // key → tile, most urgent first
  #running = new Map(); // key → AbortController
  #failures = new Map(); // key → { problem, attempts, until }
  #timer = null;

  constructor(volume, changed) {
    this.#volume = volume;
    this.#changed = changed;
  }

  /** The voxels of a tile, x fastest, if they are here. */
  get(tile) {
    const data = this.#kept.get(tile.key);
    if (data) {
      this.#kept.delete(tile.key);
      this.#kept.set(tile.key, data);
    }
    return data;
  }

  /** Says what is wanted from now on, most urgent first. What is under way and not among it is given up. */
  request(tiles) {
    this.#wanted = new Map(tiles.filter((tile) => !this.#kept.has(tile.key)).map((tile) => [tile.key, tile]));
    for (const [key, controller] of this.#running) if (!this.#wanted.has(key)) controller.abort();
    for (const key of this.#failures.keys()) if (!this.#wanted.has(key)) this.#failures.delete(key);
    this.#pump();
  }

  /** How many of the wanted tiles are still to come, and the last refusal among them. */
  get state() {
    let problem = null;
    for (const failure of this.#failures.values()) if (failure.final) problem = failure.problem;
    const failed = [...this.#failures.values()].filter((failure) => failure.final).length;
    return { missing: this.#wanted.size - failed, failed, problem };
  }

  /** Asks again for what failed, as after a token was given. */
  retry() {
    this.#failures.clear();
    this.#pump();
  }

  close() {
    this.#wanted.clear();
    for (const controller of this.#running.values()) controller.abort();
    clearTimeout(this.#timer);
    this.#kept.clear();
  }

  #pump() {
    clearTimeout(this.#timer);
    this.#timer = null;
    let soonest = Infinity;
    const now = performance.now();
    for (const [key, tile] of this.#wanted) {
      if (this.#running.size >= PARALLEL) return; // whoever ends pumps again
      if (this.#running.has(key)) continue;
      const until = this.#failures.get(key)?.until ?? 0;
      if (until > now) soonest = Math.min(soonest, until);
      else this.#fetch(tile);
    }
    if (soonest < Infinity) this.#timer = setTimeout(() => this.#pump(), soonest - now);
  }

  async #fetch(tile) {
    const controller = new AbortController();
    this.#running.set(tile.key, controller);
    try {
      const path = `v1/volumes/${this.#volume.name}/cutout?mip=${tile.level.mip}&bbox=${tile.bbox}&format=raw`;
      const response = await call(path, { signal: controller.signal });
      this.#keep(tile, this.#voxels(tile, await response.arrayBuffer()));
      this.#failures.delete(tile.key);
      this.#wanted.delete(tile.key);
    } catch (error) {
      if (!controller.signal.aborted) this.#failed(tile, error);
    } finally {
      this.#running.delete(tile.key);
      this.#pump();
      if (!controller.signal.aborted) this.#changed();
    }
  }

  /** The bytes of an answer as voxels; an answer of another size is refused. */
  #voxels(tile, buffer) {
    const count = tile.end.reduce((product, end, axis) => product * (end - tile.begin[axis]), this.#volume.channels);
    const Voxels = arrayOf(this.#volume.dtype);
    if (!Voxels) throw new Problem(200, `The page cannot draw ${this.#volume.dtype}.`);
    const expected = count * Voxels.BYTES_PER_ELEMENT;
    if (buffer.byteLength !== expected) {
      throw new Problem(200, `A tile of ${expected} bytes was asked for, and ${buffer.byteLength} came.`);
    }
    return new Voxels(buffer);
  }

  #keep(tile, data) {
    this.#kept.set(tile.key, data);
    this.#keptBytes += data.byteLength;
    for (const [key, old] of this.#kept) {
      if (this.#keptBytes <= CACHE_BYTES) break;
      this.#kept.delete(key);
      this.#keptBytes -= old.byteLength;
    }
  }

  /** An overloaded or unreachable service is asked again, more and more slowly; any other refusal stands for a while. */
  #failed(tile, error) {
    const problem = error instanceof Problem ? error : new Problem(0, String(error.message ?? error));
    const attempts = (this.#failures.get(tile.key)?.attempts ?? 0) + 1;
    const passing = [0, 429, 503].includes(problem.status) && attempts < RETRIES;
    const wait = passing ? Math.max(500 * 2 ** attempts, (problem.retryAfter ?? 0) * 1000) : FORGET_FAILURE_MS;
    this.#failures.set(tile.key, { problem, attempts: passing ? attempts : 0, until: performance.now() + wait, final: !passing });
  }
}
