/**
 * What the page shows before the camera has been started: two people who do not exist, with numbers that are
 * made up, so that nobody has to guess what the empty parts are for.
 * @typedef {import("../device.js").Tracked} Tracked
 */

import { contextOf } from "../dom.js";
import { drawGlyph } from "../glyphs.js";
import { chipOf, drawFaces } from "./overlay.js";

const SPAN = 60; // s
const STEP = 0.5; // s between samples.
const CHANGE = 1.5; // s that a change takes.
const SURE = 0.86; // Probability of what is shown.

/** What each of them shows, and from when on. @type {[number, string][][]} */
const STORIES = [
  [
    [0, "neutral"],
    [9, "happy"],
    [27, "surprise"],
    [34, "happy"],
    [47, "neutral"],
    [53, "happy"],
  ],
  [
    [0, "neutral"],
    [20, "happy"],
    [38, "sad"],
    [50, "neutral"],
  ],
];

/** Where they are in the illustration: px of `WIDTH` x `HEIGHT`. */
const BOXES = /** @type {import("../inference/pixels.js").Box[]} */ ([
  [30, 90, 170, 270],
  [230, 130, 350, 285],
]);
const WIDTH = 380,
  HEIGHT = 400;

/**
 * The two people at a moment of their minute.
 * @param {number} time Seconds, 0 to 60.
 * @param {import("../settings.js").Settings} settings
 * @returns {Tracked[]}
 */
export function sampleAt(time, settings) {
  return STORIES.map((story, person) => {
    const at = story.findLastIndex(([start]) => start <= time);
    const now = columnOf(story[at][1], settings),
      before = columnOf(story[Math.max(0, at - 1)][1], settings);
    const arrived = Math.min(1, (time - story[at][0]) / CHANGE);
    const rest = (1 - SURE) / (settings.labels.length - 1);
    const probs = settings.labels.map((_, column) => {
      const share = Number(column === now) * arrived + Number(column === before) * (1 - arrived);
      return rest + (SURE - rest) * share;
    });
    const shown = arrived < 0.5 ? before : now;
    const face = { box: BOXES[person], detection_score: 1, track: person + 1, probs };
    return { ...face, smoothed_probs: probs, smoothed_emotion_id: shown };
  });
}

/**
 * A model of one's own may have other labels.
 * @param {string} name
 * @param {import("../settings.js").Settings} settings
 */
function columnOf(name, { labels }) {
  const column = labels.indexOf(name);
  return column < 0 ? name.length % labels.length : column;
}

/**
 * The whole minute.
 * @param {import("../settings.js").Settings} settings
 * @returns {{time: number, faces: Tracked[]}[]}
 */
export const sampleMinute = (settings) =>
  Array.from({ length: SPAN / STEP + 1 }, (_, index) => ({
    time: index * STEP,
    faces: sampleAt(index * STEP, settings),
  }));

/**
 * The two people as the camera would show them.
 * @param {HTMLCanvasElement} canvas
 * @param {import("../settings.js").Settings} settings
 */
export function drawSample(canvas, settings) {
  const ratio = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [WIDTH * ratio, HEIGHT * ratio];
  const context = contextOf(canvas);
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--soft");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const placed = sampleAt(SPAN, settings).map((face) => {
    const [x1, y1, x2, y2] = face.box;
    const box = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
    const caption = chipOf(face, settings);
    drawPerson(context, box, style.getPropertyValue("--figure"));
    drawGlyph(context, caption.name, ink, x1, y1 + (box.height - box.width) / 2, box.width);
    return { box, caption };
  });
  drawFaces(context, placed, { width: WIDTH, height: HEIGHT });
}

/**
 * Head and shoulders.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./overlay.js").Rectangle} box
 * @param {string} colour
 */
function drawPerson(context, { x, y, width, height }, colour) {
  const middle = x + width / 2,
    chin = y + height;
  context.fillStyle = colour;
  context.beginPath();
  context.ellipse(middle, y + height / 2, width / 2.15, height / 2, 0, 0, 2 * Math.PI);
  context.fill();
  context.beginPath();
  context.ellipse(middle, chin + 0.62 * height, 0.95 * width, 0.52 * height, 0, Math.PI, 2 * Math.PI);
  context.fill();
  context.fillRect(middle - 0.95 * width, chin + 0.62 * height - 1, 1.9 * width, HEIGHT);
}
