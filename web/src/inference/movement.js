/**
 * How fast a face moves beside the movement of its head. The same as `mien.tracking.movement`.
 * @typedef {import("../settings.js").LandmarkOptions} Options
 * @typedef {{track: number, mesh?: ArrayLike<number> | null, measures?: import("./measures.js").Measures |
 *   null}} Face
 */

import { headPose } from "./pose.js";

export class Movement {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    /** @type {Map<number, {time: number, points: number[][], speed: number | null}>} */
    this.seen = new Map();
  }

  /**
   * The faces of a frame with `movement` among their measures, null where it is not known.
   * @template {Face} Any
   * @param {Any[]} faces
   * @param {number} time Seconds.
   * @returns {Any[]}
   */
  update(faces, time) {
    for (const [track, seen] of this.seen) {
      if (!(0 <= time - seen.time && time - seen.time <= this.options.MOST)) this.seen.delete(track);
    }
    return faces.map((face) => {
      if (!face.mesh || !face.measures || face.measures.yaw === null) return face;
      return { ...face, measures: { ...face.measures, movement: this.speed(face.track, time, face.mesh) } };
    });
  }

  /** @param {number} track @param {number} time @param {ArrayLike<number>} mesh */
  speed(track, time, mesh) {
    const { LEAST, MOVING } = this.options;
    const before = this.seen.get(track);
    if (before && time - before.time < LEAST - 1e-6) return before.speed;
    const whole = headPose(mesh, this.options).points;
    const points = MOVING.map((at) => [whole[3 * at], whole[3 * at + 1]]);
    const went = before?.points.reduce(
      (sum, [x, y], at) => sum + Math.hypot(points[at][0] - x, points[at][1] - y),
      0,
    );
    const speed =
      before === undefined || went === undefined ? null : went / points.length / (time - before.time);
    this.seen.set(track, { time, points, speed });
    return speed;
  }
}
