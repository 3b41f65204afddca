/**
 * Images in memory, and bringing them to another size exactly as Pillow does, so that page and server see the
 * same pixels.
 *
 * Pillow's BILINEAR is a triangle whose width grows with the scale, applied across and then down, with
 * weights as fixed-point numbers and rounding to bytes in between. Where the height shrinks by more than
 * twice as many pixels as the width, Pillow 13 begins with it.
 *
 * @typedef {object} Image
 * @property {number} width px
 * @property {number} height px
 * @property {number} step Bytes per pixel: 1 (gray), 3 (RGB) or 4 (RGBA, whose last byte is ignored).
 * @property {Uint8Array | Uint8ClampedArray} data Row by row.
 *
 * @typedef {object} Window Part of an image that takes part in a resize, in whole px.
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 *
 * @typedef {{starts: Int32Array, lengths: Int32Array, weights: Int32Array, most: number}} Taps Which input
 *   pixels make each output pixel, and their weights, of which each has room for `most`.
 *
 * @typedef {[number, number, number, number]} Box x1, y1, x2, y2 in px.
 */

const BITS = 22; // Of the fraction of a weight.
const HALF = 1 << (BITS - 1);
const f = Math.fround;

/**
 * Weights of the input pixels for each output pixel along one axis.
 * @param {number} size Pixels of the input.
 * @param {number} from Where the part that is scaled begins.
 * @param {number} to Where it ends.
 * @param {number} count Pixels of the output.
 * @returns {Taps}
 */
