/**
 * Where one person's face is, where it goes, and how sure that is: a Kalman filter in seconds, one variance
 * for both directions, in units of the face's size. The same as `mien.tracking.kalman`, whose constants come
 * as options.
 * @typedef {import("./pixels.js").Box} Box
 */

const between = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) =>
  Math.min(Math.max(value, least), most);

export class Person {
  /**
   * @param {import("../settings.js").TrackingOptions} options `tracking` of the page's settings.
   * @param {number} id
   * @param {Box} box Where it was found.
   * @param {number} now Seconds on the tracker's clock.
   */
  constructor(options, id, [x1, y1, x2, y2], now) {
    this.options = options;
    this.id = id;
    this.x = (x1 + x2) / 2;
    this.y = (y1 + y2) / 2;
    this.sx = this.x; // Where it was last seen.
    this.sy = this.y;
    this.width = Math.max(1, x2 - x1);
    this.height = Math.max(1, y2 - y1);
    this.seen = now;
    this.found = now;
    this.vx = this.vy = 0; // px/s.
    this.tx = this.ty = 0; // The same averaged over `TREND` seconds.
    this.age = 0;
    this.hidden = false;
    this.place = options.NOISE; // Variance of the centre in sizes².
    this.bond = 0; // Covariance of centre and velocity.
    this.speed = 4; // Variance of the velocity.
  }

  /** Side of the square of the same area, px. */
  get size() {
    return Math.sqrt(this.width * this.height);
  }

  /** @returns {Box} */
  get box() {
    return [
      this.x - this.width / 2,
      this.y - this.height / 2,
      this.x + this.width / 2,
      this.y + this.height / 2,
    ];
  }

  /** Standard deviation of where a detector would see the centre, in sizes. */
  get spread() {
    return Math.sqrt(Math.min(this.place, this.options.WIDEST) + this.options.NOISE);
  }

  /** Move on. @param {number} step Seconds, 0 or more. */
  predict(step) {
    const { COARSE, STEADY, FASTEST, WIDEST } = this.options;
    if (step > COARSE) {
      this.vx = this.vy = this.tx = this.ty = this.bond = 0;
      this.place = WIDEST;
      this.speed = 4;
      return;
    }
    const left = Math.exp(-step / STEADY);
    const way = STEADY * (1 - left); // Seconds for which the velocity of now carries on.
    this.place +=
      2 * this.bond * way + this.speed * way ** 2 + FASTEST * (2 * STEADY * (step - way) - way ** 2);
    this.bond = (this.bond + this.speed * way) * left + FASTEST * way * (1 - left);
    this.speed = this.speed * left ** 2 + FASTEST * (1 - left ** 2);
    if (this.hidden) {
      this.drift(step);
      return;
    }
    this.x += this.vx * way;
    this.y += this.vy * way;
    this.vx *= left;
    this.vy *= left;
  }

  /**
   * Carry a face that is not seen on by the mean of its velocities; it stays within reach of there.
   * @param {number} step Seconds.
   */
  drift(step) {
    const { FADING, WIDEST } = this.options;
    const left = Math.exp(-step / FADING);
    this.x += this.tx * FADING * (1 - left);
    this.y += this.ty * FADING * (1 - left);
    this.tx *= left;
    this.ty *= left;
    this.place = Math.min(this.place, WIDEST);
    this.bond = 0;
  }

  /**
   * Take in where a detector sees the face.
   * @param {Box} box
   * @param {number} score How sure the detector is: of a face that is half covered its box is off.
   * @param {number} step Seconds since the last frame.
   * @param {number} now Seconds on the tracker's clock.
   */
  see([x1, y1, x2, y2], score, step, now) {
    const { NOISE, TREND } = this.options;
    const trust = between(2 * score - 1, 0.05, 1) ** 2;
    if (this.hidden) {
      // How it got here is not known, so the jump says nothing about how it moves on.
      this.vx = this.tx;
      this.vy = this.ty;
      this.bond = 0;
    }
    const total = this.place + NOISE / trust;
    const here = this.place / total,
      there = this.bond / total;
    this.sx = (x1 + x2) / 2;
    this.sy = (y1 + y2) / 2;
    const dx = this.sx - this.x,
      dy = this.sy - this.y;
    this.x += here * dx;
    this.y += here * dy;
    this.vx += there * dx;
    this.vy += there * dy;
    this.speed = Math.max(0.01, this.speed - there * this.bond);
    this.place *= 1 - here;
    this.bond *= 1 - here;
    this.age += step;
    // A mean over all there is as long as that is less than the time constant.
    const share = this.age <= 0 ? 0 : (1 - Math.exp(-step / TREND)) / (1 - Math.exp(-this.age / TREND));
    this.tx += share * (this.vx - this.tx);
    this.ty += share * (this.vy - this.ty);
    this.width += trust * (Math.max(1, x2 - x1) - this.width);
    this.height += trust * (Math.max(1, y2 - y1) - this.height);
    this.seen = now;
    this.hidden = false;
  }

  /**
   * It is not seen in an image of this size; who has left it may come back where they left.
   * @param {number} width
   * @param {number} height
   */
  miss(width, height) {
    if (!this.hidden) {
      this.hidden = true;
      this.bond = 0;
    }
    this.x = between(this.x, 0, width);
    this.y = between(this.y, 0, height);
  }

  /** Follow an image that changes its size. @param {number} across @param {number} down */
  scale(across, down) {
    for (const name of /** @type {const} */ (["x", "vx", "tx", "width", "sx"])) this[name] *= across;
    for (const name of /** @type {const} */ (["y", "vy", "ty", "height", "sy"])) this[name] *= down;
  }
}
