/**
 * Boxes and smoothed emotions over the video.
 * @typedef {import("../device.js").Face} Face
 */

import { contextOf } from "../dom.js";
import { drawGlyph, inkOn } from "../glyphs.js";
import { captionOf, inWords } from "../label.js";
import { drawPoints } from "./points.js";

const TEXT = 14; // px

export class Overlay {
  /**
   * @param {HTMLCanvasElement} canvas Lies over the video.
   * @param {import("../settings.js").Settings} settings
   */
  constructor(canvas, settings) {
    this.canvas = canvas;
    this.context = contextOf(canvas);
    this.settings = settings;
    this.mirrored = true;
  }

  /** @param {Face[]} faces @param {number} width Of the frame, px. @param {number} height */
  show(faces, width, height) {
    const { canvas, context } = this;
    const ratio = devicePixelRatio || 1;
    const across = canvas.clientWidth,
      down = canvas.clientHeight;
    if (canvas.width !== Math.round(across * ratio) || canvas.height !== Math.round(down * ratio)) {
      canvas.width = Math.round(across * ratio);
      canvas.height = Math.round(down * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, across, down);
    if (!width) return;
    // The video keeps its shape inside the stage.
    const scale = Math.min(across / width, down / height);
    const left = (across - width * scale) / 2,
      top = (down - height * scale) / 2;
    const placed = faces.map((face) => {
      const [x1, y1, x2, y2] = this.mirrored
        ? [width - face.box[2], face.box[1], width - face.box[0], face.box[3]]
        : face.box;
      const box = {
        x: left + x1 * scale,
        y: top + y1 * scale,
        width: (x2 - x1) * scale,
        height: (y2 - y1) * scale,
      };
      return { box, caption: chipOf(face, this.settings) };
    });
    drawPoints(context, faces, (x, y) => [left + (this.mirrored ? width - x : x) * scale, top + y * scale]);
    drawFaces(context, placed, { width: across, height: down });
  }

  clear() {
    this.show([], 0, 0);
  }
}

/** What stands at a face. @param {Face} face @param {import("../settings.js").Settings} settings */
export function chipOf(face, settings) {
  const { name, percent, colour } = captionOf(face, settings);
  return {
    name,
    colour,
    text: [face.track === undefined ? "" : `${face.track} ·`, inWords(name, settings), percent]
      .filter(Boolean)
      .join(" "),
  };
}

/**
 * Boxes with rounded corners, then a chip at each: above it, or where there is room.
 * @param {CanvasRenderingContext2D} context
 * @param {{box: Rectangle, caption: {name: string, colour: string, text: string}}[]} faces
 * @param {{width: number, height: number}} within
 * @param {number} [unit] Size of a line of text over `TEXT`.
 */
export function drawFaces(context, faces, within, unit = 1) {
  for (const { box, caption } of faces) drawBox(context, box, caption.colour, unit);
  context.font = `600 ${TEXT * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  /** @type {Rectangle[]} */
  const taken = [];
  for (const { box, caption } of faces) {
    const chip = chipFor(box, context.measureText(caption.text).width + 36 * unit, within, taken, unit);
    taken.push(chip);
    drawChip(context, chip, caption, unit);
  }
}

/** @typedef {{x: number, y: number, width: number, height: number}} Rectangle */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Rectangle} box
 * @param {string} colour
 * @param {number} unit
 */
function drawBox(context, box, colour, unit) {
  const radius = Math.min(12 * unit, box.width / 4);
  for (const [ink, thickness] of /** @type {[string, number][]} */ ([
    ["rgba(0, 0, 0, .45)", 5],
    [colour, 3],
  ])) {
    context.strokeStyle = ink;
    context.lineWidth = thickness * unit;
    context.beginPath();
    context.roundRect(box.x, box.y, box.width, box.height, radius);
    context.stroke();
  }
}

/**
 * Above the box, below it, inside it at the top or at the bottom: the first place that no other chip covers.
 * @param {Rectangle} box
 * @param {number} width
 * @param {{width: number, height: number}} within
 * @param {Rectangle[]} taken
 * @param {number} unit
 * @returns {Rectangle}
 */
function chipFor(box, width, within, taken, unit) {
  const height = 26 * unit,
    space = 4 * unit;
  const x = Math.max(0, Math.min(box.x, within.width - width));
  const rows = [
    box.y - height - space,
    box.y + box.height + space,
    box.y + space,
    box.y + box.height - height - space,
  ];
  const places = rows
    .filter((y) => y >= 0 && y + height <= within.height)
    .map((y) => ({ x, y, width, height }));
  const meets = (/** @type {Rectangle} */ a, /** @type {Rectangle} */ b) =>
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  return (
    places.find((place) => !taken.some((other) => meets(place, other))) ??
    places[0] ?? { x, y: box.y, width, height }
  );
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Rectangle} chip
 * @param {{name: string, colour: string, text: string}} caption
 * @param {number} unit
 */
function drawChip(context, chip, caption, unit) {
  context.fillStyle = caption.colour;
  context.beginPath();
  context.roundRect(chip.x, chip.y, chip.width, chip.height, 8 * unit);
  context.fill();
  const ink = inkOn(caption.colour);
  drawGlyph(context, caption.name, ink, chip.x + 5 * unit, chip.y + 3 * unit, 20 * unit);
  context.fillStyle = ink;
  context.fillText(caption.text, chip.x + 29 * unit, chip.y + chip.height / 2 + unit);
}
