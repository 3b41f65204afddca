/**
 * Which expression each face shows. The same steps as `mien.inference.classifier`.
 * @typedef {import("./pixels.js").Image} Image
 * @typedef {import("./pixels.js").Box} Box
 */

import { cut } from "./pixels.js";

const BATCH = 64;
/** Side in px of crops up to which batches are that large; of larger ones as many pixels go at once. */
const BATCH_SIDE = 96;

export class Classifier {
  /**
   * @param {import("./detector.js").Run} run
   * @param {import("../settings.js").Model} model `model` of the page's settings.
   */
  constructor(run, model) {
    this.run = run;
    this.model = model;
    this.size = model.input.height;
    this.batch = Math.max(1, Math.min(BATCH, Math.floor((BATCH * BATCH_SIDE ** 2) / this.size ** 2)));
  }

  /**
   * Probabilities of every expression for every box, in the order of the labels.
   * @param {Image} image
   * @param {Box[]} boxes
   * @returns {Promise<number[][]>}
   */
  async read(image, boxes) {
    const out = [];
    const { channels } = this.model.input;
    for (let start = 0; start < boxes.length; start += this.batch) {
      const crops = boxes.slice(start, start + this.batch).map((box) => this.crop(image, this.square(box)));
      const values = await this.run(this.fed(crops), [crops.length, channels, this.size, this.size]);
      const { data, dims } = values[this.model.head];
      for (let row = 0; row < crops.length; row++)
        out.push(Array.from(data.subarray(row * dims[1], (row + 1) * dims[1])));
    }
    return out;
  }

  /** A square as the network sees it, gray or in colour. @param {Image} image @param {Box} square */
  crop(image, square) {
    return cut(image, square, this.size, this.model.input.channels === 1);
  }

  /** The square that the network sees of a face. @param {Box} box @returns {Box} */
  square([x1, y1, x2, y2]) {
    const { side, right, down } = this.model.crop;
    const unit = Math.sqrt(Math.max((x2 - x1) * (y2 - y1), 0));
    const x = (x1 + x2) / 2 + unit * right,
      y = (y1 + y2) / 2 + unit * down;
    const half = unit * (side / 2);
    return [x - half, y - half, x + half, y + half];
  }

  /**
   * Values in the range that the network's card asks for, channel by channel; gray ones for each of them.
   * @param {Image[]} crops
   */
  fed(crops) {
    const { channels, low, high } = this.model.input;
    const cells = this.size * this.size;
    const out = new Float32Array(crops.length * channels * cells);
    const scale = (high - low) / 255;
    crops.forEach(({ data, step }, at) => {
      for (let cell = 0; cell < cells; cell++) {
        for (let channel = 0; channel < channels; channel++)
          out[(at * channels + channel) * cells + cell] =
            low + data[step === 1 ? cell : cell * step + channel] * scale;
      }
    });
    return out;
  }
}
