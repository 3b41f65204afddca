/**
 * A video that was dropped, read in this browser: shown with boxes, and offered as files.
 * @typedef {import("./card.js").Card} Card
 * @typedef {import("./movie.js").FrameResult} FrameResult
 * @typedef {import("../settings.js").Settings} Settings
 */

import { Chart, sampleOf } from "../chart.js";
import { inWords } from "../live/timeline.js";
import { displayName } from "../label.js";
import { counted, percents } from "../formatting.js";
import { make, named, shares, table } from "./card.js";
import { opened, readMovie } from "./movie.js";
import { Replay } from "./replay.js";
import { report } from "./report.js";
import { csv, json, rowsOf } from "./rows.js";
import { peopleOf } from "./summary.js";

const HEAD = ["Person", "Mostly", "In view", "Time with each expression"];

/**
 * @param {File} file
 * @param {Card} card
 * @param {import("./files.js").How} how
 */
export async function clip(file, card, { way, kind, minFace, largest, landmarks, settings }) {
  card.progress("Opening …");
  const video = await opened(card.url(file), file.name, kind);
  const preview = make("div", "replay");
  preview.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
  preview.append(video);
  card.body.append(preview);
  const stream = await /** @type {import("../device.js").Device} */ (way).stream({
    minFace,
    largest,
    landmarks,
    live: false,
  });
  const { results, missed } = await readMovie(
    video,
    stream,
    (share) => card.progress(`Analyzing … ${Math.floor(100 * share)} %`, share),
    card.signal,
  );
  stream.close();
  const people = peopleOf(results, settings);
  const lost = missed ? ` ${counted(missed, "more was", "more were")} shown too fast to be read.` : "";
  card.done(
    `${counted(results.length, "frame")}, ${counted(people.length, "person", "people")}.${lost}` +
      pointless(results),
  );
  const replay = new Replay(video, results, settings);
  preview.replaceWith(replay.element);
  const chart = drawn(card, results, video.duration, settings);
  if (people.length)
    card.body.append(
      table(
        `People in ${file.name}`,
        HEAD,
        people.map((person) => line(person, settings)),
      ),
    );
  offer(card, file.name, { results, people, missed, video, chart, replay, landmarks }, settings);
}

/** Says from where on a long clip is shown without points. @param {FrameResult[]} results */
function pointless(results) {
  const bare = results.find(({ faces }) => faces.some(({ measures, mesh }) => measures?.yaw && !mesh));
  return bare
    ? ` Points are shown up to ${clock(bare.time)}: those of all frames would take too much room.`
    : "";
}

/** @param {import("./summary.js").Person} person @param {import("../settings.js").Settings} settings */
function line(person, settings) {
  return [
    String(person.track),
    named(mostly(person, settings), settings),
    `${person.seconds.toFixed(1)} s`,
    shares(person.shares, settings),
  ];
}

/**
 * What was shown for the longest time.
 * @param {import("./summary.js").Person} person
 * @param {import("../settings.js").Settings} settings
 */
function mostly({ shares: values }, settings) {
  const most = Math.max(...values),
    rest = 1 - values.reduce((sum, value) => sum + value, 0);
  return displayName(most >= rest ? values.indexOf(most) : -1, settings);
}

/**
 * Expressions over the whole video.
 * @param {Card} card
 * @param {FrameResult[]} results
 * @param {number} duration Seconds.
 * @param {Settings} settings
 */
function drawn(card, results, duration, settings) {
  const canvas = make("canvas", "chart");
  canvas.setAttribute("role", "img");
  card.body.append(canvas);
  const chart = new Chart(canvas, settings);
  const samples = results.map(({ time, faces }) => sampleOf(faces, time, settings));
  canvas.ariaLabel = `Expressions over the video: ${inWords(samples, settings.labels)}`;
  const end = Math.max(duration || 0, results.at(-1)?.time ?? 0);
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => ({ time: share * end, text: clock(share * end) }));
  const draw = () => chart.draw(samples, 0, end, marks);
  draw();
  new ResizeObserver(draw).observe(card.body);
  return canvas;
}

/** @param {number} seconds */
function clock(seconds) {
  const whole = Math.floor(seconds / 60);
  return `${whole}:${(seconds - 60 * whole).toFixed(1).padStart(4, "0")}`;
}

/**
 * @param {Card} card
 * @param {string} name
 * @param {{results: FrameResult[], people: import("./summary.js").Person[], missed: number, video:
 *   HTMLVideoElement, chart: HTMLCanvasElement, replay: Replay, landmarks: boolean}} result
 * @param {Settings} settings
 */
function offer(card, name, { results, people, missed, video, chart, replay, landmarks }, settings) {
  const stem = name.replace(/\.[^.]+$/, "") || "video";
  const rows = rowsOf(name, results, settings);
  card.offer("Table (CSV)", `${stem}.csv`, new Blob([csv(rows, settings, landmarks)], { type: "text/csv" }));
  card.offer("Table (JSON)", `${stem}.json`, new Blob([json(rows)], { type: "application/json" }));
  const content = {
    name,
    where: "in a browser; the video did not leave it",
    facts: /** @type {[string, string][]} */ ([
      ["Length", `${(video.duration || 0).toFixed(1)} s`],
      ["Frames read", String(results.length)],
      ["Frames shown too fast to be read", String(missed)],
      ["People", String(people.length)],
    ]),
    chart: chart.toDataURL(),
    head: ["Person", "Mostly", "First seen", "In view", ...settings.labels],
    rows: people.map((person) => {
      return [
        String(person.track),
        mostly(person, settings),
        clock(person.first),
        `${person.seconds.toFixed(1)} s`,
        ...percents(person.shares),
      ];
    }),
  };
  card.offer("Report (HTML)", `${stem}-report.html`, report(content, settings));
  const make_ = make("button", "", "Make the annotated video");
  make_.type = "button";
  make_.addEventListener("click", () => copy(card, make_, replay, stem));
  card.downloads.append(make_);
}

/**
 * The annotated video, when it is asked for: it takes as long as the video.
 * @param {Card} card
 * @param {HTMLButtonElement} button
 * @param {Replay} replay
 * @param {string} stem
 */
async function copy(card, button, replay, stem) {
  button.disabled = true;
  try {
    const { blob, ending } = await replay.recorded(
      (share) => (button.textContent = `Video … ${Math.floor(100 * share)} %`),
      card.signal,
    );
    button.replaceWith(card.offer("Annotated video", `${stem}-annotated.${ending}`, blob));
  } catch (error) {
    button.textContent = error.message;
  }
}
