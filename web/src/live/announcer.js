/**
 * Says smoothed emotions to screen readers: only when one has changed, and not more often than somebody can
 * listen.
 * @typedef {import("../device.js").Face} Face
 */

import { displayName, inWords, labelOf } from "../label.js";

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
    const said = (/** @type {string} */ text) => inWords(text, this.settings);
    const told =
      faces
        .map(
          (face) =>
            `${said("Person")} ${face.track ?? ""}`.trim() +
            `: ${said(displayName(labelOf(face, this.settings), this.settings))}`,
        )
        .join(". ") || said("Nobody in view");
    if (told === this.said) return;
    this.said = told;
    this.last = time;
    this.place.textContent = told;
  }
}
