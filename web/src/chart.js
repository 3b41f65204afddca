/**
 * Expressions over time on a canvas: above, how probable each one was on average; below, a strip for each
 * person with the smoothed emotion.
 * @typedef {import("./device.js").Tracked} Tracked
 * @typedef {{time: number, mean: number[] | null, shown: Map<number, number>}} Sample
 * @typedef {(time: number) => number} Place Where a time stands, px from the left edge.
 * @typedef {{time: number, text: string}} Mark Of the axis.
 */

import { contextOf } from "./dom.js";
import { drawGlyph, inkOn } from "./glyphs.js";
import { Spacing } from "./inference/spacing.js";
import { meanOf } from "./live/group.js";
import { labelOf, displayName } from "./label.js";

const GAP = 0.6; // s without a result after which nothing is drawn; more where frames come slowly.
const MOST = 6; // People that have a strip.
const AREA = 112,
  STRIP = 22,
  SPACE = 6,
  AXIS = 20; // px

/**
 * What one moment shows.
 * @param {Tracked[]} faces
 * @param {number} time Seconds.
 * @param {import("./settings.js").Settings} settings
 * @returns {Sample}
 */
export const sampleOf = (faces, time, settings) => ({
  time,
  mean: meanOf(faces),
  shown: new Map(faces.map((face) => [face.track, labelOf(face, settings)])),
});

export class Chart {
  /** @param {HTMLCanvasElement} canvas @param {import("./settings.js").Settings} settings */
  constructor(canvas, settings) {
    this.canvas = canvas;
    this.context = contextOf(canvas);
    this.settings = settings;
  }

  /**
   * @param {Sample[]} samples In order of time.
   * @param {number} from Seconds at the left edge.
   * @param {number} to Seconds at the right edge.
   * @param {Mark[]} marks
   */
  draw(samples, from, to, marks) {
    const tracks = tracksOf(samples);
    const { canvas, context } = this;
    const width = canvas.clientWidth || 800,
      height = AREA + SPACE + Math.max(1, tracks.length) * (STRIP + SPACE) + AXIS;
    const ratio = devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const place = (/** @type {number} */ time) => ((time - from) / Math.max(to - from, 1e-6)) * width;
    const style = getComputedStyle(document.documentElement);
    this.frame(0, AREA, width, style.getPropertyValue("--empty"));
    context.save();
    context.clip();
    this.areas(samples, place);
    context.restore();
    tracks.forEach((track, at) => {
      const top = AREA + SPACE + at * (STRIP + SPACE);
      this.frame(top, STRIP, width, style.getPropertyValue("--empty"));
      this.strip(samples, track, top, place);
    });
    this.axis(marks, height - AXIS, place, style.getPropertyValue("--soft"), width);
  }

  /** @param {number} top @param {number} tall @param {number} width @param {string} colour */
  frame(top, tall, width, colour) {
    this.context.fillStyle = colour;
    this.context.beginPath();
    this.context.roundRect(0, top, width, tall, Math.min(10, tall / 4));
    this.context.fill();
  }

  /** Probabilities, one on top of the other. @param {Sample[]} samples @param {Place} place */
  areas(samples, place) {
    const { labels, colours } = this.settings;
    for (const run of runsOf(samples, this.settings, (sample) => sample.mean !== null)) {
      const floor = run.map(() => 0);
      labels.forEach((name, column) => {
        this.context.fillStyle = colours[name];
        this.context.beginPath();
        run.forEach((sample, at) => this.context.lineTo(place(sample.time), AREA * (1 - floor[at])));
        for (let at = run.length - 1; at >= 0; at--) {
          floor[at] += run[at].mean?.[column] ?? 0;
          this.context.lineTo(place(run[at].time), AREA * (1 - floor[at]) - 0.5);
        }
        this.context.fill();
      });
    }
  }

  /**
   * One person's smoothed emotions.
   * @param {Sample[]} samples
   * @param {number} track
   * @param {number} top
   * @param {Place} place
   */
  strip(samples, track, top, place) {
    const { context } = this;
    const { colours } = this.settings;
    context.font = "600 12px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const run of runsOf(
      samples,
      this.settings,
      (sample) => sample.shown.has(track),
      (sample) => sample.shown.get(track),
    )) {
      const name = displayName(run[0].shown.get(track) ?? -1, this.settings);
      const left = Math.max(0, place(run[0].time)),
        right = Math.max(left + 1.5, place(run[run.length - 1].time));
      context.fillStyle = colours[name];
      context.beginPath();
      context.roundRect(left, top, right - left, STRIP, 5);
      context.fill();
      const ink = inkOn(colours[name]);
      if (right - left > 24) drawGlyph(context, name, ink, left + 3, top + 1, 20);
      if (right - left < context.measureText(name).width + 34) continue;
      context.fillStyle = ink;
      context.fillText(name, left + 26, top + STRIP / 2 + 1);
    }
  }

  /**
   * @param {Mark[]} marks
   * @param {number} top
   * @param {Place} place
   * @param {string} ink
   * @param {number} width
   */
  axis(marks, top, place, ink, width) {
    const { context } = this;
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.fillStyle = ink;
    let free = -Infinity;
    for (const { time, text } of marks) {
      const wide = context.measureText(text).width;
      const x = Math.min(Math.max(0, place(time) - wide / 2), width - wide);
      if (x < free) continue;
      free = x + wide + 12;
      context.fillText(text, x, top + AXIS / 2 + 2);
    }
  }
}

/** Those who have a strip: the last who were seen. @param {Sample[]} samples */
function tracksOf(samples) {
  const tracks = new Set();
  for (let at = samples.length - 1; at >= 0 && tracks.size < MOST; at--)
    for (const track of samples[at].shown.keys()) tracks.add(track);
  return [...tracks].sort((a, b) => a - b).slice(0, MOST);
}

/**
 * Samples that follow one another without a gap, as long as they are alike.
 * @param {Sample[]} samples
 * @param {import("./settings.js").Settings} settings
 * @param {(sample: Sample) => boolean} wanted
 * @param {(sample: Sample) => any} [kind]
 */
export function runsOf(samples, settings, wanted, kind = () => 0) {
  const spacing = new Spacing(settings.smoothing, GAP);
  /** @type {Sample[][]} */
  const runs = [];
  /** @type {Sample | null} */
  let before = null;
  for (const sample of samples) {
    const { patience } = spacing;
    const joined = spacing.take(sample.time) <= patience;
    if (!wanted(sample)) {
      before = null;
      continue;
    }
    const run = runs[runs.length - 1];
    // A new label begins where the last one ends, so that no hole is left between them.
    if (!before || !joined) runs.push([sample]);
    else if (kind(sample) === kind(before)) run.push(sample);
    else {
      run.push({ ...before, time: sample.time });
      runs.push([sample]);
    }
    before = sample;
  }
  return runs;
}
