/** What the live page makes of results: labels with their numbers, the last minute, the booth's countdown. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { runsOf, sampleOf } from "../src/chart.js";
import { captionOf } from "../src/label.js";
import { sampleMinute } from "../src/live/sample.js";
import { headOf, signed, Usual } from "../src/live/measures.js";
import { everybodyShows, Trigger } from "../src/live/trigger.js";
import { percent, percents } from "../src/formatting.js";
import { settings } from "./answers.js";

/** @typedef {import("../src/device.js").Tracked} Tracked */

const HAPPY = settings.labels.indexOf("happy"),
  SAD = settings.labels.indexOf("sad");

/** @param {number} happy Probability. @param {number} [shown] Column. @returns {Tracked} */
function face(happy, shown = HAPPY) {
  const probs = settings.labels.map((_, column) => (column === HAPPY ? happy : (1 - happy) / 6));
  const seen = { box: /** @type {[number, number, number, number]} */ ([0, 0, 90, 90]), detection_score: 1 };
  return { ...seen, track: 1, probs, smoothed_probs: probs, smoothed_emotion_id: shown };
}

test("a label comes with its own probability, and alone where another one leads", () => {
  assert.equal(captionOf(face(0.87), settings).percent, "87 %");
  const changing = captionOf(face(0.7, SAD), settings);
  assert.deepEqual([changing.name, changing.percent], ["sad", ""]);
});

test("percents of one whole add up to it, and a small share is not called nothing", () => {
  assert.deepEqual(percents([1 / 3, 1 / 3, 1 / 3]), ["34 %", "33 %", "33 %"]);
  assert.deepEqual(percents([0.996, 0.004]), ["> 99 %", "< 1 %"]);
  assert.deepEqual([0, 0.004, 0.456, 0.999, 1].map(percent), ["0 %", "< 1 %", "46 %", "> 99 %", "100 %"]);
});

for (const rate of [1, 2, 3, 5, 30])
  test(`at ${rate} frames a second the last minute has no holes but real ones`, () => {
    const jitter = [0, 0.3, -0.3, 0.2, -0.1];
    const times = Array.from({ length: 20 * rate }, (_, index) => (index + jitter[index % 5]) / rate);
    const samples = times.map((time) => sampleOf([face(0.9)], time, settings));
    const shown = (/** @type {typeof samples} */ some) => runsOf(some, settings, ({ mean }) => mean !== null);
    assert.equal(shown(samples).length, 1);
    const hole = samples.filter(({ time }) => time < 8 || time > 13);
    assert.equal(shown(hole).length, 2);
  });

test("a sample shows people with probabilities, and changes", () => {
  const minute = sampleMinute(settings);
  assert.deepEqual([minute[0].time, minute[minute.length - 1].time], [0, 60]);
  const shown = new Set();
  for (const { faces } of minute) {
    assert.equal(faces.length, 2);
    for (const { probs, smoothed_emotion_id: column } of faces) {
      assert.ok(Math.abs(probs.reduce((sum, value) => sum + value, 0) - 1) < 1e-9);
      assert.equal(probs[column], Math.max(...probs));
      shown.add(column);
    }
  }
  assert.ok(shown.size >= 4);
});

test("a sample can be made of other labels too", () => {
  const others = { ...settings, labels: ["calm", "tense"], colours: { calm: "#111111", tense: "#222222" } };
  assert.ok(sampleMinute(others).every(({ faces }) => faces[0].probs.length === 2));
});

/**
 * What the booth does over time, at ten looks a second.
 * @param {Trigger} trigger
 * @param {(time: number) => boolean | null} shown
 * @param {number} [until] Seconds.
 */
function photosOf(trigger, shown, until = 30) {
  const photos = [];
  for (let step = 0; step <= until * 10; step++) {
    trigger.update(shown(step / 10), step / 10);
    if (trigger.phase === "photo") photos.push(step / 10);
  }
  return photos;
}

test("the booth counts three seconds down once everybody has smiled for half a second", () => {
  const trigger = new Trigger();
  const counted = new Set();
  const photos = photosOf(trigger, (time) => {
    counted.add(trigger.left(time));
    return time >= 2;
  });
  assert.deepEqual(photos, [5.5]);
  assert.deepEqual([...counted].sort(), [0, 1, 2, 3]);
});

test("the booth takes the next photo only after the smile is over", () => {
  assert.deepEqual(photosOf(new Trigger(), () => true).length, 1);
  assert.deepEqual(photosOf(new Trigger(), (time) => time % 10 > 1).length, 3);
});

test("a smile of a moment and a view that empties take no photo", () => {
  assert.deepEqual(
    photosOf(new Trigger(), (time) => time > 2 && time < 2.4),
    [],
  );
  assert.deepEqual(
    photosOf(new Trigger(), (time) => (time < 3 ? time > 1 : null)),
    [],
  );
});

test("a smile that is over when the countdown ends takes no photo, and one that is back does", () => {
  const ends = 1 + 0.5 + 3;
  assert.deepEqual(
    photosOf(new Trigger(), (time) => time > 0.95 && time < 3),
    [],
  );
  assert.deepEqual(
    photosOf(new Trigger(), (time) => (time < 4 ? time > 0.95 : null), ends),
    [],
    "nobody is in view at the end, for less than a second",
  );
  assert.deepEqual(
    photosOf(new Trigger(), (time) => time > 0.95 && (time < 2 || time > 4)),
    [ends],
    "what lies between does not count",
  );
  assert.deepEqual(
    photosOf(new Trigger(), (time) => time > 0.95 && (time < 3 || time > 5.95)),
    [6 + 0.5 + 3],
    "it counts down anew",
  );
});

test("who presses the button needs no smile, and pressing again changes nothing", () => {
  const trigger = new Trigger();
  assert.deepEqual(
    photosOf(trigger, (time) => {
      if (time === 1 || time === 2) trigger.press(time);
      return false;
    }),
    [4],
  );
});

test("everybody means everybody, and nobody is nobody", () => {
  assert.equal(everybodyShows([face(0.9), face(0.7)], HAPPY), true);
  assert.equal(everybodyShows([face(0.9), face(0.5)], HAPPY), false);
  assert.equal(everybodyShows([], HAPPY), null);
  assert.equal(everybodyShows([face(0.9)], -1), false);
});

test("measures are told against what is usual in the last minute", () => {
  const usual = new Usual();
  assert.deepEqual(
    [0.2, 0.4, 0.3].map((value, time) => Number(usual.away(time, value).toFixed(6))),
    [0, 0.1, 0],
  );
  assert.equal(usual.away(100, 0.9), 0, "what was seen a minute ago is forgotten");
  assert.equal(usual.away(5, 0.5), 0, "and so is what comes later, where time goes back");
});

test("a head's angles are told in whole degrees, and a change with its sign", () => {
  const measures = { yaw: 12.4, pitch: -0.3, roll: -7.6 };
  assert.equal(headOf(measures), "yaw 12°, pitch 0°, roll −8°");
  assert.equal(headOf({ yaw: null, pitch: null, roll: null }), "");
  assert.deepEqual(
    [0.061, -0.25, -0.001].map((value) => signed(value, 2)),
    ["+0.06", "−0.25", "0.00"],
  );
});
