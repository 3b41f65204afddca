/**
 * Boxes and steady labels over the video.
 * @typedef {import("../device.js").Face} Face
 */

import { drawGlyph, inkOn } from "../glyphs.js";

const TEXT = 14; // px

export class Overlay {
  /** @param {HTMLCanvasElement} canvas Lies over the video. @param {any} settings */
  constructor(canvas, settings) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.settings = settings;
    this.mirrored = true;
  }

  /** @param {Face[]} faces @param {number} width Of the frame, px. @param {number} height */
  show(faces, width, height) {
    const { canvas, context } = this;
    const ratio = devicePixelRatio || 1;
    const across = canvas.clientWidth, down = canvas.clientHeight;
    if (canvas.width !== Math.round(across * ratio) || canvas.height !== Math.round(down * ratio)) {
      canvas.width = Math.round(across * ratio);
      canvas.height = Math.round(down * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, across, down);
    if (!width) return;
    // The video keeps its shape inside the stage.
    const scale = Math.min(across / width, down / height);
    const left = (across - width * scale) / 2, top = (down - height * scale) / 2;
    for (const face of faces) {
      const [x1, y1, x2, y2] = this.mirrored ? [width - face.box[2], face.box[1], width - face.box[0], face.box[3]] : face.box;
      const box = { x: left + x1 * scale, y: top + y1 * scale, width: (x2 - x1) * scale, height: (y2 - y1) * scale };
      drawFace(context, box, captionOf(face, this.settings), { width: across });
    }
  }

  clear() {
    this.show([], 0, 0);
  }
}

/**
 * What stands at a face: the steady label where there is one.
 * @param {Face} face
 * @param {any} settings
 */
export function captionOf(face, { labels, colours }) {
  const values = face.smooth ?? face.probs;
  const column = face.steady ?? values.indexOf(Math.max(...values));
  const name = labels[column];
  const who = face.track === undefined ? "" : `${face.track} · `;
  return { name, colour: colours[name], text: `${who}${name} ${Math.round(100 * values[column])} %`, label: `${who}${name}` };
}

/**
 * A box with rounded corners and a chip above it, or inside where the picture ends.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, width: number, height: number}} box
 * @param {{name: string, colour: string, text: string}} caption
 * @param {{width: number, unit?: number}} within Width of the canvas; size of a line of text over `TEXT`.
 */
export function drawFace(context, box, caption, { width, unit = 1 }) {
  const radius = Math.min(12 * unit, box.width / 4);
  const line = (colour, thickness) => {
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.beginPath();
    context.roundRect(box.x, box.y, box.width, box.height, radius);
    context.stroke();
  };
  line("rgba(0, 0, 0, .45)", 5 * unit);
  line(caption.colour, 3 * unit);
  context.font = `600 ${TEXT * unit}px system-ui, sans-serif`;
  const tall = 26 * unit, glyph = 20 * unit;
  const wide = context.measureText(caption.text).width + glyph + 16 * unit;
  const x = Math.max(0, Math.min(box.x, width - wide));
  const y = box.y >= tall + 4 * unit ? box.y - tall - 4 * unit : box.y + 4 * unit;
  context.fillStyle = caption.colour;
  context.beginPath();
  context.roundRect(x, y, wide, tall, 8 * unit);
  context.fill();
  const ink = inkOn(caption.colour);
  drawGlyph(context, caption.name, ink, x + 5 * unit, y + 3 * unit, glyph);
  context.fillStyle = ink;
  context.textBaseline = "middle";
  context.fillText(caption.text, x + glyph + 9 * unit, y + tall / 2 + unit);
}
