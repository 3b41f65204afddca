/**
 * Arithmetic on boxes, in numbers of 32 bits wherever the server's are, so that the same boxes survive.
 * @typedef {import("./pixels.js").Box} Box
 */

const f = Math.fround;

/** @param {ArrayLike<number>} box */
export const area = (box) => f(f(box[2] - box[0]) * f(box[3] - box[1]));

/**
 * The part of a box inside an image.
 * @param {ArrayLike<number>} box
 * @param {number} width
 * @param {number} height
 * @returns {Box}
 */
export function clipped(box, width, height) {
  const between = (/** @type {number} */ value, /** @type {number} */ most) =>
    Math.min(Math.max(value, 0), most);
  return [between(box[0], width), between(box[1], height), between(box[2], width), between(box[3], height)];
}

/**
 * Intersection of two boxes as a share of their union, or of the smaller one.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {boolean} [ofSmaller]
 */
export function overlap(a, b, ofSmaller = false) {
  const across = Math.max(0, f(Math.min(a[2], b[2]) - Math.max(a[0], b[0])));
  const down = Math.max(0, f(Math.min(a[3], b[3]) - Math.max(a[1], b[1])));
  const shared = f(across * down);
  if (shared === 0) return 0;
  const whole = ofSmaller ? Math.min(area(a), area(b)) : f(f(area(a) + area(b)) - shared);
  return f(shared / Math.max(whole, 1.1754943508222875e-38));
}

/**
 * Positions that greedy non-maximum suppression keeps, best score first.
 * @param {Box[]} boxes
 * @param {number[]} scores
 * @param {number} limit A box that overlaps a better one by more than this is dropped.
 * @param {boolean} [ofSmaller] As in `overlap`.
 */
export function suppress(boxes, scores, limit, ofSmaller = false) {
  const order = boxes.map((_, at) => at).sort((a, b) => scores[b] - scores[a]);
  /** @type {number[]} */
  const kept = [];
  const most = f(limit);
  for (const at of order) {
    if (kept.every((other) => overlap(boxes[other], boxes[at], ofSmaller) <= most)) kept.push(at);
  }
  return kept;
}

/**
 * A square with the centre of the box and its longer side, which is a pixel at least.
 * @param {Box} box
 * @returns {Box}
 */
export function squared(box) {
  const half = f(Math.max(f(box[2] - box[0]), f(box[3] - box[1]), 1) / 2);
  const x = f(f(box[0] + box[2]) / 2),
    y = f(f(box[1] + box[3]) / 2);
  return [f(x - half), f(y - half), f(x + half), f(y + half)];
}

/** Whether a box is a pixel or more on its longer side. @param {Box} box */
export const thick = (box) => Math.max(f(box[2] - box[0]), f(box[3] - box[1]), 0) >= 1;

/**
 * A box with each edge moved by a share of its sides.
 * @param {Box} box
 * @param {ArrayLike<number>} shifts Four of them, from `at` on.
 * @param {number} at
 * @returns {Box}
 */
export function moved(box, shifts, at) {
  const across = f(box[2] - box[0]),
    down = f(box[3] - box[1]);
  return [
    f(box[0] + f(shifts[at] * across)),
    f(box[1] + f(shifts[at + 1] * down)),
    f(box[2] + f(shifts[at + 2] * across)),
    f(box[3] + f(shifts[at + 3] * down)),
  ];
}
