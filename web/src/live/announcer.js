/**
 * Says smoothed emotions to screen readers: only when one has changed, and not more often than somebody can
 * listen.
 * @typedef {import("../device.js").Face} Face
 */

import { labelOf, displayName } from "../label.js";

const PAUSE = 2.5; // s

export class Announcer {
  /** @param {HTMLElement} place A polite live region. @param {import("../settings.js").Settings} settings */
  constructor(place, settings) {
    this.place = place;
    this.settings = settings;
    this.last = -Infinity;
    this.said = "";
  }

  /** @param {Face[]} faces @param {number} time Seconds. */
  hear(faces, time) {
    if (time - this.last < PAUSE) return;
    const told =
      faces
        .map((face) => `Person ${face.track}: ${displayName(labelOf(face, this.settings), this.settings)}`)
        .join(". ") || "Nobody in view";
    if (told === this.said) return;
    this.said = told;
    this.last = time;
    this.place.textContent = told;
  }
}
