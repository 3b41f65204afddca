/**
 * What is shown of a face: the smoothed emotion where there is one, else the most probable expression; or
 * that the network is uncertain, where that is asked for.
 * @typedef {import("./device.js").Face} Face
 */

/**
 * Column of the labels, -1 for uncertain.
 * @param {Face} face
 * @param {import("./settings.js").Settings} settings
 */
export function labelOf(face, settings) {
  const values = face.smoothed_probs ?? face.probs;
  const column = face.smoothed_emotion_id ?? values.indexOf(Math.max(...values));
  return settings.uncertain.below !== null && values[column] < settings.uncertain.below ? -1 : column;
}

/**
 * The word for a column.
 * @param {number} column
 * @param {import("./settings.js").Settings} settings
 * @returns {string}
 */
export const displayName = (column, settings) =>
  column < 0 ? settings.uncertain.name : settings.labels[column];

/** "happy 87 %". @param {Face} face @param {import("./settings.js").Settings} settings */
export function captionOf(face, settings) {
  const column = labelOf(face, settings);
  const name = displayName(column, settings);
  const percent = column < 0 ? "" : `${Math.round(100 * (face.smoothed_probs ?? face.probs)[column])} %`;
  return { name, percent, colour: settings.colours[name] };
}
