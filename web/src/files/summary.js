/**
 * Each person of a video in numbers, by time: each face stands for the time up to the same person's next.
 * @typedef {import("./movie.js").FrameResult} FrameResult
 * @typedef {import("../device.js").Tracked} Tracked
 * @typedef {{track: number, first: number, last: number, seconds: number, shares: number[], confidence:
 *   number}} Person
 */

import { Spacing } from "../inference/spacing.js";
import { labelOf } from "../label.js";

/**
 * @param {FrameResult[]} results In order of time.
 * @param {import("../settings.js").Settings} settings
 * @returns {Person[]} In order of ids.
 */
export function peopleOf(results, settings) {
  const spacing = new Spacing(settings.smoothing, settings.smoothing.gap);
  const people = /** @type {Map<number, Omit<Person, "confidence"> & {total: number, sure: number}>} */ (
    new Map()
  );
  // Who is in view: their last face, since when, and until when that stands.
  const open = /** @type {Map<number, {face: Tracked, start: number, end: number}>} */ (new Map());
  const begun = (/** @type {number} */ track, /** @type {number} */ start) => ({
    track,
    first: start,
    last: start,
    seconds: 0,
    total: 0,
    sure: 0,
    shares: settings.labels.map(() => 0),
  });
  const close = (/** @type {Tracked} */ face, /** @type {number} */ start, /** @type {number} */ end) => {
    const { track } = face,
      seconds = end - start;
    const person = people.get(track) ?? begun(track, start),
      shown = labelOf(face, settings);
    const weight = Math.max(seconds, 1e-9); // A single frame has no length and yet a result.
    person.seconds += seconds;
    person.total += weight;
    if (shown >= 0) person.shares[shown] += weight; // The rest was shown as uncertain.
    person.sure += weight * face.smoothed_probs[face.smoothed_emotion_id];
    person.last = start;
    people.set(track, person);
    open.delete(track);
  };
  for (const { time, faces } of results) {
    const before = spacing.time,
      lasting = before === null ? 0 : spacing.lasting(time - before);
    spacing.take(time);
    for (const last of open.values()) if (last.start === before) last.end = last.start + lasting;
    for (const { face, start, end } of open.values())
      if (time - start > spacing.patience) close(face, start, end);
    for (const face of faces) {
      const last = open.get(face.track);
      if (last) close(last.face, last.start, time);
      open.set(face.track, { face, start: time, end: time });
    }
  }
  for (const { face, start, end } of open.values())
    close(face, start, start === spacing.time ? start + spacing.usual : end);
  return [...people.values()]
    .sort((a, b) => a.track - b.track)
    .map(({ sure, total, ...person }) => ({
      ...person,
      shares: person.shares.map((value) => value / total),
      confidence: sure / total,
    }));
}
