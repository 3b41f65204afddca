/**
 * Tables with the keys and columns that every other result of mien has.
 * @typedef {import("../device.js").Face} Face
 * @typedef {{frame: number, time: number, faces: Face[]}} Reading
 */

import { shownOf, wordOf } from "../shown.js";
import { cell, spelled } from "./cells.js";

const rounded = (/** @type {number} */ value, /** @type {number} */ digits) => Number(value.toFixed(digits));

/**
 * One row per face, or one for a frame without any.
 * @param {string} source
 * @param {Reading[]} readings
 * @param {import("../settings.js").Settings} settings
 */
export function rowsOf(source, readings, settings) {
  const named = (/** @type {number[]} */ values) => Object.fromEntries(settings.labels.map((name, at) => [name, rounded(values[at], 6)]));
  return readings.flatMap(({ frame, time, faces }) => {
    const start = /** @type {Record<string, any>} */ ({ source: spelled(source), frame, time: rounded(time, 6), status: faces.length ? "face" : "no_face" });
    const none = Object.fromEntries(settings.keys.map((key) => [key, start[key] ?? null]));
    if (!faces.length) return [none];
    return faces.map((face) => {
      const probs = named(face.probs);
      const emotion = settings.labels.reduce((best, name) => (probs[name] > probs[best] ? name : best));
      const known = { track: face.track ?? null, box: face.box.map((value) => rounded(value, 2)), score: rounded(face.score, 6), emotion };
      const steady = face.steady === undefined ? null : settings.labels[face.steady];
      return { ...none, ...known, confidence: probs[emotion], probs, steady, smooth: face.smooth ? named(face.smooth) : null, shown: wordOf(shownOf(face, settings), settings) };
    });
  });
}

/** @param {any[]} rows */
export const json = (rows) => (rows.length ? `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n` : "[]\n");

/** @param {any[]} rows @param {import("../settings.js").Settings} settings */
export function csv(rows, settings) {
  const lines = rows.map((row) => {
    const [x1, y1, x2, y2] = row.box ?? [];
    const smooth = Object.fromEntries(Object.entries(row.smooth ?? {}).map(([name, value]) => [`smooth_${name}`, value]));
    const flat = { ...row, x1, y1, x2, y2, ...row.probs, ...smooth };
    for (const key of ["box", "probs", "smooth"]) flat[key] = row[key] && JSON.stringify(row[key]);
    return settings.columns.map((column) => quoted(flat[column], column === "source")).join(",");
  });
  return [settings.columns.map((column) => quoted(column, false)).join(","), ...lines, ""].join("\n");
}

/** @param {unknown} value @param {boolean} path Whether it is the path of a file. */
function quoted(value, path) {
  const text = typeof value === "string" ? cell(value, path) : String(value ?? "");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
