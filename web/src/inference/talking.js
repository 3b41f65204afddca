/**
 * Talking: stretches in which a mouth opens and closes as often as in speech. The same as
 * `mien.tracking.talking`, over all frames of a clip.
 * @typedef {import("../settings.js").LandmarkOptions} Options
 * @typedef {{track: number, box: number[], measures?: import("./measures.js").Measures | null,
 *   talking?: boolean | null}} Face
 * @typedef {{time: number, faces: Face[]}} FrameResult
 * @typedef {[number, number]} Pair An opening and its time, or the first and last moment of talk; seconds.
 */

/** One person's mouth for as long as it was seen without a break. */
class Mouth {
  /** @param {Options} options @param {number} time @param {number} opening */
  constructor(options, time, opening) {
    this.options = options;
    this.start = time;
    /** @type {Pair} */
    this.high = [opening, time];
    /** @type {Pair} */
    this.low = [opening, time];
    /** @type {boolean | null} */
    this.opens = null;
    /** @type {number[]} */
    this.times = [];
    /** @type {number[]} */
    this.turns = [];
    /** @type {Pair[]} */
    this.stretches = [];
  }

  get last() {
    return this.times[this.times.length - 1];
  }

  /** @param {number} time @param {number} opening */
  add(time, opening) {
    const { WINDOW, HELD, SWING, DEPTH } = this.options;
    if (!(time <= this.last)) this.times.push(time); // Frames of one time count once.
    while (time - this.times[0] > WINDOW + HELD) this.times.shift();
    if (opening > this.high[0]) this.high = [opening, time];
    if (opening < this.low[0]) this.low = [opening, time];
    if (this.opens !== false && this.high[0] - opening >= Math.max(SWING, DEPTH * this.high[0])) {
      this.turn(this.high[1], false);
      this.low = [opening, time];
    } else if (this.opens !== true && opening - this.low[0] >= Math.max(SWING, DEPTH * opening)) {
      this.turn(this.low[1], true);
      this.high = [opening, time];
    }
  }

  /** @param {number} time @param {boolean} opens */
  turn(time, opens) {
    const { WINDOW, TURNS } = this.options,
      first = this.opens === null;
    this.opens = opens;
    if (first) return; // Where a mouth was when it came into view is no turn.
    this.turns.push(time);
    if (this.turns.length > TURNS) this.turns.shift();
    if (this.turns.length < TURNS || time - this.turns[0] > WINDOW) return;
    const before = this.stretches[this.stretches.length - 1];
    if (before && this.turns[0] <= before[1]) before[1] = time;
    else this.stretches.push([this.turns[0], time]);
  }

  /** Whether it talks at a time of which what came before and after is known. @param {number} time */
  around(time) {
    const { WINDOW, LEAST_RATE } = this.options;
    if (this.last - this.start < WINDOW - 1e-6) return null;
    const seen = this.times.filter((other) => Math.abs(other - time) <= WINDOW / 2 + 1e-6);
    const enough = seen.length > 1 && (seen.length - 1) / (seen[seen.length - 1] - seen[0]);
    if (!enough || enough <= LEAST_RATE * 0.95) return null;
    return this.stretches.some(([start, end]) => start <= time && time <= end);
  }
}

/**
 * The results with `talking` in faces that were measured: true, false, or null where it cannot be told.
 * @template {FrameResult} Given
 * @param {Given[]} results In order of time.
 * @param {Options} options `landmarks` of the page's settings.
 */
export function markTalking(results, options) {
  /** @type {Map<number, Mouth>} */
  const mouths = new Map();
  /** @type {{time: number, marked: [Face, Mouth][]}[]} */
  const held = [];
  const release = () => {
    const { time, marked } = /** @type {typeof held[0]} */ (held.shift());
    for (const [face, mouth] of marked) face.talking = mouth.around(time);
  };
  for (const { time, faces } of results) {
    for (const [track, { last }] of mouths) if (time - last > options.BREAK) mouths.delete(track);
    /** @type {[Face, Mouth][]} */
    const marked = [];
    for (const face of faces) {
      if (face.measures) face.talking = null;
      const opening = large(face, options) ? (face.measures?.mouth_opening ?? null) : null;
      if (opening === null) continue;
      const mouth = mouths.get(face.track) ?? new Mouth(options, time, opening);
      mouths.set(face.track, mouth);
      mouth.add(time, opening);
      marked.push([face, mouth]);
    }
    held.push({ time, marked });
    while (time - held[0].time > options.HELD) release();
  }
  while (held.length) release();
  return results;
}

/** Whether a mouth is large enough to be told from noise. @param {Face} face @param {Options} options */
function large({ box: [x1, y1, x2, y2] }, { LEAST_FACE }) {
  return Math.sqrt((x2 - x1) * (y2 - y1)) >= LEAST_FACE;
}
