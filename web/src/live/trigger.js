/**
 * When the booth takes a photo: once everybody shows an expression for a moment, or somebody presses the
 * button, it counts down. As with `mien rules`, an expression has to be there when the photo is taken: where
 * it is not, the countdown begins again with it. After a photo the booth rests, and waits until that is over.
 */

export const LEAST = 0.6; // Probability from which on a face counts as showing the expression.
const HOLD = 0.5; // s for which everybody has to show it.
const COUNT = 3; // s of the countdown.
const REST = 3; // s after a photo in which none is taken.
const EMPTY = 1; // s without anybody in view after which a countdown is given up.

/** @typedef {"waiting" | "counting" | "photo" | "resting"} Phase `photo` is told once for each photo. */

/**
 * Whether all of some faces show an expression; null without a face.
 * @param {import("../device.js").Face[]} faces
 * @param {number} column Of the expression; below 0 none counts.
 */
export const everybodyShows = (faces, column) =>
  faces.length === 0
    ? null
    : column >= 0 && faces.every((face) => (face.smoothed_probs ?? face.probs)[column] >= LEAST);

export class Trigger {
  constructor() {
    /** @type {Phase} */
    this.phase = "waiting";
    this.since = NaN; // Since when everybody shows it, while that is so.
    this.began = NaN; // When the phase did.
    this.seen = -Infinity; // When there was somebody last.
    this.armed = true; // Whether it was over since the last photo.
    this.pressed = false; // Whether the button began the countdown: then no expression is asked for.
  }

  /** Count down now. @param {number} time Seconds. */
  press(time) {
    if (this.phase !== "waiting") return;
    this.seen = time;
    this.pressed = true;
    this.begin("counting", time);
  }

  /**
   * Go on.
   * @param {boolean | null} shown Whether everybody shows it; null: nobody is in view.
   * @param {number} time Seconds.
   */
  update(shown, time) {
    if (shown !== null) this.seen = time;
    if (!shown) [this.since, this.armed] = [NaN, true];
    else if (Number.isNaN(this.since)) this.since = time;
    if (this.phase === "photo") this.begin("resting", time);
    if (this.phase === "resting" && time - this.began >= REST) this.begin("waiting", time);
    if (this.phase === "waiting" && this.armed && time - this.since >= HOLD) {
      this.pressed = false;
      this.begin("counting", time);
    }
    if (this.phase !== "counting") return;
    if (time - this.began >= COUNT && (this.pressed || shown)) {
      this.armed = false;
      this.begin("photo", time);
    } else if (time - this.began >= COUNT || time - this.seen > EMPTY) this.begin("waiting", time);
  }

  /** Whole seconds that are left of the countdown. @param {number} time */
  left(time) {
    return this.phase === "counting" ? Math.max(1, Math.ceil(COUNT - (time - this.began))) : 0;
  }

  /** @param {Phase} phase @param {number} time */
  begin(phase, time) {
    [this.phase, this.began] = [phase, time];
  }
}
