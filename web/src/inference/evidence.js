/**
 * What one frame says about an expression: log-probabilities, how much they weigh, and how far one label
 * leads. The same as `mien.tracking.evidence`; `options` is `smoothing` of the page's settings everywhere.
 */

import { area } from "./boxes.js";

const between = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) =>
  Math.min(Math.max(value, least), most);

/** @param {number[]} probs @param {import("../settings.js").EvidenceOptions} options */
export const logsOf = (probs, options) => probs.map((value) => Math.log(Math.max(value, options.FLOOR)));

/**
 * How much a face counts: less where the detector is unsure or the face is small.
 * @param {{box: number[], detection_score: number}} face
 * @param {import("../settings.js").EvidenceOptions} options
 */
export function weightOf(face, { LIGHTEST, PLAIN }) {
  return between(face.detection_score, LIGHTEST, 1) * between(Math.sqrt(area(face.box)) / PLAIN, LIGHTEST, 1);
}

/** 0.5 (all expressions equally probable) to 1 (one of them sure), by entropy. @param {number[]} logs */
export function certainty(logs) {
  const sum = normalised(logs).reduce((total, value) => total + value * Math.log(Math.max(value, 1e-12)), 0);
  return 1 - (0.5 * -sum) / Math.log(logs.length);
}

/** Probabilities of log-probabilities, which need not add up. @param {number[]} logs */
export function normalised(logs) {
  const most = Math.max(...logs);
  const values = logs.map((value) => Math.exp(value - most));
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

/** Where the largest of some numbers stands, the first of equals. @param {number[]} values */
export const best = (values) => values.reduce((at, value, here) => (value > values[at] ? here : at), 0);

/**
 * nats by which each label of one frame lies behind the best: 0 for the best itself, else `least` to `CLEAR`.
 * @param {number[]} logs
 * @param {number} least
 * @param {import("../settings.js").EvidenceOptions} options
 */
export function leadsOf(logs, least, { CLEAR }) {
  const top = best(logs);
  return logs.map((value, at) => (at === top ? 0 : between(value - logs[top], -CLEAR, -least)));
}

/**
 * What one frame of a live stream says for each label against the best, 0 or less, in nats times seconds.
 * @param {number[]} logs
 * @param {number} seconds That the frame stands for.
 * @param {number} weight
 * @param {import("../settings.js").EvidenceOptions} options
 */
export function caseOf(logs, seconds, weight, options) {
  const most = seconds < options.SPARSE ? options.SINGLE * options.evidence : Infinity;
  return leadsOf(logs, options.BARE, options).map((lead) => Math.max(lead * (seconds * weight), -most));
}
