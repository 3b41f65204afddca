/**
 * What moves in the face of a person in view, in numbers and as bars: more or less than this person's usual.
 * @typedef {import("../inference/measures.js").Measures} Measures
 */

import { median } from "../inference/blinks.js";

const REMEMBERED = 60; // s from which what is usual is taken.

/**
 * A bar each: its name, what it shows of the measures, and how far from the usual its ends are.
 * @type {[string, (measures: Measures) => number | null, number][]}
 */
const BARS = [
  ["Eyes", (measures) => mean(measures.left_eye_opening, measures.right_eye_opening), 0.2],
  ["Mouth", (measures) => measures.mouth_opening, 0.4],
  ["Smile", (measures) => measures.smile, 0.12],
];

/** @param {number | null} a @param {number | null} b */
const mean = (a, b) => (a === null || b === null ? null : (a + b) / 2);

/** What a person's values usually were in the last minute. */
export class Usual {
  constructor() {
    /** @type {[number, number][]} */
    this.values = [];
  }

  /**
   * How far a value lies from the usual, itself included.
   * @param {number} time Seconds.
   * @param {number} value
   */
  away(time, value) {
    this.values.push([time, value]);
    while (this.values[0][0] < time - REMEMBERED || this.values[0][0] > time) this.values.shift();
    return value - median(this.values.map(([, one]) => one));
  }
}

/** The head's angles in words. @param {Measures} measures */
export const headOf = ({ yaw, pitch, roll }) =>
  yaw === null || pitch === null || roll === null
    ? ""
    : `yaw ${whole(yaw)}°, pitch ${whole(pitch)}°, roll ${whole(roll)}°`;

/** @param {number} value */
const whole = (value) => signed(value, 0).replace("+", "");

/** @param {number} value @param {number} digits */
export function signed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
}

export class MeasuresPanel {
  constructor() {
    this.element = document.createElement("dl");
    this.element.className = "bars measures";
    this.head = this.line("Head", "text");
    this.bars = BARS.map(([name]) => this.line(name, "bar"));
    this.blinks = this.line("Blinks", "text");
    this.usual = BARS.map(() => new Usual());
  }

  /** @param {string} name @param {"text" | "bar"} kind */
  line(name, kind) {
    const row = document.createElement("div"),
      term = document.createElement("dt"),
      value = document.createElement("dd"),
      number = document.createElement("span"),
      fill = document.createElement("i");
    term.textContent = name;
    number.className = "number";
    value.className = kind;
    if (kind === "bar") {
      const track = document.createElement("span");
      track.className = "track middle";
      track.append(fill);
      value.append(track);
    }
    value.append(number);
    row.append(term, value);
    this.element.append(row);
    return { fill, number };
  }

  /**
   * @param {{measures?: Measures | null, measures_missing?: string | null}} face
   * @param {number} time Seconds.
   * @param {{count: number, perMinute: number | null}} blinks
   */
  show({ measures, measures_missing }, time, { count, perMinute }) {
    if (!measures) return;
    write(this.head.number, headOf(measures) || `none: ${measures_missing}`);
    BARS.forEach(([, of, most], at) => {
      const value = of(measures),
        { fill, number } = this.bars[at];
      const away = value === null ? null : this.usual[at].away(time, value);
      const share = away === null ? 0 : Math.min(1, Math.max(-1, away / most));
      fill.style.transform = `scaleX(${(share / 2).toFixed(3)})`;
      write(number, away === null ? "" : signed(away, 2));
    });
    write(this.blinks.number, perMinute === null ? "" : `${count}, ${perMinute.toFixed(0)} a minute`);
  }
}

/** @param {HTMLElement} place @param {string} text */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
