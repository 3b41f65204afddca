/**
 * A card for each person in view: the smoothed emotion, and how probable each expression is.
 * @typedef {import("../device.js").Tracked} Tracked
 */

import { glyph } from "../glyphs.js";
import { Blinks } from "../inference/blinks.js";
import { Spacing } from "../inference/spacing.js";
import { labelOf, displayName } from "../label.js";
import { percents } from "../formatting.js";
import { MeasuresPanel } from "./measures.js";

const KEPT = 0.7; // s for which a person who is not seen keeps the card, so that it does not flicker.

export class People {
  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} nobody Shown while there is no card.
   * @param {import("../settings.js").Settings} settings
   */
  constructor(list, nobody, settings) {
    this.list = list;
    this.nobody = nobody;
    this.settings = settings;
    /** @type {Map<number, Card>} */
    this.cards = new Map();
    this.spacing = new Spacing(settings.smoothing, KEPT);
    this.blinks = new Blinks(settings.landmarks);
    this.measured = false; // Whether cards show what moves in faces.
  }

  /**
   * Take in every frame, also one that is not shown: blinks are shorter than cards stand still.
   * @param {Tracked[]} faces
   * @param {number} time Seconds.
   */
  watch(faces, time) {
    this.blinks.update(faces, time);
  }

  /** Show what moves in faces, or no more. @param {boolean} on */
  measure(on) {
    this.measured = on;
    for (const card of this.cards.values()) card.measure(on);
  }

  /** @param {Tracked[]} faces @param {number} time Seconds. */
  show(faces, time) {
    const { patience } = this.spacing; // Longer than `KEPT` where frames come slowly.
    this.spacing.take(time);
    for (const face of faces) {
      let card = this.cards.get(face.track);
      if (!card) {
        card = new Card(face.track, this.settings);
        card.measure(this.measured);
        this.cards.set(face.track, card);
        this.list.append(card.element);
      }
      card.show(face, time, this.blinks);
    }
    for (const [track, card] of this.cards) {
      const away = time - card.seen;
      card.element.classList.toggle("away", away > 0);
      if (away <= patience && away >= 0) continue;
      card.element.remove();
      this.cards.delete(track);
    }
    this.nobody.hidden = this.cards.size > 0;
  }

  clear() {
    this.list.replaceChildren();
    this.cards.clear();
    this.nobody.hidden = false;
    this.spacing = new Spacing(this.settings.smoothing, KEPT);
    this.blinks = new Blinks(this.settings.landmarks);
  }
}

class Card {
  /** @param {number} track @param {import("../settings.js").Settings} settings */
  constructor(track, settings) {
    this.settings = settings;
    this.seen = -Infinity;
    this.shown = NaN;
    this.element = document.createElement("li");
    this.element.className = "person";
    this.title = document.createElement("p");
    this.title.className = "shown";
    const who = document.createElement("p");
    who.className = "who";
    who.textContent = `Person ${track}`;
    const bars = document.createElement("dl");
    bars.className = "bars";
    this.bars = settings.labels.map((name) => bar(bars, name, settings.colours[name]));
    this.element.append(this.title, who, bars);
    /** @type {MeasuresPanel | null} */
    this.measures = null;
  }

  /** @param {boolean} on */
  measure(on) {
    if (on === Boolean(this.measures)) return;
    this.measures?.element.remove();
    this.measures = on ? new MeasuresPanel() : null;
    if (this.measures) this.element.append(this.measures.element);
  }

  /** @param {Tracked} face @param {number} time @param {Blinks} blinks */
  show(face, time, blinks) {
    const { track } = face;
    this.measures?.show(face, time, {
      count: blinks.counts.get(track) ?? 0,
      perMinute: blinks.perMinute(track),
    });
    this.seen = time;
    const shown = labelOf(face, this.settings);
    if (shown !== this.shown) {
      this.shown = shown;
      const name = displayName(shown, this.settings);
      const word = document.createElement("span");
      word.textContent = name;
      this.title.replaceChildren(glyph(name, this.settings.colours[name]), word);
      this.bars.forEach((part, at) => part.row.classList.toggle("leading", at === shown));
    }
    showShares(this.bars, face.smoothed_probs);
  }
}

/**
 * Shares of one whole, whose numbers add up to it.
 * @param {ReturnType<typeof bar>[]} bars
 * @param {number[]} shares 0 to 1.
 */
export function showShares(bars, shares) {
  percents(shares).forEach((text, at) => bars[at].show(shares[at], text));
}

/**
 * A line of bars: name, bar, number.
 * @param {HTMLElement} list
 * @param {string} name
 * @param {string} colour
 * @param {Element} [mark] Stands before the name.
 */
export function bar(list, name, colour, mark) {
  const row = document.createElement("div");
  const term = document.createElement("dt");
  if (mark) term.append(mark);
  term.append(name);
  const value = document.createElement("dd");
  const track = document.createElement("span");
  track.className = "track";
  const fill = document.createElement("i");
  fill.style.background = colour;
  track.append(fill);
  const number = document.createElement("span");
  number.className = "number";
  value.append(track, number);
  row.append(term, value);
  list.append(row);
  return {
    row,
    /** @param {number} share 0 to 1. @param {string} text The same for people; empty: there is none. */
    show(share, text) {
      fill.style.transform = `scaleX(${share.toFixed(2)})`;
      if (number.textContent !== text) number.textContent = text;
    },
  };
}
