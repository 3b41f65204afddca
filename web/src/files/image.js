/**
 * Images as pixels, and with boxes drawn into them.
 * @typedef {import("../device.js").Face} Face
 */

import { bitmapOf, drawn } from "../images.js";
import { undecodable } from "./kinds.js";
import { chipOf, drawFaces } from "../live/overlay.js";
import { drawPoints } from "../live/points.js";

/**
 * Decode an image, upright, transparent parts white, colours as they stand in the file.
 * @param {File} file
 * @param {import("./kinds.js").Kind} kind
 * @returns {Promise<HTMLCanvasElement>}
 */
export async function decoded(file, kind) {
  let bitmap;
  try {
    bitmap = await bitmapOf(file);
  } catch {
    throw new Error(undecodable(file.name, kind));
  }
  const canvas = drawn(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return canvas;
}

/**
 * Draw faces into an image; lines and letters grow with it.
 * @param {CanvasRenderingContext2D} context
 * @param {Face[]} faces
 * @param {import("../settings.js").Settings} settings
 */
export function annotate(context, faces, settings) {
  const { width, height } = context.canvas;
  const unit = Math.max(0.8, Math.min(width, height) / 480);
  const placed = faces.map((face) => {
    const [x1, y1, x2, y2] = face.box;
    return { box: { x: x1, y: y1, width: x2 - x1, height: y2 - y1 }, caption: chipOf(face, settings) };
  });
  drawPoints(context, faces, (x, y) => [x, y], unit);
  drawFaces(context, placed, { width, height }, unit);
  if (faces.length && Math.min(width, height) >= 120) sign(context, settings.notice, unit);
}

/**
 * What the labels are, and what not, in a corner of the image.
 * @param {CanvasRenderingContext2D} context
 * @param {string} notice
 * @param {number} unit
 */
function sign(context, notice, unit) {
  const { width, height } = context.canvas,
    pad = 6 * unit,
    step = 16 * unit;
  context.font = `${11 * unit}px system-ui, sans-serif`;
  const lines = [""];
  for (const word of notice.split(" ")) {
    const last = lines.length - 1,
      longer = `${lines[last]} ${word}`.trim();
    if (lines[last] && context.measureText(longer).width > width - 2 * pad) lines.push(word);
    else lines[last] = longer;
  }
  const wide = Math.max(...lines.map((line) => context.measureText(line).width)) + 2 * pad,
    top = height - lines.length * step - 2 * unit;
  context.fillStyle = "rgba(0, 0, 0, .65)";
  context.fillRect(0, top, wide, height - top);
  context.fillStyle = "#ffffff";
  context.textBaseline = "middle";
  lines.forEach((line, index) => context.fillText(line, pad, top + (index + 0.5) * step + 2 * unit));
}

/** @param {HTMLCanvasElement} canvas @param {string} [type] @returns {Promise<Blob>} */
export function fileOf(canvas, type = "image/png") {
  const error = new Error("This browser cannot write the image: it may be too large for it.");
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(error)), type),
  );
}
