/**
 * Each person of a video in numbers, by time: each face stands for the time up to the same person's next.
 * @typedef {import("./rows.js").Reading} Reading
 * @typedef {{track: number, first: number, last: number, seconds: number, shares: number[], confidence: number}} Person
 */

import { shownOf } from "../shown.js";

/**
 * @param {Reading[]} readings In order of time.
 * @param {any} settings
 * @returns {Person[]} In order of ids.
 */
export function peopleOf(readings, settings) {
  const { gap } = settings.smoothing;
  const people = new Map(), before = new Map();
  let step = 0.04, earlier = null;
  const close = ({ face, time }, seconds) => {
    const person = people.get(face.track);
    person.seconds += seconds;
    const shown = shownOf(face, settings);
    if (shown >= 0) person.shares[shown] += seconds; // The rest was shown as uncertain.
    person.sure += seconds * face.smooth[face.steady];
    person.last = time;
  };
  for (const { time, faces } of readings) {
    if (earlier !== null && time - earlier <= gap) step = time - earlier;
    earlier = time;
    for (const face of faces) {
      if (!people.has(face.track)) people.set(face.track, { track: face.track, first: time, last: time, seconds: 0, sure: 0, shares: settings.labels.map(() => 0) });
      const last = before.get(face.track);
      if (last) close(last, time - last.time <= gap ? time - last.time : step);
      before.set(face.track, { face, time });
    }
  }
  for (const last of before.values()) close(last, step);
  return [...people.values()]
    .sort((a, b) => a.track - b.track)
    .map(({ sure, ...person }) => ({ ...person, shares: person.shares.map((value) => value / person.seconds), confidence: sure / person.seconds }));
}
