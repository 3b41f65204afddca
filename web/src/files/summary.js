/**
 * Each person of a video in numbers, by time: each face stands for the time up to the same person's next.
 * @typedef {import("./rows.js").Reading} Reading
 * @typedef {{track: number, first: number, last: number, seconds: number, shares: number[], confidence: number}} Person
 */

import { Spacing } from "../reading/spacing.js";
import { shownOf } from "../shown.js";

/**
 * @param {Reading[]} readings In order of time.
 * @param {any} settings
 * @returns {Person[]} In order of ids.
 */
export function peopleOf(readings, settings) {
  const spacing = new Spacing(settings.smoothing, settings.smoothing.gap);
  const people = new Map(), open = new Map(); // Who is in view: their last face, since when, and until when that stands.
  const close = (track, end) => {
    const { face, start } = open.get(track), seconds = end - start;
    if (!people.has(track)) people.set(track, { track, first: start, last: start, seconds: 0, total: 0, sure: 0, shares: settings.labels.map(() => 0) });
    const person = people.get(track), shown = shownOf(face, settings);
    const weight = Math.max(seconds, 1e-9); // A single frame has no length and yet a reading.
    person.seconds += seconds;
    person.total += weight;
    if (shown >= 0) person.shares[shown] += weight; // The rest was shown as uncertain.
    person.sure += weight * face.smooth[face.steady];
    person.last = start;
    open.delete(track);
  };
  for (const { time, faces } of readings) {
    const before = spacing.time, lasting = before === null ? 0 : spacing.lasting(time - before);
    spacing.take(time);
    for (const last of open.values()) if (last.start === before) last.end = before + lasting;
    for (const [track, last] of open) if (time - last.start > spacing.patience) close(track, last.end);
    for (const face of faces) {
      if (open.has(face.track)) close(face.track, time);
      open.set(face.track, { face, start: time, end: time });
    }
  }
  for (const [track, last] of open) close(track, last.start === spacing.time ? last.start + spacing.usual : last.end);
  return [...people.values()]
    .sort((a, b) => a.track - b.track)
    .map(({ sure, total, ...person }) => ({ ...person, shares: person.shares.map((value) => value / total), confidence: sure / total }));
}
