/**
 * Smoothing of a video: what came before and after a frame bears on it alike, so that nothing is shown late.
 * The same as `mien.tracking.smoothing_offline`, over all frames at once.
 *
 * @typedef {{track: number, probs: number[], box: number[], detection_score: number, smoothed_probs?:
 *   number[], smoothed_emotion_id?: number}} Face
 * @typedef {{time: number, faces: Face[]}} FrameResult
 * @typedef {import("../settings.js").SmoothingOptions} Options
 *
 * @typedef {object} Sample A face, and what its frame says.
 * @property {Face} face
 * @property {number} time Seconds.
 * @property {number[]} logs Log-probabilities.
 * @property {number} weight
 * @property {number} share How much it counts in a mean.
 * @property {number} span Seconds for which it stands.
 * @property {number[]} origins For each label the one before it on the best way there.
 */

import { best, certainty, leadsOf, logsOf, normalised, weightOf } from "./evidence.js";
import { Spacing } from "./spacing.js";

/**
 * The results with `smoothed_probs` and `smoothed_emotion` in their faces.
 * @template {FrameResult} Given
 * @param {Given[]} results In order of time, with tracks and probabilities.
 * @param {import("../settings.js").SmoothingOptions} options `smoothing` of the page's settings.
 */
export function smoothed(results, options) {
  for (const course of coursesOf(results, options)) {
    weigh(course);
    decide(course, options);
    average(course, options);
  }
  return results;
}

/**
 * Each person without a gap: samples in order of time.
 * @param {FrameResult[]} results
 * @param {Options} options
 */
function coursesOf(results, options) {
  const open = /** @type {Map<number, Sample[]>} */ (new Map()),
    done = /** @type {Sample[][]} */ ([]);
  const spacing = new Spacing(options, options.gap);
  for (const { time, faces } of results) {
    const { patience } = spacing;
    spacing.take(time);
    for (const [track, course] of open)
      if (time - course[course.length - 1].time > patience) open.delete(track);
    for (const face of faces) {
      const logs = logsOf(face.probs, options),
        weight = weightOf(face, options);
      const sample = /** @type {Sample} */ ({
        face,
        time,
        logs,
        weight,
        share: weight * certainty(logs),
        span: 0,
        origins: [],
      });
      const course = open.get(face.track);
      if (course) course.push(sample);
      else {
        const begun = [sample];
        open.set(face.track, begun);
        done.push(begun);
      }
    }
  }
  return done;
}

/** How long each sample stands for: half the way to its neighbours. @param {Sample[]} course */
function weigh(course) {
  const since = (/** @type {number} */ at) =>
    at > 0 && at < course.length ? course[at].time - course[at - 1].time : 0;
  course.forEach((sample, at) => (sample.span = (since(at) + since(at + 1)) / 2));
}

/**
 * The sequence of labels that explains all samples best where every change costs twice `evidence` (Viterbi
 * 1967).
 * @param {Sample[]} course
 * @param {Options} options
 */
function decide(course, options) {
  let values = /** @type {number[]} */ ([]);
  for (const sample of course) {
    const lasting = Math.max(sample.span, 1e-6) * sample.weight;
    const step = leadsOf(sample.logs, 0, options).map((lead) => lead * lasting);
    if (!values.length) values = step;
    else {
      const top = best(values),
        least = values[top] - options.CHANGE * options.evidence;
      sample.origins = values.map((value, at) => (value < least ? top : at));
      const added = /** @type {number[]} */ (values).map((value, at) => Math.max(value, least) + step[at]);
      const most = Math.max(...added);
      values = added.map((value) => value - most);
    }
  }
  let label = best(values);
  for (let at = course.length - 1; at >= 0; at--) {
    course[at].face.smoothed_emotion_id = label;
    if (at > 0) label = course[at].origins[label];
  }
}

/**
 * The mean of the log-probabilities under a kernel that falls by e in `tau` to either side.
 * @param {Sample[]} course
 * @param {Options} options
 */
function average(course, { tau, REACH }) {
  let first = 0;
  course.forEach((sample) => {
    while (course[first].time < sample.time - REACH * tau) first++;
    const sums = sample.logs.map(() => 0);
    let total = 0;
    for (let at = first; at < course.length && course[at].time <= sample.time + REACH * tau; at++) {
      const other = course[at];
      const kernel =
        Math.max(0, Math.exp(-Math.abs(other.time - sample.time) / tau) - Math.exp(-REACH)) *
        other.share *
        other.span;
      total += kernel;
      other.logs.forEach((value, label) => (sums[label] += kernel * value));
    }
    sample.face.smoothed_probs = normalised(total > 0 ? sums.map((sum) => sum / total) : sample.logs);
  });
}
