/**
 * Faces with the names and values that every answer of mien has, as `mien.core.face.Face` says them.
 * @typedef {import("./device.js").Face} Face
 */

import { displayName, labelConfidence, labelOf } from "./label.js";

/** @param {number} value @param {number} digits */
export const rounded = (value, digits) => Number(value.toFixed(digits));

/**
 * What was read of a face.
 * @param {Face} face
 * @param {import("./settings.js").Settings} settings
 */
export function named(face, settings) {
  const column = (/** @type {number[]} */ values) =>
    Object.fromEntries(settings.labels.map((name, at) => [name, rounded(values[at], 6)]));
  const probs = column(face.probs);
  const emotion = settings.labels.reduce((best, name) => (probs[name] > probs[best] ? name : best));
  return {
    track: face.track ?? null,
    box: /** @type {[number, number, number, number]} */ (face.box.map((value) => rounded(value, 2))),
    detection_score: rounded(face.detection_score, 6),
    emotion,
    confidence: probs[emotion],
    probs,
    smoothed_emotion:
      face.smoothed_emotion_id === undefined ? null : settings.labels[face.smoothed_emotion_id],
    smoothed_probs: face.smoothed_probs ? column(face.smoothed_probs) : null,
    label: displayName(labelOf(face, settings), settings),
    label_confidence: rounded(labelConfidence(face), 6),
    ...toneOf(face.smoothed_probs ?? face.probs, settings),
    ...measuresOf(face),
  };
}

/**
 * How pleasant an expression is, -1 to 1, and how far from neutral, 0 to 1.
 * @param {number[]} probs
 * @param {import("./settings.js").Settings} settings
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
    measures: /** @type {Record<string, number | null>} */ (Object.fromEntries(values)),
    measures_missing: measures_missing ?? null,
    talking: talking ?? null,
  };
}

/**
 * What is told of a frame.
 * @param {Face[]} faces
 * @param {{frame: number, time: number, width: number, height: number, milliseconds: number}} frame
 * @param {import("./settings.js").Settings} settings
 * @param {boolean} points
 * @returns {import("./reader.js").FrameResult}
 */
export function resultOf(faces, { frame, time, width, height, milliseconds }, settings, points) {
  return {
    frame,
    time,
    status: faces.length ? "face" : "no_face",
    width,
    height,
    faces: faces.map((face) => faceOf(face, frame, time, settings, points)),
    milliseconds,
  };
}

/**
 * What is told of a face.
 * @param {Face} face
 * @param {number} frame
 * @param {number} time
 * @param {import("./settings.js").Settings} settings
 * @param {boolean} points
 * @returns {import("./reader.js").Face}
 */
export function faceOf(face, frame, time, settings, points) {
  const places = (/** @type {number[][]} */ rows) =>
    /** @type {any} */ (rows.map((row) => row.map((value) => rounded(value, 2))));
  const told = { frame, time, ...named(face, settings), landmarks: places(face.landmarks ?? []) };
  if (!points || !face.mesh) return told;
  const flat = Array.from(face.mesh);
  const mesh = Array.from({ length: flat.length / 3 }, (_, at) => flat.slice(3 * at, 3 * at + 3));
  return { ...told, mesh: places(mesh) };
}
