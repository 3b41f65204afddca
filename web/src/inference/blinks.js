/**
 * Blinks: short closings of both eyes, told by how far a person's eyes are usually open. The same as
 * `mien.tracking.blinks`.
 * @typedef {import("../settings.js").LandmarkOptions} Options
 * @typedef {{openings: [number, number][], shut: number | null}} Eyes
 * @typedef {{track: number, start: number, end: number}} Blink Seconds.
 */

import { Spacing } from "./spacing.js";

/** @param {number[]} values */
export function median(values) {
  const sorted = Float64Array.from(values).sort(),
    half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

export class Blinks {
  /**
   * @param {Options} options
   * @param {number} gap Seconds; a person not seen for longer was away.
   */
  constructor(options, gap = 1) {
    this.options = options;
    this.spacing = new Spacing(options, gap);
    /** @type {Map<number, number>} */
    this.watched = new Map();
    /** @type {Map<number, number>} */
    this.counts = new Map();
    /** @type {Map<number, Eyes>} */
    this.eyes = new Map();
  }

  /**
   * Take in the faces of the next frame; gives the blinks that are now over.
   * @param {{track: number, measures?: import("./measures.js").Measures | null}[]} faces
   * @param {number} time Seconds.
   */
  update(faces, time) {
    const measured = faces.filter(({ measures }) => measures);
    if (!measured.length) return [];
    this.spacing.take(time);
    return measured.flatMap(({ track, measures }) => {
      const [left, right] = [measures?.left_eye_opening ?? NaN, measures?.right_eye_opening ?? NaN];
      return this.take(track, time, (left + right) / 2) ?? [];
    });
  }

  /** Blinks a minute of a person; null where their eyes were not seen often enough. @param {number} track */
  perMinute(track) {
    const watched = this.watched.get(track) ?? 0;
    return watched < 1 ? null : (60 * (this.counts.get(track) ?? 0)) / watched;
  }

  /** @param {number} track @param {number} now @param {number} opening @returns {Blink | null} */
  take(track, now, opening) {
    const { COARSEST, REMEMBERED, FIRST } = this.options;
    let eyes = this.eyes.get(track) ?? { openings: [], shut: null };
    this.eyes.set(track, eyes);
    if (Number.isNaN(opening)) {
      eyes.shut = null;
      return null;
    }
    const step = eyes.openings.length ? now - eyes.openings[eyes.openings.length - 1][0] : 0;
    if (step < 0 || step > this.spacing.least) {
      eyes = { openings: [], shut: null };
      this.eyes.set(track, eyes);
    } else if (step > 0 && step <= COARSEST * 1.05) {
      this.watched.set(track, (this.watched.get(track) ?? 0) + step);
      if (!this.counts.has(track)) this.counts.set(track, 0);
    } else eyes.shut = null;
    eyes.openings.push([now, opening]);
    while (now - eyes.openings[0][0] > REMEMBERED) eyes.openings.shift();
    return now - eyes.openings[0][0] < FIRST ? null : this.judge(track, eyes, now, opening);
  }

  /** @param {number} track @param {Eyes} eyes @param {number} now @param {number} opening */
  judge(track, eyes, now, opening) {
    const { CLOSED, OPEN, LONGEST } = this.options;
    const usual = median(eyes.openings.map(([, value]) => value));
    if (eyes.shut === null) {
      const before = eyes.openings.length > 1 ? eyes.openings[eyes.openings.length - 2][1] : opening;
      if (opening < CLOSED * usual && CLOSED * usual <= before) eyes.shut = now;
      return null;
    }
    if (opening < OPEN * usual) return null;
    const start = eyes.shut;
    eyes.shut = null;
    if (now - start > LONGEST) return null;
    this.counts.set(track, (this.counts.get(track) ?? 0) + 1);
    return { track, start, end: now };
  }
}