function taps(size, from, to, count) {
  from = f(from);
  const scale = f(f(to) - from) / count;
  const support = Math.max(scale, 1);
  const most = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(count);
  const lengths = new Int32Array(count);
  const weights = new Int32Array(count * most);
  const raw = new Float64Array(most);
  for (let at = 0; at < count; at++) {
    const centre = from + (at + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const length = Math.min(size, Math.trunc(centre + support + 0.5)) - start;
    const shrink = 1 / support;
    let sum = 0;
    for (let tap = 0; tap < length; tap++) {
      const away = Math.abs((tap + start - centre + 0.5) * shrink);
      raw[tap] = away < 1 ? 1 - away : 0;
      sum += raw[tap];
    }
    for (let tap = 0; tap < length; tap++) {
      const weight = sum === 0 ? raw[tap] : raw[tap] / sum;
      weights[at * most + tap] = Math.trunc(0.5 + weight * (1 << BITS));
    }
    starts[at] = start;
    lengths[at] = length;
  }
  return { starts, lengths, weights, most };
}

/**
 * A part of an image at another size, as RGB, or gray where it is gray.
 * @param {Image} image
 * @param {number} width px of the result.
 * @param {number} height px of the result.
 * @param {Box} [box] What is scaled, in px of the window; all of it by default.
 * @param {Window} [window] Pixels beyond it do not take part; the whole image by default.
 * @returns {Image}
 */
export function resized(image, width, height, box, window) {
  const part = window ?? { left: 0, top: 0, width: image.width, height: image.height };
  const [x1, y1, x2, y2] = box ?? [0, 0, part.width, part.height];
  const across = taps(part.width, x1, x2, width);
  const down = taps(part.height, y1, y2, height);
  const first = down.starts[0];
  const last = down.starts[height - 1] + down.lengths[height - 1];
  const step = image.step === 1 ? 1 : 3;
  if (part.height > height && part.height - height > 2 * (part.width - width))
    return downFirst(image, part, across, down, width, height);
  const rows = (step === 1 ? grayAcross : coloursAcross)(image, part, across, width, first, last);
  return { width, height, step, data: shrunkDown(rows, down, width * step, height, first) };
}

/**
 * Rows at another width.
 * @param {Image} image
 * @param {Window} part
 * @param {Taps} across
 * @param {number} width
 * @param {number} first
 * @param {number} last
 */
function coloursAcross(image, part, across, width, first, last) {
  const { data, step } = image;
  const { starts, lengths, weights, most } = across;
  const out = new Uint8ClampedArray((last - first) * width * 3);
  let to = 0;
  for (let row = first; row < last; row++) {
    const begin = ((part.top + row) * image.width + part.left) * step;
    for (let at = 0; at < width; at++) {
      let r = HALF,
        g = HALF,
        b = HALF;
      let from = begin + starts[at] * step;
      const end = at * most + lengths[at];
      for (let tap = at * most; tap < end; tap++, from += step) {
        const weight = weights[tap];
        r += data[from] * weight;
        g += data[from + 1] * weight;
        b += data[from + 2] * weight;
      }
      out[to++] = r >> BITS;
      out[to++] = g >> BITS;
      out[to++] = b >> BITS;
    }
  }
  return out;
}

/**
 * The same of a gray image.
 * @param {Image} image
 * @param {Window} part
 * @param {Taps} across
 * @param {number} width
 * @param {number} first
 * @param {number} last
 */
function grayAcross(image, part, across, width, first, last) {
  const { data } = image;
  const { starts, lengths, weights, most } = across;
  const out = new Uint8ClampedArray((last - first) * width);
  let to = 0;
  for (let row = first; row < last; row++) {
    const begin = (part.top + row) * image.width + part.left;
    for (let at = 0; at < width; at++) {
      let sum = HALF;
      let from = begin + starts[at];
      const end = at * most + lengths[at];
      for (let tap = at * most; tap < end; tap++) sum += data[from++] * weights[tap];
      out[to++] = sum >> BITS;
    }
  }
  return out;
}

/**
 * Rows at another height.
 * @param {Uint8Array | Uint8ClampedArray} rows
 * @param {Taps} down
 * @param {number} line Bytes in a row.
 * @param {number} height
 * @param {number} first Number of the first row that is there.
 */
function shrunkDown(rows, down, line, height, first) {
  const { starts, lengths, weights, most } = down;
  const out = new Uint8ClampedArray(height * line);
  const sums = new Int32Array(line);
  for (let at = 0; at < height; at++) {
    sums.fill(HALF);
    let from = (starts[at] - first) * line;
    for (let tap = 0; tap < lengths[at]; tap++) {
      const weight = weights[at * most + tap];
      for (let byte = 0; byte < line; byte++) sums[byte] += rows[from++] * weight;
    }
    const to = at * line;
    for (let byte = 0; byte < line; byte++) out[to + byte] = sums[byte] >> BITS;
  }
  return out;
}

/**
 * The same as `resized`, but down first.
 * @param {Image} image
 * @param {Window} part
 * @param {Taps} across
 * @param {Taps} down
 * @param {number} width
 * @param {number} height
 * @returns {Image}
 */
function downFirst(image, part, across, down, width, height) {
  const columns = counted(part.left, part.left + part.width, 1);
  const top = part.top + down.starts[0],
    bottom = part.top + down.starts[height - 1] + down.lengths[height - 1];
  const rows = copied(image, columns, counted(top, bottom, 1));
  const { step } = rows;
  const low = {
    width: part.width,
    height,
    step,
    data: shrunkDown(rows.data, down, part.width * step, height, down.starts[0]),
  };
  const whole = { left: 0, top: 0, width: part.width, height };
  return {
    width,
    height,
    step,
    data: (step === 1 ? grayAcross : coloursAcross)(low, whole, across, width, 0, height),
  };
}

/**
 * An image at half its size, each pixel the rounded mean of four; at an odd edge, of those that are there.
 * @param {Image} image
 * @returns {Image}
 */
export function halved(image) {
  const { data, step } = image;
  const width = (image.width + 1) >> 1,
    height = (image.height + 1) >> 1;
  const line = image.width * step;
  const out = new Uint8ClampedArray(width * height * 3);
  let to = 0;
  for (let row = 0; row < height; row++) {
    const top = 2 * row * line;
    const tall = 2 * row + 1 < image.height;
    for (let column = 0; column < width; column++) {
      const wide = 2 * column + 1 < image.width;
      const here = top + 2 * column * step;
      const shift = (tall ? 1 : 0) + (wide ? 1 : 0);
      const amend = shift ? shift : 0; // Half of 4, 2 and 1 pixels, rounded down: 2, 1, 0.
      for (let channel = 0; channel < 3; channel++) {
        let sum = data[here + channel] + amend;
        if (wide) sum += data[here + step + channel];
        if (tall) sum += data[here + line + channel];
        if (wide && tall) sum += data[here + line + step + channel];
        out[to++] = sum >> shift;
      }
    }
  }
  return { width, height, step: 3, data: out };
}

/**
 * A part of an image brought to a square of one size, as networks see it; beyond the edge the last pixels.
 * @param {Image} image
 * @param {Box} box Fractions allowed.
 * @param {number} size Side of the result in px.
 * @param {boolean} [gray] Turn it gray first.
 * @param {boolean} [whole] Whether pixels beyond the box take part, as the order of Pillow's passes asks.
 * @returns {Image}
 */
export function cut(image, box, size, gray = false, whole = false) {
  box = onGrid(box);
  const [x1, y1, x2, y2] = box;
  const inside = x1 >= 0 && y1 >= 0 && x2 <= image.width && y2 <= image.height;
  if (inside && whole) return resized(image, size, size, box);
  return inside ? cutInside(image, box, size, gray) : cutPadded(image, box, size, gray);
}

/**
 * The box with its edges at sixteenths of a pixel, so that the last digits of a network's answer change no
 * pixel.
 * @param {Box} box
 * @returns {Box}
 */
function onGrid(box) {
  const [x1, y1, x2, y2] = box.map((edge) => Math.floor(edge * 16 + 0.5) / 16);
  return [x1, y1, Math.max(x2, x1 + 1 / 16), Math.max(y2, y1 + 1 / 16)];
}

/** @param {Image} image @param {Box} box @param {number} size @param {boolean} gray */
function cutInside(image, [x1, y1, x2, y2], size, gray) {
  const margin = Math.trunc(Math.max(x2 - x1, y2 - y1) / size) + 2;
  const left = Math.max(0, Math.trunc(x1) - margin),
    top = Math.max(0, Math.trunc(y1) - margin);
  const right = Math.min(image.width, Math.trunc(x2) + 1 + margin),
    bottom = Math.min(image.height, Math.trunc(y2) + 1 + margin);
  const window = { left, top, width: right - left, height: bottom - top };
  const moved = /** @type {Box} */ ([x1 - left, y1 - top, x2 - left, y2 - top]);
  if (!gray) return resized(image, size, size, moved, window);
  const columns = counted(left, right, 1),
    rows = counted(top, bottom, 1);
  return resized(copied(image, columns, rows, true), size, size, moved);
}

/** @param {Image} image @param {Box} box @param {number} size @param {boolean} gray */
function cutPadded(image, box, size, gray) {
  const most = 8 * size;
  const left = Math.floor(box[0]),
    top = Math.floor(box[1]);
  const right = Math.max(Math.ceil(box[2]), left + 1),
    bottom = Math.max(Math.ceil(box[3]), top + 1);
  const stride = Math.max(1, Math.floor(Math.max(right - left, bottom - top) / most));
  const within = (/** @type {number[]} */ places, /** @type {number} */ end) =>
    places.map((place) => Math.min(Math.max(place, 0), end - 1));
  const part = copied(
    image,
    within(counted(left, right, stride), image.width),
    within(counted(top, bottom, stride), image.height),
    gray,
  );
  const [x1, y1, x2, y2] = [
    (box[0] - left) / stride,
    (box[1] - top) / stride,
    (box[2] - left) / stride,
    (box[3] - top) / stride,
  ];
  return resized(part, size, size, [x1, y1, Math.min(x2, part.width), Math.min(y2, part.height)]);
}

/**
 * Every so manieth number, from the middle of the first stride on.
 * @param {number} from
 * @param {number} to
 * @param {number} stride
 */
function counted(from, to, stride) {
  const out = [];
  for (let at = from + (stride >> 1); at < to + (stride >> 1); at += stride) out.push(at);
  return out;
}

/**
 * Some columns and rows of an image; gray is the luma of ITU-R BT.601, as Pillow rounds it.
 * @param {Image} image
 * @param {number[]} columns
 * @param {number[]} rows
 * @param {boolean} [gray]
 * @returns {Image}
 */
function copied(image, columns, rows, gray = false) {
  const { data, step } = image;
  const channels = gray || step === 1 ? 1 : 3;
  const out = new Uint8ClampedArray(columns.length * rows.length * channels);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * image.width + column) * step;
      if (step === 1) out[to++] = data[from];
      else if (gray)
        out[to++] = (data[from] * 19595 + data[from + 1] * 38470 + data[from + 2] * 7471 + 32768) >> 16;
      else {
        out[to++] = data[from];
        out[to++] = data[from + 1];
        out[to++] = data[from + 2];
      }
    }
  }
  return { width: columns.length, height: rows.length, step: channels, data: out };
}
