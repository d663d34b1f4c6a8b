// SPDX-License-Identifier: Apache-2.0
//
// Elements in one expression. Text never becomes markup: strings are appended as text nodes.

/** An element with attributes (`on…` functions listen, `false` and `null` are left out) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  fill(element, ...children);
  return element;
}

/** Replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A labelled control: the words, then the control, in one `label`. */
export function field(words, control, hint) {
  return h("label", { class: "field" }, h("span", {}, words), control, hint && h("small", {}, hint));
}

/** A `select` of [value, words] pairs. */
export function select(options, attributes = {}) {
  return h("select", attributes, options.map(([value, words]) => h("option", { value }, words ?? value)));
}

/** A button that copies what `text()` gives, and says so; where the clipboard is closed, `source` is selected instead. */
export function copyButton(text, source) {
  const button = h("button", { type: "button", class: "quiet" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}
