/**
 * What the page answers to the input of each golden vector; `tests/vectors/vector_answers.py` has the same
 * names and gives Python's answers.
 * @typedef {import("../src/settings.js").Settings} Settings
 * @typedef {import("../src/inference/pixels.js").Image} Image
 * @typedef {import("../src/inference/pixels.js").Box} Box
 * @typedef {import("../src/inference/detector.js").Found} Found
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cell, spelled } from "../src/files/cells.js";
import { rowsOf } from "../src/files/rows.js";
import { peopleOf } from "../src/files/summary.js";
import { sentimentOf } from "../src/live/group.js";
import { assigned } from "../src/inference/assignment.js";
import { area, clipped, moved, overlap, squared, suppress, thick } from "../src/inference/boxes.js";
import { Classifier } from "../src/inference/classifier.js";
import { Detector } from "../src/inference/detector.js";
import { cut, halved, resized } from "../src/inference/pixels.js";
import { smoothed } from "../src/inference/smoothing-offline.js";
import { Smoother } from "../src/inference/smoothing-online.js";
import { Spacing } from "../src/inference/spacing.js";
import { Tracker } from "../src/inference/tracker.js";
import { captionOf, labelConfidence, labelOf } from "../src/label.js";
import { percents } from "../src/formatting.js";
import { answersOf } from "./answers-landmarks.js";
import { read } from "./vectors.js";

/**
 * What a service as it comes tells the page; that it is what the page expects, the type check tells.
 * @type {Omit<Settings, "version" | "device" | "source" | "photos" | "landmarks_at" | "report_style">}
 */
const told = /** @type {typeof import("../../tests/vectors/settings.json").cases[0]["expected"]} */ (
  read("settings").cases[0].expected
);

const stylesheet = readFileSync(new URL("../../src/mien/reports/base.css", import.meta.url), "utf8");

/** @type {Settings} */
export const settings = {
  ...told,
  version: "",
  device: true,
  source: null,
  photos: false,
  landmarks_at: { device: null, server: false },
  report_style: stylesheet,
};

/** @param {{width: number, height: number, step: number, data: string}} told @returns {Image} */
const imageOf = ({ data, ...shape }) => ({ ...shape, data: new Uint8Array(Buffer.from(data, "base64")) });

/** @param {Image} image */
const packed = ({ data }) => Buffer.from(data).toString("base64");

/**
 * The networks of a detector as they answered once; they check that they are asked what was asked then.
 * @param {any[]} runs
 */
function played(runs) {
  const left = [...runs];
  const network =
    (/** @type {string} */ name) =>
    async (/** @type {Float32Array} */ data, /** @type {number[]} */ shape) => {
      const run = left.shift();
      assert.deepEqual([name, shape, sign(data)], [run.network, run.shape, run.sign]);
      return Object.fromEntries(
        Object.entries(run.outputs).map(([key, value]) => [
          key,
          { dims: value.dims, data: Float32Array.from(value.data) },
        ]),
      );
    };
  return { pnet: network("pnet"), rnet: network("rnet"), onet: network("onet") };
}

/**
 * A number that tells one input of a network from others: its bytes, weighted by their place.
 * @param {Float32Array} data
 */
function sign(data) {
  return data.reduce((sum, value, at) => sum + Math.round(value * 128 + 127.5) * ((at % 251) + 1), 0);
}

/**
 * A detector that sees what it is told: in the whole image all of it, in a box the face that it overlaps
 * most.
 */
class Seen {
  /** @type {Box[]} */
  boxes = [];
  /** @type {number[]} */
  scores = [];

  /** @returns {Promise<Found[]>} */
  async detect() {
    return this.boxes.map((box, at) => ({ box, detection_score: this.scores[at], landmarks: [] }));
  }

  /** @param {Image} _ @param {Box[]} boxes @returns {Promise<Found[]>} */
  async refine(_, boxes) {
    return boxes.map((box) => {
      const known = /** @type {Box} */ (box.map(Math.fround));
      const shares = this.boxes.map((other) => overlap(known, other));
      const most = Math.max(0, ...shares),
        at = shares.indexOf(most);
      return most > Math.fround(0.3)
        ? { box: this.boxes[at], detection_score: this.scores[at], landmarks: [] }
        : { box: known, detection_score: 0, landmarks: [] };
    });
  }
}

/**
 * Every pixel as a square of so many px: a large image in a small file.
 * @param {Image} small
 * @param {number} side
 * @returns {Image}
 */
function enlarged(small, side) {
  const { step } = small;
  const width = small.width * side,
    height = small.height * side,
    data = new Uint8Array(width * height * step);
  for (let at = 0; at < data.length; at++) {
    const pixel = Math.floor(at / step),
      row = Math.floor(pixel / width / side),
      column = Math.floor((pixel % width) / side);
    data[at] = small.data[(row * small.width + column) * step + (at % step)];
  }
  return { width, height, step, data };
}

/** @param {number[]} box */
const rounded = (box) => /** @type {Box} */ (box.map(Math.fround));

/**
 * One number for what is remembered of a person, as in Python.
 * @param {import("../src/inference/person.js").Person} person
 */
function rememberedOf({ x, y, sx, sy, width, height, vx, vy, tx, ty, place, bond, speed }) {
  const values = [x, y, sx, sy, width, height, vx, vy, tx, ty, place, bond, speed];
  return [1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].reduce(
    (sum, factor, at) => sum + factor * values[at],
    0,
  );
}

/** @param {{smoothed_probs?: number[], smoothed_emotion_id?: number}[]} faces */
const smoothOf = (faces) =>
  faces.map(({ smoothed_emotion_id, smoothed_probs = [] }) => [smoothed_emotion_id, ...smoothed_probs]);

