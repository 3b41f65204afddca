/**
 * Tables with the keys and columns that every other result of mien has.
 * @typedef {import("../device.js").Face} Face
 * @typedef {{frame: number, time: number, faces: Face[]}} Reading
 */

import { shownOf, wordOf } from "../shown.js";

const rounded = (value, digits) => Number(value.toFixed(digits));

/**
 * One row per face, or one for a frame without any.
 * @param {string} source
 * @param {Reading[]} readings
 * @param {any} settings
 */
export function rowsOf(source, readings, settings) {
  const named = (values) => values && Object.fromEntries(settings.labels.map((name, at) => [name, rounded(values[at], 6)]));
  return readings.flatMap(({ frame, time, faces }) => {
    const start = { source, frame, time: rounded(time, 6), status: faces.length ? "face" : "no_face" };
    const none = Object.fromEntries(settings.keys.map((key) => [key, start[key] ?? null]));
    if (!faces.length) return [none];
    return faces.map((face) => {
      const probs = named(face.probs);
      const emotion = settings.labels.reduce((best, name) => (probs[name] > probs[best] ? name : best));
      const known = { track: face.track ?? null, box: face.box.map((value) => rounded(value, 2)), score: rounded(face.score, 6), emotion };
      const steady = face.steady === undefined ? null : settings.labels[face.steady];
      return { ...none, ...known, confidence: probs[emotion], probs, steady, smooth: named(face.smooth) ?? null, shown: wordOf(shownOf(face, settings), settings) };
    });
  });
}

/** @param {any[]} rows */
export const json = (rows) => (rows.length ? `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n` : "[]\n");

/** @param {any[]} rows @param {any} settings */
export function csv(rows, settings) {
  const lines = rows.map((row) => {
    const [x1, y1, x2, y2] = row.box ?? [];
    const smooth = Object.fromEntries(Object.entries(row.smooth ?? {}).map(([name, value]) => [`smooth_${name}`, value]));
    const flat = { ...row, x1, y1, x2, y2, ...row.probs, ...smooth };
    for (const key of ["box", "probs", "smooth"]) flat[key] = row[key] && JSON.stringify(row[key]);
    return settings.columns.map((column) => quoted(flat[column])).join(",");
  });
  return [settings.columns.join(","), ...lines, ""].join("\n");
}

/** @param {unknown} value */
function quoted(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
