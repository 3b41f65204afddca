/**
 * The switch for the points of faces and what moves in them: off until somebody wants them, and only where
 * they can be found.
 * @typedef {import("../ways.js").Way} Way
 */

import { found } from "../dom.js";

export class LandmarksSwitch {
  /** @param {import("../settings.js").Settings} settings */
  constructor(settings) {
    this.box = found(document, "#landmarks", HTMLInputElement);
    this.note = found(document, "#landmarks-note", HTMLElement); // Says why they cannot be had.
    this.about = found(document, "#measures-note", HTMLElement); // Says what is shown, while it is.
    this.places = settings.landmarks_at;
  }

  /** Whether they can be found on a way. @param {Way} way */
  offered(way) {
    return way === "device" ? this.places.device !== null : this.places.server;
  }

  /** Whether they are wanted, and can be. @param {Way} way */
  on(way) {
    return this.box.checked && this.offered(way);
  }

  /** Say how it is on this way. @param {Way} way */
  show(way) {
    const why =
      way === "device"
        ? "(this mien was built without them)"
        : "(not on this server: mien serve --landmarks)";
    this.box.disabled = !this.offered(way);
    this.note.textContent = this.offered(way) ? "" : why;
    this.about.hidden = !this.on(way);
  }
}
