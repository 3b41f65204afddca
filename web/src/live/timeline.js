/**
 * The last minute, as it runs.
 * @typedef {import("../device.js").Tracked} Tracked
 */

import { Chart, sampleOf } from "../chart.js";
import { percent } from "../formatting.js";

const SPAN = 60; // s

export class Timeline {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} legend
   * @param {import("../settings.js").Settings} settings
   */
  constructor(canvas, legend, settings) {
    this.chart = new Chart(canvas, settings);
    this.canvas = canvas;
    this.settings = settings;
    /** @type {import("../chart.js").Sample[]} */
    this.samples = [];
    for (const name of settings.labels) {
      const item = document.createElement("li");
      const mark = document.createElement("i");
      mark.style.background = settings.colours[name];
      item.append(mark, name);
      legend.append(item);
    }
    this.drawn = this.told = -Infinity;
    addEventListener("resize", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  /** @param {Tracked[]} faces @param {number} time Seconds. */
  add(faces, time) {
    this.samples.push(sampleOf(faces, time, this.settings));
    while (this.samples[0].time < time - SPAN - 2) this.samples.shift();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (time - this.drawn < (calm ? 1 : 0.1)) return;
    this.drawn = time;
    this.draw();
    if (time - this.told > 5) this.tell(time);
  }

  /** @param {{time: number, faces: Tracked[]}[]} minute Made up. */
  showSample(minute) {
    this.samples = minute.map(({ time, faces }) => sampleOf(faces, time, this.settings));
    this.canvas.ariaLabel = `Sample: ${inWords(this.samples, this.settings.labels)}`;
    this.draw();
  }

  clear() {
    this.samples = [];
    this.canvas.ariaLabel = "Expressions of the last minute: nothing yet";
    this.draw();
  }

  /** For those who do not see it. @param {number} time */
  tell(time) {
    this.told = time;
    this.canvas.ariaLabel = `Expressions of the last minute: ${inWords(this.samples, this.settings.labels)}`;
  }

  draw() {
    const now = this.samples.at(-1)?.time ?? 0;
    this.chart.draw(
      this.samples,
      now - SPAN,
      now,
      [60, 45, 30, 15, 0].map((ago) => ({ time: now - ago, text: ago ? `${ago} s ago` : "now" })),
    );
  }
}

/**
 * The expressions that were most probable on average.
 * @param {import("../chart.js").Sample[]} samples
 * @param {string[]} labels
 */
export function inWords(samples, labels) {
  const seen = samples.filter((sample) => sample.mean);
  if (!seen.length) return "nobody";
  const shares = labels.map((name, at) => ({
    name,
    share: seen.reduce((sum, { mean }) => sum + (mean?.[at] ?? 0), 0) / seen.length,
  }));
  const first = shares.sort((a, b) => b.share - a.share).slice(0, 3);
  return first.map(({ name, share }) => `${name} ${percent(share)}`).join(", ");
}
