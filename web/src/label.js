/**
 * What is shown of a face: the smoothed emotion where there is one, else the most probable expression; or
 * that the network is uncertain, where that is asked for.
 * @typedef {import("./device.js").Face} Face
 */

import { percent } from "./formatting.js";

/**
 * Column of the labels, -1 for uncertain.
 * @param {Face} face
 * @param {import("./settings.js").Settings} settings
 */
export function labelOf(face, settings) {
  const { below } = settings.uncertain;
  return below !== null && labelConfidence(face) < below ? -1 : heldBy(face);
}

/** The smoothed emotion, or the most probable expression where nothing was smoothed. @param {Face} face */
function heldBy(face) {
  const values = face.smoothed_probs ?? face.probs;
  return face.smoothed_emotion_id ?? values.indexOf(Math.max(...values));
}

/** Its probability, smoothed if it was, also where it is shown as uncertain. @param {Face} face */
export const labelConfidence = (face) => (face.smoothed_probs ?? face.probs)[heldBy(face)];

/**
 * The word for a column.
 * @param {number} column
 * @param {import("./settings.js").Settings} settings
 * @returns {string}
 */
export const displayName = (column, settings) =>
  column < 0 ? settings.uncertain.name : settings.labels[column];

/**
 * What is shown of an English word or sentence: the words of the page, where it brings some.
 * @param {string} text
 * @param {{words?: Record<string, string>}} settings
 */
export const inWords = (text, { words = {} }) => (Object.hasOwn(words, text) ? words[text] : text);

/**
 * "happy 87 %"; no number beside uncertain, nor where the probabilities of this moment put another expression
 * first, as before and after a change: there, it would mislead.
 * @param {Face} face
 * @param {import("./settings.js").Settings} settings
 */
export function captionOf(face, settings) {
  const column = labelOf(face, settings);
  const name = displayName(column, settings);
  const leads = labelConfidence(face) === Math.max(...(face.smoothed_probs ?? face.probs));
  return {
    name,
    percent: column >= 0 && leads ? percent(labelConfidence(face)) : "",
    colour: settings.colours[name],
  };
}
