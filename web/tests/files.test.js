/** What the page makes of results, where Python has no part in it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { at } from "../src/files/movie.js";
import { report } from "../src/files/report.js";
import { csv, json, rowsOf } from "../src/files/rows.js";
import { captionOf } from "../src/label.js";
import { settings } from "./answers.js";

const box = /** @type {[number, number, number, number]} */ ([1, 2, 3, 4]);
const face = {
  box,
  detection_score: 0.9,
  track: 1,
  probs: [0, 0, 0, 0.875, 0.125, 0, 0],
  smoothed_probs: [0, 0, 0, 0.25, 0.75, 0, 0],
  smoothed_emotion_id: 4,
};

test("a table of CSV holds no formula, and text with commas in quotes", () => {
  const [head, ...lines] = csv(
    rowsOf(
      '=1,"a".png',
      [
        { frame: 3, time: 0.5, faces: [face] },
        { frame: 4, time: 0.6, faces: [] },
      ],
      settings,
    ),
    settings,
    false,
  )
    .trimEnd()
    .split("\n");
  assert.equal(head, settings.columns.join(","));
  assert.ok(lines[0].startsWith('"./=1,""a"".png",3,0.5,face,1,"[1,2,3,4]",0.9,happy,0.875,"{""angry"":0,'));
  assert.ok(lines[1].startsWith('"./=1,""a"".png",4,0.6,no_face,,,'));
});

test("a table of faces with landmarks has their columns, also where there are none", () => {
  const names = settings.landmarks.measures;
  const measures = Object.fromEntries(names.map((name, place) => [name, place / 8]));
  const missing = Object.fromEntries(names.map((name) => [name, null]));
  const faces = [
    { ...face, measures, measures_missing: null },
    { ...face, measures: missing, measures_missing: "too small" },
  ];
  const rows = rowsOf(
    "a.png",
    [
      { frame: 0, time: 0, faces },
      { frame: 1, time: 1, faces: [] },
    ],
    settings,
  );
  assert.deepEqual(Object.keys(rows[0]), settings.landmarks.keys);
  const [head, ...lines] = csv(rows, settings, true).trimEnd().split("\n");
  assert.equal(head, settings.landmarks.columns.join(","));
  assert.ok(lines[0].endsWith(`,${names.map((_, place) => place / 8).join(",")},,,`));
  assert.ok(lines[1].endsWith(",,too small,,"));
  assert.equal(lines[2].split(",").length, settings.landmarks.columns.length);
});

test("a table of JSON can be read, also an empty one", () => {
  const rows = rowsOf("a.png", [{ frame: 0, time: 0, faces: [face] }], settings);
  assert.deepEqual(JSON.parse(json(rows)), rows);
  assert.deepEqual(Object.keys(rows[0]), settings.keys);
  assert.deepEqual(JSON.parse(json([])), []);
});

test("a report takes names for text, never for HTML", async () => {
  const name = `<img src=x onerror=alert(1)>'"&.png`;
  const html = await report(
    { name, where: "here", facts: [["Faces", name]], head: ["Face"], rows: [[name, "happy"]] },
    settings,
  ).text();
  assert.ok(!html.includes("<img"));
  assert.equal(html.split("&#60;img src=x onerror=alert(1)&#62;&#39;&#34;&#38;.png").length, 5);
  assert.ok(html.includes(`<i class="dot" style="background:${settings.colours.happy}"></i>happy`));
});

test("a report has the stylesheet of all reports, and every class that it uses is in there", async () => {
  const facts = /** @type {[string, string][]} */ ([["Faces", "1"]]);
  const content = {
    name: "a.png",
    where: "here",
    facts,
    image: "data:,",
    chart: "data:,",
    head: [],
    rows: [],
  };
  const html = await report(content, settings).text();
  assert.ok(html.includes(`<style>\n${settings.report_style}\n</style>`));
  const used = [...html.matchAll(/class="([^"]+)"/g)].map(([, name]) => name);
  assert.ok(used.length > 5);
  assert.deepEqual(
    used.filter((name) => !settings.report_style.includes(`.${name} `)),
    [],
  );
});

test("a moment of a video shows the result before it, for half a second", () => {
  const results = [0, 0.4, 2].map((time, frame) => ({ frame, time, faces: [] }));
  assert.deepEqual(
    [-1, 0, 0.39, 0.4, 0.8, 0.95, 2.1].map((time) => at(results, time)?.frame ?? null),
    [null, 0, 0, 1, 1, null, 2],
  );
});

test("a caption says the smoothed emotion and how probable it is, or that the network is uncertain", () => {
  assert.deepEqual(captionOf(face, settings), {
    name: "neutral",
    percent: "75 %",
    colour: settings.colours.neutral,
  });
  const strict = { ...settings, uncertain: { name: "uncertain", below: 0.8 } };
  assert.deepEqual(captionOf(face, strict), {
    name: "uncertain",
    percent: "",
    colour: settings.colours.uncertain,
  });
  assert.equal(
    captionOf({ ...face, smoothed_probs: undefined, smoothed_emotion_id: undefined }, settings).percent,
    "88 %",
  );
});
