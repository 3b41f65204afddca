/**
 * Smoothing of a live stream: only what came before a frame bears on it. The same as
 * `mien.tracking.smoothing_online`.
 *
 * Probabilities: an exponential mean of log-probabilities with a time constant in seconds. Steady label:
 * another one is shown once enough evidence for it has added up (Page 1954).
 */

import { best, caseOf, certainty, logsOf, normalised, weightOf } from "./evidence.js";
import { Spacing } from "./spacing.js";

export class Smoother {
  /** @param {import("../settings.js").SmoothingOptions} options `smoothing` of the page's settings. */
  constructor(options) {
    this.options = options;
    /** @type {Map<number, Course>} */
    this.courses = new Map();
    this.spacing = new Spacing(this.options, this.options.gap);
  }

  /**
   * The faces of one frame with `smoothed_probs` and `smoothed_emotion`.
   * @template {{track: number, probs: number[], box: number[], detection_score: number}} Face
   * @param {Face[]} faces
   * @param {number} now Seconds on the stream's clock.
   * @returns {(Face & {smoothed_probs: number[], smoothed_emotion_id: number})[]}
   */
  update(faces, now) {
    if (!faces.length) return [];
    const { patience } = this.spacing;
    this.spacing.take(now);
    for (const [track, course] of this.courses) {
      if (!(now - course.time >= 0 && now - course.time <= patience)) this.courses.delete(track);
    }
    return faces.map((face) => {
      const logs = logsOf(face.probs, this.options),
        weight = weightOf(face, this.options);
      const course = this.courses.get(face.track) ?? new Course(now, logs.length);
      this.courses.set(face.track, course);
      const mean = course.take(now, logs, weight * certainty(logs), this.options);
      course.decide(logs, weight, this.options);
      return { ...face, smoothed_probs: normalised(mean), smoothed_emotion_id: course.label };
    });
  }
}

/** One person: fading sums, and what speaks for each label that is not shown. */
class Course {
  /** @param {number} time @param {number} classes */
  constructor(time, classes) {
    this.time = time;
    this.sums = new Array(classes).fill(0);
    this.total = 0;
    this.step = 0;
    this.label = -1;
    this.case = new Array(classes).fill(0);
  }

  /**
   * Mean log-probabilities up to now.
   * @param {number} now Seconds.
   * @param {number[]} logs
   * @param {number} weight
   * @param {import("../settings.js").SmoothingOptions} options
   */
  take(now, logs, weight, { FIRST, tau }) {
    this.step = this.total ? now - this.time : FIRST;
    this.time = now;
    const left = Math.exp(-this.step / tau);
    const share = (1 - left) * weight;
    this.sums = this.sums.map((sum, at) => sum * left + share * logs[at]);
    this.total = this.total * left + share;
    return this.sums.map((sum) => sum / this.total);
  }

  /**
   * Which label is shown.
   * @param {number[]} logs
   * @param {number} weight
   * @param {import("../settings.js").SmoothingOptions} options
   */
  decide(logs, weight, options) {
    if (this.label < 0) {
      this.label = best(logs);
      return;
    }
    const behind = caseOf(logs, this.step, weight, options);
    this.case = this.case.map((sum, at) => Math.max(0, sum + (behind[at] - behind[this.label])));
    const leader = best(this.case);
    if (this.case[leader] >= options.evidence) {
      this.label = leader;
      this.case.fill(0);
    }
  }
}
