/**
 * What all people in view show together: expressions summed up as positive, neutral and negative, each person
 * counting once.
 * @typedef {import("../device.js").Face} Face
 */

import { bar, showShares } from "./people.js";

/** @type {Record<string, string>} */
const SIGNS = { positive: "+", neutral: "=", negative: "−" };

/**
 * Mean probabilities of all faces, or null where there is none.
 * @param {Face[]} faces
 * @returns {number[] | null}
 */
export function meanOf(faces) {
  if (!faces.length) return null;
  const sums = faces[0].probs.map(() => 0);
  for (const face of faces) (face.smoothed_probs ?? face.probs).forEach((value, at) => (sums[at] += value));
  return sums.map((sum) => sum / faces.length);
}

/** @param {number[]} probs @param {number[][]} weights A row per expression. */
export const sentimentOf = (probs, weights) =>
  weights[0].map((_, column) => probs.reduce((sum, value, row) => sum + value * weights[row][column], 0));

export class Group {
  /** @param {HTMLElement} place @param {import("../settings.js").Settings} settings */
  constructor(place, settings) {
    const { sentiment } = settings;
    this.weights = sentiment?.weights ?? null;
    this.count = document.createElement("p");
    this.count.className = "quiet";
    const bars = document.createElement("dl");
    bars.className = "bars sentiment";
    this.bars = (sentiment?.names ?? []).map((name) => {
      const sign = document.createElement("b");
      sign.className = "sign";
      sign.ariaHidden = "true";
      sign.textContent = SIGNS[name];
      const colour = sentiment?.colours[name] ?? "";
      sign.style.background = colour;
      return bar(bars, name, colour, sign);
    });
    place.append(bars, this.count);
    this.show([]);
  }

  /** @param {Face[]} faces */
  show(faces) {
    const mean = meanOf(faces);
    if (mean && this.weights) showShares(this.bars, sentimentOf(mean, this.weights));
    else for (const part of this.bars) part.show(0, "–");
    const told =
      faces.length === 0
        ? "Nobody in view."
        : faces.length === 1
          ? "One person in view."
          : `The mean of ${faces.length} people in view.`;
    if (this.count.textContent !== told) this.count.textContent = told;
  }
}
