/**
 * MTCNN (Zhang et al. 2016): three networks, each a stricter judge of fewer windows. The same steps as
 * `mien.inference.detectors.mtcnn`.
 * @typedef {import("./pixels.js").Image} Image
 * @typedef {import("./pixels.js").Box} Box
 * @typedef {(feeds: Float32Array, shape: number[]) => Promise<Record<string, {data: Float32Array, dims:
 *   readonly number[]}>>} Run
 *
 * @typedef {object} Found
 * @property {Box} box px, clipped to the image.
 * @property {number} detection_score 0 to 1.
 * @property {[number, number][]} landmarks Five of them, px.
 */

import { area, clipped, moved, squared, suppress, thick } from "./boxes.js";
import { cut } from "./pixels.js";
import { Pyramid } from "./pyramid.js";

const f = Math.fround;
const ROWS = { 24: 256, 48: 64 }; // Windows that run at once.

export class Detector {
  /**
   * @param {{pnet: Run, rnet: Run, onet: Run}} networks
   * @param {import("../settings.js").DetectorOptions} options `detector` of the page's settings.
   */
  constructor(networks, options) {
    this.networks = networks;
    this.options = options;
    this.minFace = options.min_face;
  }

  /**
   * The faces in an image, best first.
   * @param {Image} image
   * @returns {Promise<Found[]>}
   */
  async detect(image) {
    const pyramid = new Pyramid(image, this.minFace, this.options);
    return this.confirmed(pyramid, await this.refined(pyramid, await this.proposed(pyramid)));
  }

  /**
   * What the last network says of boxes that are already thought to hold a face, row by row; 0 as score where
   * too little of it is there, or it is below `min_detection_score`.
   * @param {Image} image
   * @param {Box[]} boxes
   * @returns {Promise<Found[]>}
   */
  async refine(image, boxes) {
    const windows = boxes.map((box) => squared(/** @type {Box} */ (box.map(f))));
    const crops = windows.map((window) => cut(image, window, 48));
    const out = await judged(this.networks.onet, crops, 48);
    const least = f(0.8 * this.minFace);
    return windows.map((window, row) => {
      const box = moved(window, out.shift, 4 * row);
      const inside = clipped(box, image.width, image.height);
      const score = out.face[2 * row + 1];
      const there =
        f(box[3] - box[1]) >= least &&
        area(inside) >= f(0.25 * area(box)) &&
        score >= f(this.options.min_detection_score);
      return {
        box: inside,
        detection_score: there ? score : 0,
        landmarks: landmarksOf(window, out.points, row),
      };
    });
  }

  /** Square windows that may hold a face. @param {Pyramid} pyramid */
  async proposed(pyramid) {
    const { WINDOW, STRIDE, MOST_WINDOWS, thresholds } = this.options;
    const { image, levels } = pyramid;
    if (!levels.length) return [];
    const boxes = /** @type {Box[]} */ ([]),
      scores = /** @type {number[]} */ ([]);
    const canvas = pyramid.canvas();
    const { face, shift } = await this.networks.pnet(normalised([canvas]), [
      1,
      3,
      canvas.height,
      canvas.width,
    ]);
    const columns = face.dims[3],
      cells = face.dims[2] * columns;
    for (let cell = 0; cell < cells; cell++) {
      const score = face.data[cells + cell];
      if (!(score > f(thresholds[0]))) continue;
      const level = pyramid.owner((cell % columns) * STRIDE, Math.floor(cell / columns) * STRIDE);
      if (!level) continue;
      const x = (cell % columns) * STRIDE - level.left,
        y = Math.floor(cell / columns) * STRIDE - level.top;
      const across = f(image.width / level.picture.width),
        down = f(image.height / level.picture.height);
      const edge = (/** @type {number} */ start, /** @type {number} */ part) =>
        f(start + f(shift.data[part * cells + cell] * WINDOW));
      boxes.push([
        f(edge(x, 0) * across),
        f(edge(y, 1) * down),
        f(edge(x + WINDOW, 2) * across),
        f(edge(y + WINDOW, 3) * down),
      ]);
      scores.push(score);
    }
    return suppress(boxes, scores, 0.7)
      .slice(0, MOST_WINDOWS)
      .map((at) => boxes[at])
      .filter(thick)
      .map(squared);
  }

