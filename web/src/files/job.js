/**
 * A video that was dropped, read on the server as a job: watched, shown, offered in every format, and deleted
 * with its card.
 */

import { counted } from "../formatting.js";
import { asked, Refused } from "../server.js";
import { make, named, shares, table } from "./card.js";

/** @type {Record<string, string>} */
const STAGES = {
  waiting: "Waiting for its turn",
  analyzing: "Analyzing",
  writing: "Writing tables",
  drawing: "Drawing the annotated video",
  faces: "Drawing faces",
};
const OFFERED = {
  "result.csv": "Table (CSV)",
  "result.json": "Table (JSON)",
  "persons.csv": "People (CSV)",
  "result.html": "Report (HTML)",
  "result.mp4": "Annotated video (MP4)",
  "result.vtt": "Subtitles (WebVTT)",
  "result.eaf": "ELAN (EAF)",
  "timeline.png": "Timeline (PNG)",
};

/**
 * @param {File} file
 * @param {import("./card.js").Card} card
 * @param {import("./files.js").How} how
 */
export async function job(file, card, { minFace, largest, landmarks, settings, login }) {
  card.progress("Sending …");
  const form = new FormData();
  form.append("file", file, file.name);
  form.append("largest", String(largest));
  form.append("min_face", String(minFace));
  form.append("landmarks", String(landmarks));
  form.append("results", Object.keys(OFFERED).concat("persons.json").join(","));
  const send = () => asked("v1/videos", { method: "POST", body: form, signal: card.signal });
  const { id } = await (await login.through(send)).json();
  const place = `v1/videos/${id}`;
  const forget = () => fetch(place, { method: "DELETE", keepalive: true }).catch(() => {});
  card.signal.addEventListener("abort", forget, { once: true });
  addEventListener("pagehide", forget, { once: true });
  const { results } = await watched(`${place}/events`, card);
  await show(card, file.name, results, settings);
}

/**
 * How far it is, until it is done.
 * @param {string} place
 * @param {import("./card.js").Card} card
 * @returns {Promise<{results: Record<string, string>}>}
 */
function watched(place, card) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(place);
    const end = (/** @type {(value: any) => void} */ settle, /** @type {any} */ value) => {
      events.close();
      settle(value);
    };
    const seen = (/** @type {MessageEvent<string>} */ { data }) => {
      const { stage, progress } = JSON.parse(data);
      const share = progress ?? undefined;
      const percent = share === undefined ? "" : ` ${Math.floor(100 * share)} %`;
      card.progress(`${STAGES[stage] ?? stage} …${percent}`, share);
    };
    events.addEventListener("waiting", seen);
    events.addEventListener("running", seen);
    events.addEventListener("done", ({ data }) => end(resolve, JSON.parse(data)));
    events.addEventListener("failed", ({ data }) => {
      const { error } = JSON.parse(data);
      end(reject, new Refused(error.status, error.message));
    });
    events.addEventListener("deleted", () => end(reject, new Error("It was deleted on the server.")));
    events.onerror = () =>
      events.readyState === EventSource.CLOSED &&
      end(reject, new Refused(0, "The connection to the server is lost."));
    card.signal.addEventListener("abort", () => end(reject, new DOMException("stopped", "AbortError")), {
      once: true,
    });
  });
}

/**
 * @param {import("./card.js").Card} card
 * @param {string} name
 * @param {Record<string, string>} results
 * @param {import("../settings.js").Settings} settings
 */
async function show(card, name, results, settings) {
  const people = results["persons.json"] ? await (await asked(results["persons.json"])).json() : [];
  card.done(`${counted(people.length, "person", "people")}.`);
  if (results["result.mp4"]) {
    const video = make("video", "");
    Object.assign(video, {
      src: results["result.mp4"],
      controls: true,
      muted: true,
      playsInline: true,
      preload: "metadata",
    });
    video.ariaLabel = `${name} with boxes`;
    card.body.append(video);
  }
  if (people.length) {
    const lines = people.map((/** @type {any} */ person) => line(person, settings));
    card.body.append(
      table(`People in ${name}`, ["Person", "Mostly", "In view", "Time with each expression"], lines),
    );
  }
  if (results["result.html"]) {
    const frame = make("iframe", "");
    frame.src = results["result.html"];
    frame.title = `Report about ${name}`;
    card.body.append(frame);
  }
  const stem = name.replace(/\.[^.]+$/, "") || "video";
  for (const [key, label] of Object.entries(OFFERED)) {
    if (!results[key]) continue;
    const [kind, ending] = key.split(".");
    card.offer(label, kind === "result" ? `${stem}.${ending}` : `${stem}-${key}`, results[key]);
  }
}

/** @param {any} person A row of the table of people. @param {import("../settings.js").Settings} settings */
function line(person, settings) {
  const values = settings.labels.map((name) => person[`share_${name}`]);
  return [
    String(person.track),
    named(person.mostly, settings),
    `${person.seconds.toFixed(1)} s`,
    shares(values, settings),
  ];
}
