/**
 * What moves in a face, measured on its points. The same as `mien.inference.landmarks.measures`.
 * @typedef {import("../settings.js").LandmarkOptions} Options
 * @typedef {(points: Float64Array) => number} Formula Of points in the face's own frame.
 * @typedef {Record<string, number | null>} Measures By name; null where there is none.
 */

import { headPose } from "./pose.js";

/** @param {Float64Array} points @param {number} at */
const pointOf = (points, at) => points.subarray(3 * at, 3 * at + 3);

/** @param {Float64Array} points @param {number} a @param {number} b */
function distance(points, a, b) {
  const [one, other] = [pointOf(points, a), pointOf(points, b)];
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}

/** @param {number} first @param {number} second @returns {Formula} */
const apart = (first, second) => (points) => distance(points, first, second);

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** @param {number} outer @param {number} inner @param {[number, number][]} lids @returns {Formula} */
const eye = (outer, inner, lids) => (points) =>
  mean(lids.map(([upper, lower]) => distance(points, upper, lower))) / distance(points, outer, inner);

/** @param {number[]} upper @param {number[]} lower @returns {Formula} */
const above = (upper, lower) => (points) =>
  mean(lower.map((at) => points[3 * at + 1])) - mean(upper.map((at) => points[3 * at + 1]));

const PAIRS = [
  [33, 263],
  [133, 362],
  [159, 386],
  [145, 374],
  [61, 291],
  [55, 285],
  [105, 334],
  [46, 276],
  [205, 425],
  [50, 280],
];
const LEFT = [33, 133],
  RIGHT = [362, 263];

/** @type {Record<string, Formula>} */
const SHAPE = {
  left_eye_opening: eye(33, 133, [
    [160, 144],
    [159, 145],
    [158, 153],
  ]),
  right_eye_opening: eye(263, 362, [
    [387, 373],
    [386, 374],
    [385, 380],
  ]),
  mouth_opening: apart(13, 14),
  mouth_width: apart(61, 291),
  smile: above([61, 291], [13, 14]),
  lip_height: (points) => distance(points, 0, 13) + distance(points, 14, 17),
  left_inner_brow_raise: above([55, 107], LEFT),
  right_inner_brow_raise: above([285, 336], RIGHT),
  left_outer_brow_raise: above([46, 70], LEFT),
  right_outer_brow_raise: above([276, 300], RIGHT),
  jaw_drop: apart(2, 152),
  asymmetry: (points) =>
    mean(
      PAIRS.flatMap(([left, right]) => [
        Math.abs(points[3 * left] + points[3 * right]),
        Math.abs(points[3 * left + 1] - points[3 * right + 1]),
      ]),
    ),
};

/**
 * Head pose and all other measures of a face, and why there are none (null where there are); `movement` needs
 * more than one frame.
 * @param {ArrayLike<number>} points x, y and z of each, px.
 * @param {number} score How sure that was a face.
 * @param {{width: number, height: number}} image
 * @param {Options} options
 * @returns {{measures: Measures, measures_missing: string | null}}
 */
export function measured(points, score, image, options) {
  /** @type {Measures} */
  const missing = Object.fromEntries(options.measures.map((name) => [name, null]));
  const [, unseen, small, turned, edge] = options.reasons;
  if (score < options.LEAST_SURE || !Array.prototype.every.call(points, Number.isFinite))
    return { measures: missing, measures_missing: unseen };
  const pose = headPose(points, options);
  if (pose.scale < options.LEAST_SIZE) return { measures: missing, measures_missing: small };
  const { yaw, pitch, roll } = pose;
  if (Math.max(Math.abs(yaw), Math.abs(pitch)) > options.MOST_TURNED)
    return { measures: { ...missing, yaw, pitch, roll }, measures_missing: turned };
  if (inside(points, image) < options.LEAST_INSIDE) return { measures: missing, measures_missing: edge };
  const shape = Object.fromEntries(Object.entries(SHAPE).map(([name, of]) => [name, of(pose.points)]));
  return { measures: { ...missing, yaw, pitch, roll, ...shape }, measures_missing: null };
}

/**
 * Share of the points that lie in the image.
 * @param {ArrayLike<number>} points
 * @param {{width: number, height: number}} image
 */
function inside(points, { width, height }) {
  let count = 0;
  for (let at = 0; at < points.length; at += 3) {
    const [x, y] = [points[at], points[at + 1]];
    if (x >= 0 && y >= 0 && x < width && y < height) count++;
  }
  return count / (points.length / 3);
}
