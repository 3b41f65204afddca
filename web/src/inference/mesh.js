/**
 * The 468 points of a face. The same steps as `mien.inference.landmarks.mesh`.
 * @typedef {import("./pixels.js").Image} Image
 * @typedef {import("./pixels.js").Box} Box
 * @typedef {import("./detector.js").Run} Run
 * @typedef {import("../settings.js").LandmarkOptions} Options
 *
 * @typedef {[number, number, number, number, number, number]} Affine Of places in the crop to places in the
 *   image: x' = a x + b y + c, y' = d x + e y + f.
 * @typedef {{points: Float32Array, score: number}} Found x, y and z of each point, and how sure the network
 *   is that it saw a face.
 */

export class FaceMesh {
  /**
   * @param {{mesh: Run, eyes: Run}} networks
   * @param {Options} options `landmarks` of the page's settings.
   */
  constructor(networks, options) {
    this.networks = networks;
    this.options = options;
  }

  /**
   * @param {Image} image
   * @param {{box: Box, landmarks?: number[][]}} face
   * @returns {Promise<Found>}
   */
  async find(image, { box, landmarks }) {
    const { LOOKS, TURNED, LEFT_EYE, RIGHT_EYE } = this.options;
    let angle = landmarks?.length ? slant(landmarks[0], landmarks[1]) : 0;
    for (let looks = 1; ; looks++) {
      const found = await this.look(image, toImage(box, angle, this.options));
      const now = slant(
        found.points.subarray(3 * LEFT_EYE, 3 * LEFT_EYE + 2),
        found.points.subarray(3 * RIGHT_EYE, 3 * RIGHT_EYE + 2),
      );
      if (looks >= LOOKS || Math.abs(turned(now - angle)) <= TURNED) {
        await this.findLids(image, found.points);
        return found;
      }
      angle = now;
    }
  }

  /** @param {Image} image @param {Affine} map @returns {Promise<Found>} */
  async look(image, map) {
    const { SIDE } = this.options;
    const answer = await this.networks.mesh(fed(crop(image, map, SIDE)), [1, 3, SIDE, SIDE]);
    return { points: back(answer.points.data, map), score: answer.face.data[0] };
  }

  /**
   * Move the points of the lids to where a closer look sees them.
   * @param {Image} image
   * @param {Float32Array} points
   */
  async findLids(image, points) {
    const { EYE_SIDE, LIDS, LIDS_FOUND } = this.options;
    const maps = LIDS.map(([[outer, inner]]) =>
      eyeToImage(points.subarray(3 * outer), points.subarray(3 * inner), this.options),
    );
    for (const [at, [, lids]] of LIDS.entries()) {
      const [a, b, c, d, e, f] = maps[at];
      const seen = fed(crop(image, maps[at], EYE_SIDE));
      const { data } = (await this.networks.eyes(seen, [1, 3, EYE_SIDE, EYE_SIDE])).points;
      lids.forEach((point, place) => {
        const [x, y] = data.subarray(3 * LIDS_FOUND[place]);
        points[3 * point] = a * x + b * y + c;
        points[3 * point + 1] = d * x + e * y + f;
      });
    }
  }
}

/**
 * The angle of the line between two points, clockwise.
 * @param {ArrayLike<number>} left
 * @param {ArrayLike<number>} right
 */
const slant = (left, right) => Math.atan2(right[1] - left[1], right[0] - left[0]);

/** The same angle from -pi to pi. @param {number} angle */
const turned = (angle) => angle - 2 * Math.PI * Math.floor((angle + Math.PI) / (2 * Math.PI));

/**
 * @param {Box} box
 * @param {number} angle
 * @param {{WIDER: number, SIDE: number}} options
 * @returns {Affine}
 */
export function toImage([x1, y1, x2, y2], angle, { WIDER, SIDE }) {
  const scale = (WIDER * Math.max(x2 - x1, y2 - y1)) / SIDE;
  const [along, down] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const half = SIDE / 2;
  return [
    along,
    -down,
    (x1 + x2) / 2 - (along - down) * half,
    down,
    along,
    (y1 + y2) / 2 - (down + along) * half,
  ];
}

/**
 * Of the square of an eye, by its corners; where the outer one is to the right of the inner one it is
 * mirrored, as the network knows one eye.
 * @param {ArrayLike<number>} outer
 * @param {ArrayLike<number>} inner
 * @param {{EYE_SIDE: number, EYE_WIDER: number}} options
 * @returns {Affine}
 */
export function eyeToImage(outer, inner, { EYE_SIDE, EYE_WIDER }) {
  const [x, y] = [0, 1].map((axis) => ((inner[axis] - outer[axis]) * EYE_WIDER) / EYE_SIDE);
  const sign = x >= 0 ? 1 : -1,
    half = EYE_SIDE / 2;
  return [
    x,
    -sign * y,
    (outer[0] + inner[0]) / 2 - (x - sign * y) * half,
    y,
    sign * x,
    (outer[1] + inner[1]) / 2 - (y + sign * x) * half,
  ];
}

