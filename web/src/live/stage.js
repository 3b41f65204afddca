/**
 * The frame around what is seen: it has the shape of the source, and says how things stand.
 */

import { found } from "../dom.js";

const WINDOW = 2; // s over which frames are counted.

export class Stage {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.note = found(element, "#stage-note", HTMLElement);
    this.rate = found(element, "#rate", HTMLElement);
    this.shape = "";
    /** @type {{time: number, milliseconds: number}[]} */
    this.frames = [];
  }

  /** @param {boolean} on Whether frames are shown. */
  turn(on) {
    this.element.classList.toggle("on", on);
  }

  /** @param {string} text What is said over the frames; empty: nothing. */
  say(text) {
    this.note.hidden = text === "";
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  /** Take the shape of frames. @param {number} width px @param {number} height px */
  fit(width, height) {
    const shape = (width / height).toFixed(4);
    if (!(width && height) || shape === this.shape) return;
    this.shape = shape;
    this.element.style.setProperty("--shape", shape);
  }

  /** One more frame was read. @param {number} time Seconds. @param {number} milliseconds */
  count(time, milliseconds) {
    this.frames.push({ time, milliseconds });
    while (this.frames[0].time < time - WINDOW) this.frames.shift();
  }

  /** @param {import("./source.js").Rates} [theirs] What the server tells of its source. */
  showRate(theirs) {
    const seconds = this.frames[this.frames.length - 1].time - this.frames[0].time;
    if (seconds < 0.5) return;
    const delays = this.frames.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
    const delay = delays[this.frames.length >> 1].toFixed(0);
    const shown = perSecond((this.frames.length - 1) / seconds);
    this.rate.textContent = theirs
      ? `${shown} frames a second of ${perSecond(theirs.captured)} that come, read ${delay} ms after arrival`
      : `${shown} frames a second, ${delay} ms each`;
  }

  forget() {
    this.frames = [];
    this.rate.textContent = "";
  }
}

/** @param {number} rate */
const perSecond = (rate) => rate.toFixed(rate < 9.5 ? 1 : 0);
