// SPDX-License-Identifier: Apache-2.0
//
// The service's routes. Addresses are relative to this file, so that the page also works below a path of a proxy.

const BASE = new URL("..", import.meta.url);
const KEY = "pyramidion-token";
let token = stored();

/** What the service refused, in its own words (RFC 9457). `status` 0: it could not be reached. */
export class Problem extends Error {
  constructor(status, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Told with the words of a refusal when a token is needed. */
export const needsToken = new EventTarget();

/** An absolute address on the service. */
export function address(path) {
  return new URL(path.replace(/^\//, ""), BASE).href;
}

function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage may be closed to the page; then the token lives as long as the page does
  }
}

export function useToken(text) {
  token = text.trim();
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // as above
  }
}

function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * Asks the service and gives the response of a success.
 * Throws Problem for every other; AbortError when `signal` says so. `quiet` asks nobody for a token.
 */
export async function call(path, { quiet = false, headers = {}, ...options } = {}) {
  let response;
  try {
    response = await fetch(address(path), { ...options, headers: { ...headers, ...authorization() }, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The service cannot be reached.");
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => "");
  const problem = new Problem(response.status, detail(response.status, text), Number(response.headers.get("Retry-After")) || null);
  refused(problem, quiet);
  throw problem;
}

export async function json(path, options) {
  return (await call(path, options)).json();
}

/** The words of an answer that is no success. */
function detail(status, text) {
  try {
    const { detail, title } = JSON.parse(text);
    if (detail || title) return detail ?? title;
  } catch {
    // not a problem of ours: a proxy's page, say
  }
  return `The service answered ${status}.`;
}

/** No token, an unknown one, or one that may too little: another is asked for. */
function refused(problem, quiet) {
  if (quiet || !(problem.status === 401 || (problem.status === 403 && token))) return;
  needsToken.dispatchEvent(new CustomEvent("needed", { detail: token ? problem.message : "" }));
}

/**
 * PUTs a file and tells how much of it was sent; gives the answer's JSON.
 * XMLHttpRequest, since fetch tells nothing of an upload's progress.
 */
export function put(path, file, headers, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", address(path));
    for (const [name, value] of Object.entries({ ...headers, ...authorization() })) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => progress(event.loaded, event.total));
    request.addEventListener("error", () => reject(new Problem(0, "The connection broke before the service answered.")));
    request.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) {
        try {
          return resolve(JSON.parse(request.responseText));
        } catch {
          return reject(new Problem(request.status, "The answer is no JSON."));
        }
      }
      const problem = new Problem(request.status, detail(request.status, request.responseText));
      refused(problem, false);
      reject(problem);
    });
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