/**
 * What the network sees; beyond the edge of the image its last pixels are repeated.
 * @param {Image} image
 * @param {Affine} map
 * @param {number} side px
 * @returns {Image}
 */
export function crop(image, map, side) {
  const [a, b, c, d, e, f] = map;
  // A face far larger than the crop is brought down first, averaged: bilinear alone would skip pixels.
  const step = Math.max(1, Math.trunc(Math.hypot(a, d)));
  const xs = [c, a * side + c, b * side + c, (a + b) * side + c],
    ys = [f, d * side + f, e * side + f, (d + e) * side + f];
  const low = [xs, ys].map((values) => Math.floor(Math.min(...values) / step) - 2),
    high = [xs, ys].map((values) => Math.ceil(Math.max(...values) / step) + 3);
  const part = blocks(image, low, high, step);
  return sampled(part, [a / step, b / step, c / step - low[0], d / step, e / step, f / step - low[1]], side);
}

/**
 * Means of blocks of `step` by `step` px, from `low` to before `high` in blocks as x, y; those beyond the
 * edge are the last ones inside.
 * @param {Image} image
 * @param {number[]} low
 * @param {number[]} high
 * @param {number} step
 * @returns {Image}
 */
function blocks(image, low, high, step) {
  const width = high[0] - low[0],
    height = high[1] - low[1],
    last = [Math.ceil(image.width / step) - 1, Math.ceil(image.height / step) - 1];
  const data = new Uint8ClampedArray(width * height * 3);
  const clip = (/** @type {number} */ at, /** @type {number} */ axis) =>
    Math.min(Math.max(at, 0), last[axis]);
  let to = 0;
  for (let y = low[1]; y < high[1]; y++) {
    for (let x = low[0]; x < high[0]; x++, to += 3) mean(image, clip(x, 0), clip(y, 1), step, data, to);
  }
  return { width, height, step: 3, data };
}

/**
 * @param {Image} image
 * @param {number} x Of the block.
 * @param {number} y
 * @param {number} side Of a block, px.
 * @param {Uint8ClampedArray} out
 * @param {number} to Where in `out`.
 */
function mean({ width, height, step, data }, x, y, side, out, to) {
  const right = Math.min((x + 1) * side, width),
    bottom = Math.min((y + 1) * side, height);
  const count = (right - x * side) * (bottom - y * side),
    half = count >> 1;
  let [r, g, b] = [half, half, half];
  for (let row = y * side; row < bottom; row++) {
    for (let at = (row * width + x * side) * step; at < (row * width + right) * step; at += step) {
      r += data[at];
      g += data[at + 1];
      b += data[at + 2];
    }
  }
  out[to] = Math.trunc(r / count);
  out[to + 1] = Math.trunc(g / count);
  out[to + 2] = Math.trunc(b / count);
}

/**
 * A square of an image, between its pixels where that is needed, as Pillow's AFFINE with BILINEAR gives it.
 * @param {Image} image
 * @param {Affine} map
 * @param {number} side px
 * @returns {Image}
 */
function sampled({ width, height, data }, [a, b, c, d, e, f], side) {
  const out = new Uint8ClampedArray(side * side * 3);
  const inside = (/** @type {number} */ at, /** @type {number} */ size) =>
    Math.min(Math.max(at, 0), size - 1);
  let to = 0;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++, to += 3) {
      const x = a * (column + 0.5) + b * (row + 0.5) + c,
        y = d * (column + 0.5) + e * (row + 0.5) + f;
      if (x < 0 || x >= width || y < 0 || y >= height) continue;
      const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
      const [across, down] = [x - 0.5 - left, y - 0.5 - top];
      const [x1, x2] = [inside(left, width), inside(left + 1, width)];
      const [y1, y2] = [inside(top, height) * width, inside(top + 1, height) * width];
      for (let channel = 0; channel < 3; channel++) {
        const value = (/** @type {number} */ at) => data[3 * at + channel];
        const upper = value(y1 + x1) + (value(y1 + x2) - value(y1 + x1)) * across,
          lower = value(y2 + x1) + (value(y2 + x2) - value(y2 + x1)) * across;
        out[to + channel] = Math.trunc(upper + (lower - upper) * down);
      }
    }
  }
  return { width: side, height: side, step: 3, data: out };
}

/** Red, green and blue one after the other, 0 to 1. @param {Image} image */
function fed({ data }) {
  const cells = data.length / 3,
    out = new Float32Array(data.length);
  for (let cell = 0; cell < cells; cell++) {
    for (let channel = 0; channel < 3; channel++)
      out[channel * cells + cell] = data[3 * cell + channel] / 255;
  }
  return out;
}

/** Points of a crop as points of the image. @param {Float32Array} points @param {Affine} map */
export function back(points, [a, b, c, d, e, f]) {
  const out = new Float32Array(points.length),
    scale = Math.hypot(a, d);
  for (let at = 0; at < points.length; at += 3) {
    out[at] = a * points[at] + b * points[at + 1] + c;
    out[at + 1] = d * points[at] + e * points[at + 1] + f;
    out[at + 2] = scale * points[at + 2];
  }
  return out;
}
