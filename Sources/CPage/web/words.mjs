// SPDX-License-Identifier: Apache-2.0
//
// Numbers as people read them.

const GROUPED = new Intl.NumberFormat("en-GB");

/** 1234567 as 1,234,567. */
export function count(value) {
  return GROUPED.format(value);
}

/** A number of things, with its noun. */
export function counted(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Three figures, without zeros that say nothing. */
function threeFigures(value) {
  return value >= 1000 ? count(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** Bytes in binary units. */
export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${threeFigures(value)}\u00a0${units[unit]}`;
}

/** A length given in nanometres. */
export function length(nanometres) {
  for (const [unit, size] of [["m", 1e9], ["mm", 1e6], ["µm", 1e3]]) {
    if (Math.abs(nanometres) >= size) return `${threeFigures(nanometres / size)}\u00a0${unit}`;
  }
  return `${threeFigures(nanometres)}\u00a0nm`;
}

/** Extents along the axes, in one unit: 8 × 8 × 40 nm. */
export function lengths(nanometres) {
  const least = Math.min(...nanometres);
  const [unit, size] = [["mm", 1e6], ["µm", 1e3]].find(([, size]) => least >= size) ?? ["nm", 1];
  return `${nanometres.map((value) => threeFigures(value / size)).join(" × ")} ${unit}`;
}

/** 250 × 250 × 40. */
export function extent(shape) {
  return shape.map(count).join(" × ");
}

/** A voxel's value: integers as they are, floats to six figures. */
export function voxel(value) {
  if (typeof value === "bigint" || Number.isInteger(value)) return String(value);
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value);
}
