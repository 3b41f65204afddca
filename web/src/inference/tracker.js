/**
 * Faces followed from frame to frame, with the whole detector only where it is needed. The same as
 * `mien.tracking.tracker`.
 * @typedef {import("./pixels.js").Image} Image
 * @typedef {import("./pixels.js").Box} Box
 * @typedef {import("./detector.js").Found} Found
 * @typedef {{person: Person, face: Found}} Pair
 */

import { assigned } from "./assignment.js";
import { area, overlap } from "./boxes.js";
import { Person } from "./person.js";
import { Scene } from "./scene.js";
import { Spacing } from "./spacing.js";

export class Tracker {
  /**
   * @param {{detect: (image: Image) => Promise<Found[]>, refine: (image: Image, boxes: Box[]) =>
   *   Promise<Found[]>}} detector
   * @param {import("../settings.js").TrackingOptions} options `tracking` of the page's settings.
   */
  constructor(detector, options) {
    this.detector = detector;
    this.options = options;
    /** @type {Person[]} */
    this.people = [];
    this.scene = new Scene(this.options);
    this.next = 1;
    this.spacing = new Spacing(this.options, this.options.lost_after); // On the stream's clock.
    this.lasted = 0; // Seconds after the last frame in which it was still to be seen.
    this.clock = 0; // The tracker's own, which never goes back.
    this.before = 0;
    this.width = this.height = 0;
    this.looked = -Infinity;
    this.alert = -Infinity;
  }

  /**
   * The faces of the next frame with `track`, in order of tracks.
   * @param {Image} image
   * @param {number} time Seconds on the stream's clock.
   * @param {number | null} lasting Seconds for which a video shows it; null where that is not known.
   * @returns {Promise<(Found & {track: number})[]>}
   */
  async update(image, time, lasting = null) {
    const step = this.advance(time, lasting);
    this.fit(image);
    const cut = this.scene.watch(image) && this.options.cuts && step <= this.options.COARSE;
    if (cut) this.people = [];
    for (const person of this.people) person.predict(step);
    const seen = await this.seen(image, cut);
    for (const { person, face } of seen) person.see(face.box, face.detection_score, step, this.clock);
    for (const person of this.people) if (person.seen < this.clock) person.miss(image.width, image.height);
    const { patience } = this.spacing;
    this.people = this.people.filter((person) => this.clock - person.seen <= patience);
    this.before = this.clock;
    return seen
      .sort((a, b) => a.person.id - b.person.id)
      .map(({ person, face }) => ({ ...face, track: person.id }));
  }

  /** Move the clock on; returns by how much. @param {number} time @param {number | null} lasting */
  advance(time, lasting) {
    const { patience } = this.spacing;
    let step = this.spacing.take(time);
    if (step - this.lasted > patience || step < -this.options.lost_after) {
      this.people = [];
      this.looked = -Infinity;
      step = 0;
    }
    this.lasted = lasting ?? 0;
    step = Math.max(0, step);
    this.clock += step;
    return step;
  }

  /**
   * Carry what is known over to an image of another size; of another shape, it means nothing.
   * @param {Image} image
   */
  fit({ width, height }) {
    const across = width / this.width,
      down = height / this.height;
    const first = !this.height,
      same = width === this.width && height === this.height;
    this.width = width;
    this.height = height;
    if (first || same) return;
    if (Math.abs(Math.log(down / across)) > 0.05) this.people = [];
    for (const person of this.people) person.scale(across, down);
    this.looked = -Infinity;
  }

  /** Who is seen in the image. @param {Image} image @param {boolean} cut @returns {Promise<Pair[]>} */
  async seen(image, cut) {
    if (cut || this.due()) return this.look(image);
    const seen = await this.confirmed(image, this.people, []);
    const known = new Set(seen.map(({ person }) => person));
    // Somebody is gone: where to?
    if (this.people.some((person) => !person.hidden && !known.has(person))) return this.look(image);
    const unsure = (/** @type {Pair} */ { person, face }) =>
      face.detection_score < this.options.UNSURE && this.clock - person.found > this.options.full_every;
    return seen.some(unsure) ? this.look(image) : seen;
  }

  /** Whether it is time to search the whole image. */
  due() {
    const { SOON, full_every, calm_every } = this.options;
    const passed = this.clock - this.looked + 1e-6;
    if (this.clock < this.alert) return passed >= Math.min(SOON, full_every);
    if (passed < full_every) return false;
    // Where somebody was who is not seen now, a change may be their return.
    const seen = this.people.filter((person) => !person.hidden);
    return passed >= calm_every || this.scene.moved(seen.map((person) => person.box));
  }

