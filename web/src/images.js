/**
 * Whatever a browser can show, as pixels: upright, transparent parts white, colours as they stand in the
 * file.
 * @typedef {Blob | ImageData | ImageBitmap | HTMLImageElement | HTMLVideoElement | HTMLCanvasElement |
 *   OffscreenCanvas} Picture
 */

import { contextOf } from "./dom.js";

/** @param {Blob | HTMLImageElement} file */
export const bitmapOf = (file) =>
  createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });

/**
 * @param {CanvasImageSource} picture
 * @param {number} width px
 * @param {number} height px
 * @param {HTMLCanvasElement} [canvas] Where to draw it.
 */
export function drawn(picture, width, height, canvas = document.createElement("canvas")) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = contextOf(canvas, { willReadFrequently: true });
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas */
export const pixelsOf = (canvas) => contextOf(canvas).getImageData(0, 0, canvas.width, canvas.height);

/**
 * Pixels of their own, which may be given away.
 * @param {Picture} picture
 * @param {HTMLCanvasElement} [canvas] To draw it on.
 */
export async function pixelsIn(picture, canvas) {
  if (picture instanceof ImageData)
    return new ImageData(new Uint8ClampedArray(picture.data), picture.width, picture.height);
  const [shown, width, height] = await showable(picture);
  if (!(width && height))
    throw new Error(`expected a picture with pixels; got ${width} x ${height} px: wait until it is loaded`);
  try {
    return pixelsOf(drawn(shown, width, height, canvas));
  } catch (error) {
    if (error.name !== "SecurityError") throw error;
    throw new Error(
      "the picture comes from another site, which does not let its pixels be read: serve it from this " +
        'site, or with CORS and crossorigin="anonymous"',
    );
  }
}

/** @param {unknown} picture @returns {Promise<[CanvasImageSource, number, number]>} With its size in px. */
async function showable(picture) {
  if (picture instanceof HTMLVideoElement) return [picture, picture.videoWidth, picture.videoHeight];
  if (
    picture instanceof HTMLCanvasElement ||
    picture instanceof ImageBitmap ||
    (typeof OffscreenCanvas === "function" && picture instanceof OffscreenCanvas)
  )
    return [picture, picture.width, picture.height];
  if (!(picture instanceof Blob || picture instanceof HTMLImageElement))
    throw new TypeError(
      `expected an image, video, canvas, ImageData, ImageBitmap or Blob; got ${kindOf(picture)}`,
    );
  try {
    if (picture instanceof HTMLImageElement) await picture.decode();
    const bitmap = await bitmapOf(picture);
    return [bitmap, bitmap.width, bitmap.height];
  } catch {
    throw new Error("this browser cannot read the picture: expected an image that is whole, such as a JPEG");
  }
}

/** @param {unknown} value */
const kindOf = (value) =>
  value === null || typeof value !== "object" ? String(value) : value.constructor.name;
