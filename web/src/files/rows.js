/**
 * Tables with the keys and columns that every other result of mien has.
 * @typedef {import("../device.js").Face} Face
 * @typedef {{frame: number, time: number, faces: Face[]}} FrameResult
 */

import { named, rounded } from "../faces.js";
import { cell, spelled } from "./cells.js";

/**
 * One row per face, or one for a frame without any.
 * @param {string} source
 * @param {FrameResult[]} results
 * @param {import("../settings.js").Settings} settings
 */
export function rowsOf(source, results, settings) {
  return results.flatMap(({ frame, time, faces }) => {
    const start = /** @type {Record<string, any>} */ ({
      source: spelled(source),
      frame,
      time: rounded(time, 6),
      status: faces.length ? "face" : "no_face",
    });
    const none = Object.fromEntries(settings.keys.map((key) => [key, start[key] ?? null]));
    if (!faces.length) return [none];
    const { error, ...rest } = none;
    return faces.map((face) => ({ ...rest, ...named(face, settings), error }));
  });
}

/** @param {any[]} rows */
export const json = (rows) =>
  rows.length ? `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n` : "[]\n";

/**
 * @param {any[]} rows
 * @param {import("../settings.js").Settings} settings
 * @param {boolean} landmarks Whether they were asked for.
 */
export function csv(rows, settings, landmarks) {
  const { columns } = landmarks ? settings.landmarks : settings;
  const lines = rows.map((row) => {
    const [x1, y1, x2, y2] = row.box ?? [];
    const smoothed = Object.fromEntries(
      Object.entries(row.smoothed_probs ?? {}).map(([name, value]) => [`smoothed_${name}`, value]),
    );
    const flat = { ...row, x1, y1, x2, y2, ...row.probs, ...smoothed, ...row.measures };
    for (const key of ["box", "probs", "smoothed_probs"]) flat[key] = row[key] && JSON.stringify(row[key]);
    return columns.map((column) => quoted(flat[column], column === "source")).join(",");
  });
  return [columns.map((column) => quoted(column, false)).join(","), ...lines, ""].join("\n");
}

/** @param {unknown} value @param {boolean} path Whether it is the path of a file. */
function quoted(value, path) {
  if (typeof value === "boolean") return value ? "True" : "False"; // As Python writes it.
  const text = typeof value === "string" ? cell(value, path) : String(value ?? "");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
