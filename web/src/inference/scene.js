/**
 * Whether the image changes where no known face is, seen on a small gray copy of it. The same as
 * `mien.tracking.motion`.
 * @typedef {import("./pixels.js").Image} Image
 * @typedef {{rows: number, columns: number, data: Float64Array}} Cells
 */

export class Scene {
  /** @param {import("../settings.js").TrackingOptions} options `tracking` of the page's settings. */
  constructor(options) {
    this.options = options;
    /** @type {Cells | null} */
    this.last = null;
    /** @type {Cells | null} */
    this.then = null;
    this.width = this.height = 0;
  }

  /** Take in a frame; true where it shows another scene than the one before. @param {Image} image */
  watch(image) {
    const before = this.last;
    this.last = cellsOf(image, this.options.ACROSS);
    this.width = image.width;
    this.height = image.height;
    return before !== null && alike(before, this.last) && this.isCut(before, this.last);
  }

  /** The whole of the last frame was searched for faces. */
  searched() {
    this.then = this.last;
  }

  /**
   * Whether anything outside these boxes has changed since the last search.
   * @param {import("./pixels.js").Box[]} boxes
   */
  moved(boxes) {
    const now = this.last,
      then = this.then;
    if (!now || !then || !alike(now, then)) return true;
    const { rows, columns } = now;
    const change = changes(now, then);
    const down = rows / this.height,
      across = columns / this.width;
    const from = (/** @type {number} */ value) => Math.max(0, Math.trunc(value));
    for (const [x1, y1, x2, y2] of boxes) {
      const side = (x2 - x1) / 2,
        tall = (y2 - y1) / 2; // Hair, neck and shoulders move with a face.
      const left = from((x1 - side) * across),
        right = Math.min(columns, Math.max(0, Math.trunc((x2 + side) * across) + 1));
      const top = from((y1 - tall) * down),
        bottom = Math.min(rows, Math.max(0, Math.trunc((y2 + 2 * tall) * down) + 1));
      for (let row = top; row < bottom; row++)
        change.fill(0, row * columns + left, Math.max(row * columns + left, row * columns + right));
    }
    // A face covers several cells: two by two of them at least.
    const { MOVED } = this.options;
    for (let row = 0; row + 1 < rows; row++) {
      for (let column = 0; column + 1 < columns; column++) {
        const at = row * columns + column;
        if (Math.min(change[at], change[at + 1], change[at + columns], change[at + columns + 1]) > MOVED)
          return true;
      }
    }
    return false;
  }

  /** @param {Cells} before @param {Cells} now */
  isCut(before, now) {
    const apart = now.data.map((value, at) => Math.abs(value - before.data[at]));
    if (median(apart) < this.options.CUT_DIFFERENCE) return false;
    const mean = (/** @type {Float64Array} */ values) =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const a = mean(before.data),
      b = mean(now.data);
    let both = 0,
      first = 0,
      second = 0;
    for (let at = 0; at < now.data.length; at++) {
      const x = before.data[at] - a,
        y = now.data[at] - b;
      both += x * y;
      first += x * x;
      second += y * y;
    }
    return both < this.options.CUT * Math.sqrt(first * second);
  }
}

/** @param {Cells} a @param {Cells} b */
const alike = (a, b) => a.rows === b.rows && a.columns === b.columns;

/** @param {Float64Array} values */
function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** How far each cell lies beyond what its neighbourhood was. @param {Cells} now @param {Cells} then */
function changes(now, then) {
  const { rows, columns } = now;
  // Light that changes everywhere is no motion, and neither is an edge that shifts by half a cell where a
  // camera trembles.
  const light = median(now.data.map((value, at) => value - then.data[at]));
  const out = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const { low, high } = extremes(then, row, column);
      const at = row * columns + column;
      const here = now.data[at] - light,
        there = then.data[at];
      out[at] = Math.max((there + low) / 2 - here, here - (there + high) / 2);
    }
  }
  return out;
}

/**
 * The darkest and the brightest cell of a cell's neighbourhood, itself included.
 * @param {Cells} cells
 * @param {number} row
 * @param {number} column
 */
function extremes({ rows, columns, data }, row, column) {
  let low = Infinity,
    high = -Infinity;
  for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
      const value = data[y * columns + x];
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return { low, high };
}

/**
 * Means of cells, from 16 of the pixels in each; green alone is nearly the brightness.
 * @param {Image} image
 * @param {number} most
 * @returns {Cells}
 */
function cellsOf({ width, height, step, data }, most) {
  const stride = Math.max(1, Math.floor(width / (4 * most)));
  const tall = Math.ceil(height / stride),
    wide = Math.ceil(width / stride);
  const green = (/** @type {number} */ row, /** @type {number} */ column) =>
    data[(row * stride * width + column * stride) * step + 1];
  if (tall < 4 || wide < 4) {
    return {
      rows: tall,
      columns: wide,
      data: Float64Array.from({ length: tall * wide }, (_, at) => green(Math.floor(at / wide), at % wide)),
    };
  }
  const rows = tall >> 2,
    columns = wide >> 2;
  const out = new Float64Array(rows * columns);
  for (let row = 0; row < 4 * rows; row++) {
    for (let column = 0; column < 4 * columns; column++)
      out[(row >> 2) * columns + (column >> 2)] += green(row, column);
  }
  return { rows, columns, data: out.map((sum) => sum / 16) };
}
