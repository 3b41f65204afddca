/**
 * Tables with the keys and columns that every other result of mien has.
 * @typedef {import("../device.js").Face} Face
 * @typedef {{frame: number, time: number, faces: Face[]}} FrameResult
 */

import { labelConfidence, labelOf, displayName } from "../label.js";
import { cell, spelled } from "./cells.js";

const rounded = (/** @type {number} */ value, /** @type {number} */ digits) => Number(value.toFixed(digits));

/**
 * One row per face, or one for a frame without any.
 * @param {string} source
 * @param {FrameResult[]} results
 * @param {import("../settings.js").Settings} settings
 */
export function rowsOf(source, results, settings) {
  const named = (/** @type {number[]} */ values) =>
    Object.fromEntries(settings.labels.map((name, at) => [name, rounded(values[at], 6)]));
  return results.flatMap(({ frame, time, faces }) => {
    const start = /** @type {Record<string, any>} */ ({
      source: spelled(source),
      frame,
      time: rounded(time, 6),
      status: faces.length ? "face" : "no_face",
    });
    const none = Object.fromEntries(settings.keys.map((key) => [key, start[key] ?? null]));
    if (!faces.length) return [none];
    return faces.map((face) => {
      const probs = named(face.probs);
      const emotion = settings.labels.reduce((best, name) => (probs[name] > probs[best] ? name : best));
      const known = {
        track: face.track ?? null,
        box: face.box.map((value) => rounded(value, 2)),
        detection_score: rounded(face.detection_score, 6),
        emotion,
      };
      const smoothed_emotion =
        face.smoothed_emotion_id === undefined ? null : settings.labels[face.smoothed_emotion_id];
      const { error, ...rest } = none;
      return {
        ...rest,
        ...known,
        confidence: probs[emotion],
        probs,
        smoothed_emotion,
        smoothed_probs: face.smoothed_probs ? named(face.smoothed_probs) : null,
        label: displayName(labelOf(face, settings), settings),
        label_confidence: rounded(labelConfidence(face), 6),
        ...toneOf(face.smoothed_probs ?? face.probs, settings),
        ...measuresOf(face),
        error,
      };
    });
  });
}

/**
 * How pleasant an expression is, -1 to 1, and how far from neutral, 0 to 1.
 * @param {number[]} probs
 * @param {import("../settings.js").Settings} settings
 */
function toneOf(probs, { valences, labels }) {
  const neutral = labels.indexOf("neutral");
  return {
    valence:
      valences &&
      rounded(
        valences.reduce((sum, value, at) => sum + value * probs[at], 0),
        6,
      ),
    expressiveness: neutral < 0 ? null : rounded(1 - probs[neutral], 6),
  };
}

/** What landmarks measured, where they were asked for. @param {Face} face */
function measuresOf({ measures, measures_missing, talking }) {
  if (!measures) return {};
  const values = Object.entries(measures).map(([name, value]) => [
    name,
    value === null ? null : rounded(value, 4),
  ]);
  return {
    measures: Object.fromEntries(values),
    measures_missing: measures_missing ?? null,
    talking: talking ?? null,
  };
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