  /**
   * Windows that the second network takes for a face, by a coarse look, moved and squared by what a closer
   * one tells.
   * @param {Pyramid} pyramid
   * @param {Box[]} windows
   */
  async refined(pyramid, windows) {
    const least = f(this.options.thresholds[1]);
    const likely = (await this.seen(pyramid, windows, 24)).filter(({ score }) => score > least);
    const seen = await this.seen(
      pyramid,
      likely.map(({ window }) => window),
      64,
    );
    const boxes = seen.map(({ box }) => box);
    return suppress(
      boxes,
      seen.map(({ score }) => score),
      0.7,
    )
      .map((at) => boxes[at])
      .filter(thick)
      .map(squared);
  }

  /**
   * Windows, the second network's score of each, and where it would move them, out of pictures that show so
   * much of them.
   * @param {Pyramid} pyramid
   * @param {Box[]} windows
   * @param {number} least px
   */
  async seen(pyramid, windows, least) {
    const crops = windows.map((window) => pyramid.cut(window, 24, least));
    const out = await judged(this.networks.rnet, crops, 24);
    return windows.map((window, row) => ({
      window,
      score: out.face[2 * row + 1],
      box: moved(window, out.shift, 4 * row),
    }));
  }

  /** Faces that the last network confirms. @param {Pyramid} pyramid @param {Box[]} windows */
  async confirmed(pyramid, windows) {
    const { width, height } = pyramid.image;
    const crops = windows.map((window) => pyramid.cut(window, 48, 96));
    const out = await judged(this.networks.onet, crops, 48);
    const boxes = /** @type {Box[]} */ ([]),
      rows = /** @type {number[]} */ ([]);
    windows.forEach((window, row) => {
      const box = moved(window, out.shift, 4 * row);
      const [x1, y1, x2, y2] = clipped(box, width, height);
      const tall = f(box[3] - box[1]) >= this.minFace;
      if (!(
        out.face[2 * row + 1] > f(this.options.thresholds[2]) &&
        tall &&
        f(x2 - x1) >= 1 &&
        f(y2 - y1) >= 1
      ))
        return;
      boxes.push(box);
      rows.push(row);
    });
    const scores = rows.map((row) => out.face[2 * row + 1]);
    return suppress(boxes, scores, 0.7, true).map((at) => ({
      box: clipped(boxes[at], width, height),
      detection_score: scores[at],
      landmarks: landmarksOf(windows[rows[at]], out.points, rows[at]),
    }));
  }
}

/**
 * What a network says of crops of an image, some at a time.
 * @param {Run} run
 * @param {Image[]} crops
 * @param {24 | 48} size
 */
async function judged(run, crops, size) {
  const parts = /** @type {Record<string, Float32Array[]>} */ ({ face: [], shift: [], points: [] });
  for (let start = 0; start < crops.length; start += ROWS[size]) {
    const some = crops.slice(start, start + ROWS[size]);
    const out = await run(normalised(some), [some.length, 3, size, size]);
    for (const name of Object.keys(out)) parts[name].push(out[name].data);
  }
  return { face: joined(parts.face), shift: joined(parts.shift), points: joined(parts.points) };
}

/** @param {Float32Array[]} parts */
function joined(parts) {
  if (parts.length === 1) return parts[0];
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of parts) {
    out.set(part, to);
    to += part.length;
  }
  return out;
}

/** Images of one size, RGB, as planes of numbers from -1 to 1. @param {Image[]} images */
function normalised(images) {
  const cells = images[0].width * images[0].height;
  const out = new Float32Array(images.length * 3 * cells);
  images.forEach(({ data, step }, at) => {
    const red = at * 3 * cells,
      green = red + cells,
      blue = green + cells;
    for (let cell = 0, from = 0; cell < cells; cell++, from += step) {
      out[red + cell] = (data[from] - 127.5) / 128;
      out[green + cell] = (data[from + 1] - 127.5) / 128;
      out[blue + cell] = (data[from + 2] - 127.5) / 128;
    }
  });
  return out;
}

/**
 * Five x, then five y, as shares of the window.
 * @param {Box} window
 * @param {Float32Array} shares
 * @param {number} row
 */
function landmarksOf(window, shares, row) {
  const across = f(window[2] - window[0]),
    down = f(window[3] - window[1]);
  return /** @type {[number, number][]} */ (
    [0, 1, 2, 3, 4].map((at) => [
      f(window[0] + f(shares[10 * row + at] * across)),
      f(window[1] + f(shares[10 * row + 5 + at] * down)),
    ])
  );
}
