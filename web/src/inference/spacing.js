/**
 * How far apart the frames of a stream come, learned as they come, so that what is counted in seconds fits
 * slow streams as well. The same as `mien.core.spacing`, whose constants come as options.
 */

export class Spacing {
  /**
   * @param {{KEPT: number, PATIENCE: number}} options
   * @param {number} least Seconds without a sight of somebody after which they are away, where frames come
   *   fast.
   */
  constructor(options, least) {
    this.options = options;
    this.least = least;
    /** @type {number | null} */
    this.time = null;
    this.usual = 0; // Seconds that a frame lasts of which the next one does not tell.
    /** @type {number[]} */
    this.steps = [];
  }

  /** Take in the time of the next frame; returns the seconds since the one before. @param {number} time */
  take(time) {
    const step = this.time === null ? 0 : time - this.time;
    this.time = time;
    if (step > 0) {
      this.usual = this.lasting(step);
      this.steps = [...this.steps.slice(1 - this.options.KEPT), step];
    }
    return step;
  }

  /**
   * Seconds without a sight of somebody after which they are away: more than `least` where the last frames
   * were far apart.
   */
  get patience() {
    return Math.max(
      this.least,
      this.options.PATIENCE * (this.steps.length ? Math.max(...this.steps) : Infinity),
    );
  }

  /**
   * For how long the last frame stands, when the next one comes `step` seconds later; to be asked before
   * `take`.
   * @param {number} step
   */
  lasting(step) {
    return 0 <= step && step <= this.patience ? step : this.usual;
  }
}
