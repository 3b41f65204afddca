/**
 * Images in, faces with expressions out; and one stream read over time. The same as `mien.Pipeline` and
 * `mien.Session`.
 * @typedef {import("./pixels.js").Image} Image
 * @typedef {{mesh?: Float32Array | null, measures?: import("./measures.js").Measures,
 *   measures_missing?: string | null}} Landmarks
 */

import { area } from "./boxes.js";
import { Classifier } from "./classifier.js";
import { Detector } from "./detector.js";
import { measured } from "./measures.js";
import { Movement } from "./movement.js";
import { Smoother } from "./smoothing-online.js";
import { Tracker } from "./tracker.js";

/** Faces of a clip whose points are kept, all frames together: 6 kB each, and no more than a tab can hold. */
const MOST_POINTS = 20_000;

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
    /** @type {import("./mesh.js").FaceMesh | null} Loaded when landmarks are first asked for. */
    this.mesh = null;
  }

  /** The faces of one image, best first. @param {Image} image @param {boolean} landmarks */
  async image(image, landmarks) {
    return this.read(image, await this.detector.detect(image), landmarks);
  }

  /**
   * Faces with `probs`, and with landmarks `mesh` and `measures`.
   * @template {{box: import("./pixels.js").Box}} Face
   * @param {Image} image
   * @param {Face[]} faces
   * @param {boolean} landmarks
   * @returns {Promise<(Face & {probs: number[]} & Landmarks)[]>}
   */
  async read(image, faces, landmarks) {
    const probs = await this.classifier.read(
      image,
      faces.map((face) => face.box),
    );
    const read = [];
    for (const [row, face] of faces.entries()) {
      const found = landmarks ? await this.landmarks(image, face) : {};
      read.push({ ...face, probs: probs[row], ...found });
    }
    return read;
  }

  /** @param {Image} image @param {{box: import("./pixels.js").Box}} face @returns {Promise<Landmarks>} */
  async landmarks(image, face) {
    if (!this.mesh) throw new Error("the networks of the landmarks are not loaded yet");
    const { points, score } = await this.mesh.find(image, face);
    return { mesh: points, ...measured(points, score, image, this.settings.landmarks) };
  }
}

/** What is remembered of one stream. */
export class Session {
  /**
   * @param {Pipeline} pipeline
   * @param {{minFace: number, live?: boolean, largest?: boolean, landmarks?: boolean, cuts?: boolean}}
   *   options `live`: smooth as the frames come; `cuts`: there may be cuts to other scenes, as a camera has
   *   none.
   */
  constructor(pipeline, { minFace, live = true, largest = false, landmarks = false, cuts = !live }) {
    this.pipeline = pipeline;
    this.minFace = minFace;
    const { tracking } = pipeline.settings;
    this.tracker = new Tracker(pipeline.detector, cuts ? tracking : { ...tracking, cuts });
    this.smoother = live ? new Smoother(pipeline.settings.smoothing) : null;
    this.largest = largest;
    this.landmarks = landmarks;
    this.pointed = 0;
    this.movement = new Movement(pipeline.settings.landmarks);
  }

  /** The faces of the next frame. @param {Image} image @param {number} time Seconds. */
  async update(image, time) {
    this.pipeline.detector.minFace = this.minFace;
    let found = await this.tracker.update(image, time);
    if (this.largest && found.length > 1)
      found = [found.reduce((most, face) => (area(face.box) > area(most.box) ? face : most))];
    const read = await this.pipeline.read(image, found, this.landmarks);
    const faces = this.movement.update(read, time);
    if (this.smoother) return this.smoother.update(faces, time);
    return faces.map((face) => (face.mesh && ++this.pointed > MOST_POINTS ? { ...face, mesh: null } : face));
  }
}
