/**
 * A small face for each expression, so that colour is never all that tells them apart; the same lines in the
 * document and on a canvas. Of classes that only a model of somebody's own has, the sign that its labels say,
 * or the first letter.
 */

const EYES = "M8.6 9.4v.9M15.400 9.400v.9";

/** Lines of each expression in a square of 24. @type {Record<string, string>} */
const LINES = {
  happy: `${EYES}M6.800 13.800q5.200 6 10.400 0`,
  sad: `${EYES}M7.500 17.600q4.500-5.200 9 0`,
  neutral: `${EYES}M8 15.800h8`,
  surprise:
    "M8.600 10v.9M15.400 10v.9M6.800 6.600q1.800-1.800 3.600 0M13.600 6.600q1.800-1.800 3.600 0" +
    "M12 13.700a2 2.500 0 1 0 .01 0z",
  angry: "M8.600 10v.9M15.400 10v.9M6.400 6.400l4 1.900M17.600 6.400l-4 1.900M8 17q4-3.200 8 0",
  fear:
    "M8.600 10v.9M15.400 10v.9M6.400 7.900l3.800-2M17.600 7.900l-3.800-2" +
    "M7.200 16.200q1.600-2.400 3.200 0t3.200 0t3.200 0",
  disgust:
    "M7 9.800h3.200M13.800 9.800h3.200M10.800 12.300l1.200.8l1.200-.8M7.600 17.200q2-3 4.400-1.400t4.400-.9",
  uncertain: "M8.900 9.200a3.100 3 0 1 1 4.600 2.600q-1.500.8-1.500 2.500M12 17.300v.2",
  contempt: `${EYES}M8 16h4.600q2.400 0 3.600-2.400`,
};

/** Signs in place of lines, by name. @type {Record<string, string>} */
let signs = {};

/** Draw these signs from now on. @param {Record<string, string>} icons `icons` of the page's settings. */
export function useIcons(icons) {
  signs = icons;
}

/** @param {string} name */
const linesOf = (name) => LINES[name] ?? LINES.uncertain;

/**
 * An image of an expression, hidden from screen readers as its name stands beside it.
 * @param {string} name
 * @param {string} colour
 */
export function glyph(name, colour) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "glyph");
  svg.setAttribute("aria-hidden", "true");
  const disc = document.createElementNS(svg.namespaceURI, "circle");
  for (const [key, value] of Object.entries({ cx: "12", cy: "12", r: "11", fill: colour }))
    disc.setAttribute(key, value);
  const path = document.createElementNS(svg.namespaceURI, "path");
  const look = {
    d: linesOf(name),
    fill: "none",
    stroke: inkOn(colour),
    "stroke-width": "1.7",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  };
  for (const [key, value] of Object.entries(look)) path.setAttribute(key, value);
  svg.append(disc, signs[name] ? written(signs[name], inkOn(colour)) : path);
  return svg;
}

/** A sign in the middle of a square of 24. @param {string} sign @param {string} ink */
function written(sign, ink) {
  const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
  const look = { x: "12", y: "12", fill: ink, "text-anchor": "middle", "dominant-baseline": "central" };
  const letters = { "font-size": String(sizeOf(sign)), "font-family": FONT };
  for (const [key, value] of Object.entries({ ...look, ...letters })) text.setAttribute(key, value);
  text.textContent = sign;
  return text;
}

const FONT = "system-ui, sans-serif";
const LARGEST = 13;
/** Width that a sign may have, so that its corners stay within the disc. */
const ROOM = 17;

/** @type {OffscreenCanvasRenderingContext2D | null} */
let measure = null;

/**
 * Size of the letters of a sign in a square of 24: one letter or eight, in any script.
 * @param {string} sign
 */
function sizeOf(sign) {
  measure ??= new OffscreenCanvas(1, 1).getContext("2d");
  if (!measure) return LARGEST / 2;
  measure.font = `${LARGEST}px ${FONT}`;
  return LARGEST * Math.min(1, ROOM / measure.measureText(sign).width);
}

/**
 * Draw the lines of an expression on a canvas.
 * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context
 * @param {string} name
 * @param {string} ink
 * @param {number} x Left edge.
 * @param {number} y Upper edge.
 * @param {number} side
 */
export function drawGlyph(context, name, ink, x, y, side) {
  context.save();
  context.translate(x, y);
  context.scale(side / 24, side / 24);
  if (signs[name]) {
    context.fillStyle = ink;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `${sizeOf(signs[name])}px ${FONT}`;
    context.fillText(signs[name], 12, 12.5);
    context.restore();
    return;
  }
  context.strokeStyle = ink;
  context.lineWidth = 2;
  context.lineCap = context.lineJoin = "round";
  context.stroke(new Path2D(linesOf(name)));
  context.restore();
}

/** Black or white, whichever is easier to read on a colour. @param {string} colour `#rrggbb` */
export function inkOn(colour) {
  const parts = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  const light = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  return 1.05 / (light + 0.05) >= 4.2 ? "#ffffff" : "#14171b";
}