  /** Search the whole image. @param {Image} image @returns {Promise<Pair[]>} */
  async look(image) {
    const faces = await this.detector.detect(image);
    this.looked = this.clock;
    this.scene.searched();
    const found = this.paired(faces).map(([row, column]) => ({
      person: this.people[row],
      face: faces[column],
    }));
    const missed = this.people.filter((person) => !found.some((pair) => pair.person === person));
    const kept = await this.confirmed(
      image,
      missed,
      faces.map((face) => face.box),
    );
    if (missed.some((person) => !person.hidden && !kept.some((pair) => pair.person === person)))
      this.alert = this.clock + this.options.ALERT;
    for (const face of faces) {
      const known = found.some((pair) => pair.face === face);
      if (!known && face.detection_score >= this.options.start)
        found.push({ person: this.newcomer(face.box), face });
    }
    for (const { person } of found) person.found = this.clock;
    return [...found, ...kept];
  }

  /** @param {Box} box */
  newcomer(box) {
    const person = new Person(this.options, this.next++, box, this.clock);
    this.people.push(person);
    return person;
  }

  /** Which person is which face. @param {Found[]} faces */
  paired(faces) {
    const { COARSE, STILL_REACH, REACH, GROWN } = this.options;
    // Before a camera, which has no cuts, one who is alone is still the same after a step of moving far.
    const alone = this.people.length === 1 && faces.length === 1 && !this.options.cuts;
    const still = this.clock - this.before > COARSE && !alone;
    const cost = this.people.map((person) =>
      faces.map(({ box }) => {
        const size = Math.max(1, Math.sqrt(area(box)));
        const x = (box[0] + box[2]) / 2,
          y = (box[1] + box[3]) / 2;
        const away = Math.hypot(x - person.x, y - person.y) / Math.sqrt(size * person.size);
        const grown = Math.abs(Math.log(size / person.size));
        const reach = still ? STILL_REACH : Math.min(REACH, 0.35 + 3 * person.spread);
        return away <= reach && grown <= 2 * GROWN
          ? (away / (0.1 + person.spread)) ** 2 + (grown / 0.15) ** 2
          : Infinity;
      }),
    );
    if (!faces.length) return [];
    const pairs = assigned(cost, 1e3);
    return [...pairs, ...this.turned(faces, pairs)];
  }

  /**
   * Who turned back at once: of those left over, whose face is near where it was a moment ago.
   * @param {Found[]} faces
   * @param {[number, number][]} pairs
   */
  turned(faces, pairs) {
    const { GROWN, TURNED, MOMENT } = this.options;
    const near = this.people.map((person, row) =>
      faces.map(({ box }, column) => {
        if (this.clock - person.seen > MOMENT || pairs.some((pair) => pair[0] === row || pair[1] === column))
          return Infinity;
        const size = Math.max(1, Math.sqrt(area(box)));
        const away =
          Math.hypot((box[0] + box[2]) / 2 - person.sx, (box[1] + box[3]) / 2 - person.sy) /
          Math.sqrt(size * person.size);
        return away <= TURNED && Math.abs(Math.log(size / person.size)) <= 2 * GROWN ? away : Infinity;
      }),
    );
    return assigned(near, 1e3);
  }

  /**
   * Those whose face the last network still sees where it is thought to be.
   * @param {Image} image
   * @param {Person[]} people Who is looked for.
   * @param {Box[]} taken Boxes that belong to others.
   * @returns {Promise<Pair[]>}
   */
  async confirmed(image, people, taken) {
    if (!people.length) return [];
    const { AGAIN, SAME, keep, lost_after, calm_every } = this.options;
    const faces = await this.detector.refine(
      image,
      people.map((person) => person.box),
    );
    const pairs = people.map((person, row) => ({
      person,
      face: faces[row],
      strayed: this.strayed(person, faces[row].box),
    }));
    // A face that two claim belongs to the one who was seen there, or nearer, a moment ago.
    const order = [...pairs].sort(
      (a, b) => Number(a.person.hidden) - Number(b.person.hidden) || a.strayed - b.strayed,
    );
    const chosen = new Set();
    const boxes = [...taken];
    for (const pair of order) {
      const { person, face, strayed } = pair;
      const least = person.hidden ? Math.max(AGAIN, keep) : keep;
      const lasting = this.clock - person.found <= Math.max(lost_after, calm_every);
      if (face.detection_score < least || strayed > 1 || !lasting) continue;
      if (boxes.some((box) => overlap(face.box, box) > SAME)) continue;
      chosen.add(pair);
      boxes.push(face.box);
    }
    return pairs.filter((pair) => chosen.has(pair)).map(({ person, face }) => ({ person, face }));
  }

  /**
   * How far a confirmed box is from what was expected; above 1 it is somebody else's.
   * @param {Person} person
   * @param {Box} box
   */
  strayed(person, [x1, y1, x2, y2]) {
    const away = Math.hypot((x1 + x2) / 2 - person.x, (y1 + y2) / 2 - person.y) / person.size;
    const space = (x2 - x1) * (y2 - y1);
    const grown = space > 0 ? Math.abs(Math.log(space / person.size ** 2)) / 2 : Infinity;
    return Math.max(away / this.options.ASTRAY, grown / this.options.GROWN);
  }
}
