/** The points of faces over an image. */

const SIDE = 1.6; // px of a point.

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{mesh?: ArrayLike<number> | null}[]} faces x, y and z of each point, px of the image.
 * @param {(x: number, y: number) => [number, number]} place Where on the canvas that is.
 * @param {number} [unit] Size of a point over `SIDE`.
 */
export function drawPoints(context, faces, place, unit = 1) {
  for (const { mesh } of faces) {
    if (!mesh) continue;
    for (const [colour, side] of /** @type {[string, number][]} */ ([
      ["rgba(0, 0, 0, .4)", SIDE * unit + 1],
      ["rgba(255, 255, 255, .9)", SIDE * unit],
    ])) {
      context.beginPath();
      for (let at = 0; at < mesh.length; at += 3) {
        const [x, y] = place(mesh[at], mesh[at + 1]);
        context.rect(x - side / 2, y - side / 2, side, side);
      }
      context.fillStyle = colour;
      context.fill();
    }
  }
}
