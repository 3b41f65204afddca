/**
 * An image at falling sizes, and all of them side by side on one canvas. The same as
 * `mien.inference.detectors.pyramid`.
 * @typedef {import("./pixels.js").Image} Image
 * @typedef {import("./pixels.js").Box} Box
 *
 * @typedef {object} Level
 * @property {Image} picture
 * @property {number} left Where it lies on the canvas, px.
 * @property {number} top
 */

import { cut, halved, resized } from "./pixels.js";

export class Pyramid {
  /**
   * @param {Image} image
   * @param {number} minFace Height of the smallest face that is looked for, px.
   * @param {import("../settings.js").DetectorOptions} options `detector` of the page's settings.
   */
  constructor(image, minFace, options) {
    const { WINDOW, LARGEST_LEVEL } = options;
    const { width, height } = image;
    this.image = image;
    this.options = options;
    const scale = Math.min(WINDOW / minFace, (LARGEST_LEVEL / (height * width)) ** 0.5);
    /** The image at half its size, where every level is at most that large. */
    this.half = scale <= 0.5 ? [halved(image)] : [];
    /** @type {Level[]} */
    this.levels = packed(this.scaled(scale));
  }

  /** The image at falling sizes, until a window no longer fits. @param {number} scale */
  scaled(scale) {
    const { WINDOW, STRIDE, factor } = this.options;
    const { width, height } = this.image;
    const whole = this.half[0] ?? this.image;
    const levels = /** @type {Image[]} */ ([]);
    for (; Math.min(height, width) * scale >= WINDOW; scale *= factor) {
      const across = STRIDE * Math.ceil((width * scale) / STRIDE),
        down = STRIDE * Math.ceil((height * scale) / STRIDE);
      const source = levels.findLast((level) => level.width >= 1.9 * across) ?? whole;
      levels.push(source.width === across && source.height === down ? source : resized(source, across, down));
    }
    return levels;
  }

  /** All levels, black between them. @returns {Image} */
  canvas() {
    const width = Math.max(...this.levels.map(({ left, picture }) => left + picture.width));
    const height = Math.max(...this.levels.map(({ top, picture }) => top + picture.height));
    const data = new Uint8ClampedArray(3 * width * height);
    for (const { picture, left, top } of this.levels) {
      const { step } = picture;
      for (let row = 0, from = 0; row < picture.height; row++) {
        let to = 3 * ((top + row) * width + left);
        for (let column = 0; column < picture.width; column++, from += step, to += 3) {
          data[to] = picture.data[from];
          data[to + 1] = picture.data[from + 1];
          data[to + 2] = picture.data[from + 2];
        }
      }
    }
    return { width, height, step: 3, data };
  }

  /**
   * The level in which a window of the canvas lies wholly.
   * @param {number} x Its left edge, px.
   * @param {number} y Its upper edge.
   */
  owner(x, y) {
    const { WINDOW } = this.options;
    return this.levels.find(
      ({ picture, left, top }) =>
        x >= left && y >= top && x + WINDOW <= left + picture.width && y + WINDOW <= top + picture.height,
    );
  }

  /**
   * A crop, out of the smallest picture, image, half or level, that shows enough of it.
   * @param {Box} box A square in px of the image.
   * @param {number} size Side of the crop in px.
   * @param {number} least Side in px that the square must have in the picture, unless that is the image.
   */
  cut(box, size, least) {
    const pictures = [...this.half, ...this.levels.map(({ picture }) => picture)];
    const { width, height } = this.image;
    const side = Math.fround(box[2] - box[0]);
    const picture = pictures.findLast((one) => side * (one.width / width) >= least);
    if (!picture) return cut(this.image, box, size);
    const across = picture.width / width,
      down = picture.height / height;
    const moved = /** @type {Box} */ ([box[0] * across, box[1] * down, box[2] * across, box[3] * down]);
    return cut(picture, moved, size, false, true);
  }
}

/**
 * Images, from the largest to the smallest, and where they lie: each in the first free rectangle that holds
 * it, at its left top corner; what is left of that, at the right and below, is free from then on.
 * @param {Image[]} pictures
 * @returns {Level[]}
 */
function packed(pictures) {
  const free = [[0, 0, pictures[0]?.width ?? 0, pictures.reduce((sum, picture) => sum + picture.height, 0)]];
  return pictures.map((picture) => {
    const at = free.findIndex(([, , width, height]) => picture.width <= width && picture.height <= height);
    const [left, top, width, height] = free[at];
    free.splice(
      at,
      1,
      [left + picture.width, top, width - picture.width, picture.height],
      [left, top + picture.height, width, height - picture.height],
    );
    return { picture, left, top };
  });
}
