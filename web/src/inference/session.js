/**
 * Images in, faces with expressions out; and one stream read over time. The same as `mien.Pipeline` and
 * `mien.Session`.
 * @typedef {import("./pixels.js").Image} Image
 */

import { area } from "./boxes.js";
import { Classifier } from "./classifier.js";
import { Detector } from "./detector.js";
import { Smoother } from "./smoothing-online.js";
import { Tracker } from "./tracker.js";

/** Detector and classifier; nothing of what was seen. */
export class Pipeline {
  /**
   * @param {Record<"pnet" | "rnet" | "onet" | "expression", import("./detector.js").Run>} networks
   * @param {import("../settings.js").Settings} settings The page's.
   */
  constructor(networks, settings) {
    this.settings = settings;
    this.detector = new Detector(networks, settings.detector);
    this.classifier = new Classifier(networks.expression, settings.model);
  }

  /** The faces of one image, best first. @param {Image} image */
  async image(image) {
    return this.read(image, await this.detector.detect(image));
  }

  /**
   * Faces with `probs`.
   * @template {{box: import("./pixels.js").Box}} Face
   * @param {Image} image
   * @param {Face[]} faces
   * @returns {Promise<(Face & {probs: number[]})[]>}
   */
  async read(image, faces) {
    const probs = await this.classifier.read(
      image,
      faces.map((face) => face.box),
    );
    return faces.map((face, row) => ({ ...face, probs: probs[row] }));
  }
}

/** What is remembered of one stream. */
export class Session {
  /**
   * @param {Pipeline} pipeline
   * @param {{minFace: number, live?: boolean, largest?: boolean}} options `live`: smooth as the frames come,
   *   of a camera, which has no cuts to other scenes.
   */
  constructor(pipeline, { minFace, live = true, largest = false }) {
    this.pipeline = pipeline;
    this.minFace = minFace;
    const { tracking } = pipeline.settings;
    this.tracker = new Tracker(pipeline.detector, live ? { ...tracking, cuts: false } : tracking);
    this.smoother = live ? new Smoother(pipeline.settings.smoothing) : null;
    this.largest = largest;
  }

  /** The faces of the next frame. @param {Image} image @param {number} time Seconds. */
  async update(image, time) {
    this.pipeline.detector.minFace = this.minFace;
    let found = await this.tracker.update(image, time);
    if (this.largest && found.length > 1)
      found = [found.reduce((most, face) => (area(face.box) > area(most.box) ? face : most))];
    const faces = await this.pipeline.read(image, found);
    return this.smoother ? this.smoother.update(faces, time) : faces;
  }
}
