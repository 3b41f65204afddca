/**
 * Faces and the expressions that they show, read on the visitor's device: images are computed in this
 * browser and sent nowhere.
 *
 * @example
 * import { Reader } from "/mien/reader.js";
 * const reader = await Reader.load();
 * for (const face of await reader.read(document.querySelector("img"))) console.log(face.label, face.box);
 */

import { faceOf, resultOf } from "./faces.js";
import { pixelsIn } from "./images.js";
import { openFolder } from "./folder.js";

/**
 * @typedef {Blob | ImageData | ImageBitmap | HTMLImageElement | HTMLVideoElement | HTMLCanvasElement |
 *   OffscreenCanvas} Picture
 */

/**
 * A face, with the names and values that all answers of mien have.
 * @typedef {object} Face
 * @property {number} frame Number of the frame, from 0.
 * @property {number} time Seconds.
 * @property {[number, number, number, number]} box x1, y1, x2, y2 in px of the picture.
 * @property {number} detection_score How sure the detector is that this is a face, 0 to 1.
 * @property {[number, number][] | null} landmarks Left eye, right eye, nose, left and right corner of the
 *   mouth, px.
 * @property {number | null} track Number of the person in this session; null in images.
 * @property {string} emotion Name of the most probable expression.
 * @property {number} confidence Its probability, 0 to 1.
 * @property {Record<string, number>} probs Probability of every expression, 0 to 1.
 * @property {string | null} smoothed_emotion What the person has shown lately; null in images.
 * @property {Record<string, number> | null} smoothed_probs
 * @property {string} label What to display: smoothed_emotion where there is one, else emotion.
 * @property {number} label_confidence Its probability, 0 to 1.
 * @property {number | null} valence How pleasant the expression is, -1 to 1.
 * @property {number | null} expressiveness 1 less the probability of neutral.
 * @property {Record<string, number | null>} [measures] With landmarks: where the head turns, how far eyes and
 *   mouth are open, and more.
 * @property {string | null} [measures_missing] Why there are none.
 * @property {boolean | null} [talking] Whether the mouth moves as in speech.
 * @property {[number, number, number][]} [mesh] With points: 468 of them, x, y, z in px.
 */

/**
 * @typedef {object} LoadOptions
 * @property {string | URL} [base] The folder with `settings.json` and `networks/`, on the site of the page;
 *   by default the one of this module.
 * @property {string} [model] Name of one of the folder's networks; its first by default.
 * @property {string} [head] Which of its outputs; the network's own choice by default.
 */

/**
 * @typedef {object} ReadOptions
 * @property {number} [minFace] Height of the smallest face, px; 40 by default.
 * @property {boolean} [landmarks] Find 468 points in each face, and measure with them; not by default.
 * @property {boolean} [points] With landmarks: give these points too (`mesh`).
 */

/**
 * @typedef {object} OfSessions
 * @property {boolean} [largest] Only the largest face.
 * @property {boolean} [cuts] Whether there are cuts to other scenes, as in a film and not from a camera.
 *
 * @typedef {ReadOptions & OfSessions} SessionOptions
 */

/**
 * @typedef {object} FrameResult
 * @property {number} frame Number of the frame, from 0.
 * @property {number} time Seconds.
 * @property {"face" | "no_face"} status
 * @property {number} width px
 * @property {number} height px
 * @property {Face[]} faces
 * @property {number} milliseconds For which it was computed.
 */

/** Networks in a worker of this page. */
export class Reader {
  /**
   * Load the networks, about 6.2 MB with the runtime.
   * @param {LoadOptions} [options]
   * @returns {Promise<Reader>}
   */
  static async load(options = {}) {
    return new Reader(await openFolder(options));
  }

  /** @private @param {import("./device.js").Device} device */
  constructor(device) {
    /** @private */
    this.device = device;
  }

  /** Names of the expressions. @returns {string[]} */
  get labels() {
    return [...this.device.settings.labels];
  }

  /** Name of the network. @returns {string} */
  get model() {
    return this.device.settings.model.name;
  }

  /** Which of its outputs is used. @returns {string} */
  get head() {
    return this.device.settings.model.head;
  }

  /** What the answers are and what not, to be shown beside them. @returns {string} */
  get notice() {
    return this.device.settings.notice;
  }

  /**
   * The faces of one picture, best first.
   * @param {Picture} picture
   * @param {ReadOptions} [options]
   * @returns {Promise<Face[]>}
   */
  async read(picture, { minFace, landmarks = false, points = false } = {}) {
    const { settings } = this.device;
    const least = minFace ?? settings.detector.min_face;
    const faces = await this.device.image(await pixelsIn(picture), least, landmarks);
    return faces.map((face) => faceOf(face, 0, 0, settings, points));
  }

  /**
   * A video or a camera, frame by frame: who is who, and expressions that do not flicker.
   * @param {SessionOptions} [options]
   * @returns {Promise<Session>}
   */
  async session({ minFace, points = false, ...options } = {}) {
    const least = minFace ?? this.device.settings.detector.min_face;
    return new Session(this.device, await this.device.stream({ ...options, minFace: least }), points);
  }

  /** Give back the memory. Whatever is still being read fails. */
  close() {
    this.device.close();
  }
}

/** One video or camera; `Reader.session` makes it. */
export class Session {
  /**
   * @param {any} device Of the reader.
   * @param {any} stream Of the device.
   * @param {boolean} points
   */
  constructor(device, stream, points) {
    /** @private @type {import("./device.js").Device} */
    this.device = device;
    /** @private @type {import("./device.js").DeviceStream} */
    this.stream = stream;
    /** @private */
    this.points = points;
    /** @private */
    this.canvas = document.createElement("canvas");
    /** @private */
    this.count = 0;
  }

  /**
   * The faces of the next frame.
   * @param {Picture} picture
   * @param {number} [time] Seconds, which never go back; now by default.
   * @returns {Promise<FrameResult>}
   */
  async read(picture, time = performance.now() / 1000) {
    const frame = this.count++;
    const pixels = await pixelsIn(picture, this.canvas);
    const { width, height } = pixels;
    const { faces, milliseconds } = await this.stream.read(pixels, time);
    const { settings } = this.device;
    return resultOf(faces, { frame, time, width, height, milliseconds }, settings, this.points);
  }

  /** Forget who was seen. */
  async close() {
    await this.stream.close();
  }
}