/** @type {Record<string, (given: any) => any>} By the name of the file that holds the vectors. */
export const answers = {
  boxes({ boxes, shifts, scores, limit, width, height }) {
    const rows = boxes.map(rounded);
    const table = (/** @type {boolean} */ ofSmaller) =>
      rows.map((/** @type {Box} */ a) => rows.map((/** @type {Box} */ b) => overlap(a, b, ofSmaller)));
    return {
      area: rows.map(area),
      clipped: rows.map((/** @type {Box} */ box) => clipped(box, width, height)),
      overlap: table(false),
      overlap_of_smaller: table(true),
      squared: rows.map(squared),
      thick_squared: rows.filter(thick).map(squared),
      moved: rows.map((/** @type {Box} */ box, /** @type {number} */ row) =>
        moved(box, Float32Array.from(shifts[row]), 0),
      ),
      kept: suppress(rows, scores, limit),
      kept_of_smaller: suppress(rows, scores, limit, true),
    };
  },

  resized: ({ image, size, box }) => packed(resized(imageOf(image), size[0], size[1], box ?? undefined)),

  halved: ({ image }) => packed(halved(imageOf(image))),

  cropped({ image, boxes, size, gray }) {
    const whole = imageOf(image);
    return boxes.map((/** @type {Box} */ box) => packed(cut(whole, box, size, gray)));
  },

  network_input({ boxes, image }) {
    const classifier = new Classifier(() => Promise.reject(new Error("nothing is run here")), settings.model);
    const size = settings.model.input.height;
    const gray = cut(imageOf(image), [0, 0, size, size], size, true);
    return {
      squares: boxes.map((/** @type {Box} */ box) => classifier.square(box)),
      fed: Array.from(classifier.fed([gray])),
    };
  },

  async colour_input({ boxes, image, input, rows, head }) {
    const model = { ...settings.model, input: { ...settings.model.input, ...input }, head };
    /** @type {number[]} */
    const asked = [];
    /** @type {number[][]} */
    const left = [...rows];
    const classifier = new Classifier((data, dims) => {
      const cells = data.length / dims[0];
      for (let at = 0; at < dims[0]; at++) asked.push(sign(data.subarray(at * cells, (at + 1) * cells)));
      const values = left.splice(0, dims[0]);
      return Promise.resolve({
        [head]: { data: Float32Array.from(values.flat()), dims: [dims[0], values[0].length] },
      });
    }, model);
    return { probs: await classifier.read(imageOf(image), boxes), asked };
  },

  async detector({ image, side, min_face, min_detection_score, known, runs }) {
    const thresholds = [...settings.detector.thresholds];
    if (min_detection_score !== null) thresholds[2] = min_detection_score;
    const detector = new Detector(played(runs), {
      ...settings.detector,
      min_face,
      thresholds,
      min_detection_score: min_detection_score ?? 0,
    });
    const whole = enlarged(imageOf(image), side);
    return [await detector.detect(whole), await detector.refine(whole, known)];
  },

  assignment: ({ cost, limit }) =>
    assigned(
      cost.map((/** @type {(number | null)[]} */ row) => row.map((value) => value ?? Infinity)),
      limit,
    ),

  async tracker({ images, frames, cuts = true }) {
    const seen = new Seen(),
      tracker = new Tracker(seen, { ...settings.tracking, cuts }),
      small = images.map(imageOf);
    const out = [];
    for (const { boxes, scores, time, image, side } of frames) {
      seen.boxes = boxes.map(rounded);
      seen.scores = scores.map(Math.fround);
      const faces = await tracker.update(enlarged(small[image], side), time);
      const remembered = tracker.people.reduce((sum, person) => sum + rememberedOf(person), 0);
      out.push({ faces: faces.map(({ track, box }) => [track, ...box]), looked: tracker.looked, remembered });
    }
    return out;
  },

  stream({ frames }) {
    const smoother = new Smoother(settings.smoothing);
    const live = frames.map((/** @type {any} */ { faces, time }) => smoothOf(smoother.update(faces, time)));
    const whole = smoothed(frames, settings.smoothing);
    return {
      live,
      recorded: whole.map(({ faces }) => smoothOf(faces)),
      people: peopleOf(/** @type {any} */ (whole), settings),
    };
  },

  label: ({ below, faces }) =>
    faces.map((/** @type {any} */ face) => {
      const own = { ...settings, uncertain: { ...settings.uncertain, below } };
      const { name, percent } = captionOf(face, own);
      return [labelOf(face, own), labelConfidence(face), `${name} ${percent}`.trim()];
    }),

  percents: (given) => given.map(percents),

  rows({ source, frame, time, faces }) {
    const seen = faces.map((/** @type {any} */ face) => ({ ...face, box: rounded(face.box) }));
    return rowsOf(source, [{ frame, time, faces: seen }], settings);
  },

  spacing({ times, least }) {
    const spacing = new Spacing(settings.tracking, least);
    return times.map((/** @type {number} */ time) => {
      const lasting = spacing.lasting(time - (spacing.time ?? time));
      return [
        lasting,
        spacing.take(time),
        Number.isFinite(spacing.patience) ? spacing.patience : null,
        spacing.usual,
      ];
    });
  },

  cells: (texts) =>
    texts.map((/** @type {string} */ text) => [spelled(text), cell(spelled(text), true), cell(text, false)]),

  sentiment: ({ probs }) => sentimentOf(probs, settings.sentiment?.weights ?? []),

  ...answersOf(settings.landmarks, imageOf, packed),
};
