/**
 * Parts of the document, and canvases to draw on: they are there, or the page says why it cannot go on.
 */

/**
 * The first part that a selector finds.
 * @template {Element} Kind
 * @param {ParentNode} root
 * @param {string} selector
 * @param {{new (): Kind}} kind
 * @returns {Kind}
 */
export function found(root, selector, kind) {
  const part = root.querySelector(selector);
  if (!(part instanceof kind)) throw new Error(`the page lacks its part ${selector}: load it again`);
  return part;
}

/**
 * What draws on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [options]
 */
export function contextOf(canvas, options) {
  const context = canvas.getContext("2d", options);
  if (!context) throw new Error("This browser cannot draw: close other pages, then load this one again.");
  return context;
}
