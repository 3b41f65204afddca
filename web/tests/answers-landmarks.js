/**
 * What the page answers to the golden vectors of landmarks; `tests/vectors/landmark_vectors.py` gives
 * Python's answers.
 */

import { Blinks } from "../src/inference/blinks.js";
import { measured } from "../src/inference/measures.js";
import { crop, eyeToImage, FaceMesh, toImage } from "../src/inference/mesh.js";
import { Movement } from "../src/inference/movement.js";
import { headPose } from "../src/inference/pose.js";
import { markTalking } from "../src/inference/talking.js";

const OPENED = [14, 17, 84, 314, 152];

/**
 * A network that draws: its points lie on a circle that moves with how bright what it sees is.
 * @param {number} side
 * @param {number} count
 */
const drawn = (side, count) => async (/** @type {Float32Array} */ data) => {
  const bright = data.reduce((sum, value) => sum + value, 0) / data.length;
  const points = Float32Array.from({ length: 3 * count }, (_, at) => {
    const angle = Math.floor(at / 3);
    return [
      side * (0.5 + 0.3 * Math.cos(angle) + 0.1 * bright),
      side * (0.5 + 0.3 * Math.sin(angle) - 0.1 * bright),
      5 * Math.cos(3 * angle),
    ][at % 3];
  });
  return {
    points: { dims: [1, 3 * count], data: points },
    face: { dims: [1, 1], data: Float32Array.of(0.75) },
  };
};

/** @param {ArrayLike<number>} points @param {number[]} which */
const some = (points, which) => which.flatMap((at) => [0, 1, 2].map((axis) => points[3 * at + axis]));

/** @param {number[]} base @param {{scale: number, x: number, open: number}} face */
function moved(base, { scale, x, open }) {
  const points = base.map((value, at) => value * scale + (at % 3 === 0 ? x : 0));
  for (const at of OPENED) points[3 * at + 1] += open;
  return Float32Array.from(points);
}

/**
 * @param {import("../src/settings.js").LandmarkOptions} options
 * @param {(told: any) => import("../src/inference/pixels.js").Image} imageOf
 * @param {(image: import("../src/inference/pixels.js").Image) => string} packed
 * @returns {Record<string, (given: any) => any>}
 */
export const answersOf = (options, imageOf, packed) => ({
  face_map: ({ box, angle, corners }) => ({
    face: toImage(box, angle, options),
    eye: eyeToImage(corners[0], corners[1], options),
  }),

  face_crop: ({ image, map, side }) => packed(crop(imageOf(image), map, side)),

  async face_mesh({ image, box, landmarks }) {
    const networks = { mesh: drawn(options.SIDE, 468), eyes: drawn(options.EYE_SIDE, 71) };
    const { points, score } = await new FaceMesh(networks, options).find(imageOf(image), {
      box,
      landmarks: landmarks ?? undefined,
    });
    return { points: some(points, [0, 33, 133, 159, 145, 263, 386, 374, 467]), score };
  },

  measures({ points, score, width, height }) {
    const mesh = Float32Array.from(points);
    const { measures, measures_missing } = measured(mesh, score, { width, height }, options);
    const pose = headPose(mesh, options);
    return { measures, missing: measures_missing, scale: pose.scale, own: some(pose.points, [1, 13, 152]) };
  },

  movement({ base, frames }) {
    const movement = new Movement(options);
    return frames.map((/** @type {any} */ { time, faces, measured: known }) => {
      const seen = faces.map((/** @type {any} */ face) => ({
        track: face.track,
        mesh: moved(base, face),
        measures: { yaw: known ? 0 : null, movement: null },
      }));
      return movement.update(seen, time).map(({ measures }) => measures?.movement ?? null);
    });
  },

  blinks({ frames }) {
    const blinks = new Blinks(options);
    const found = frames.flatMap((/** @type {any} */ { time, faces }) => {
      const seen = faces.map((/** @type {any} */ { track, eyes: [left_eye_opening, right_eye_opening] }) => ({
        track,
        measures: { left_eye_opening, right_eye_opening },
      }));
      return blinks.update(seen, time);
    });
    return { blinks: found, per_minute: [1, 2, 3].map((track) => blinks.perMinute(track)) };
  },

  talking({ frames }) {
    const results = frames.map((/** @type {any} */ { time, faces }) => ({
      time,
      faces: faces.map((/** @type {any} */ { track, side, opening }) => ({
        track,
        box: [0, 0, side, side],
        measures: { mouth_opening: opening },
      })),
    }));
    return markTalking(results, options).map(({ faces }) => faces.map(({ talking }) => talking));
  },
});
