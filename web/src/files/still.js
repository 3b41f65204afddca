/**
 * An image that was dropped: read, shown with boxes, and offered as files.
 * @typedef {import("../device.js").Face} Face
 * @typedef {import("../server.js").Server} Server
 * @typedef {import("./files.js").How} How
 */

import { Device } from "../device.js";
import { contextOf } from "../dom.js";
import { pixelsOf } from "../images.js";
import { area } from "../inference/boxes.js";
import { captionOf } from "../label.js";
import { counted, percents } from "../formatting.js";
import { named, shares, table } from "./card.js";
import { annotate, decoded, fileOf } from "./image.js";
import { report } from "./report.js";
import { csv, json, rowsOf } from "./rows.js";

const HEAD = ["Face", "Expression", "Probability", "All expressions"];

/**
 * @param {File} file
 * @param {import("./card.js").Card} card
 * @param {How} how
 */
export async function still(file, card, how) {
  const { way, largest, landmarks, settings } = how;
  card.progress("Analyzing …");
  const here = way instanceof Device;
  const { found, canvas } = here
    ? await readHere(file, how, way)
    : await readThere(file, how, /** @type {Server} */ (way));
  const faces = largest ? biggest(found) : found;
  const stem = file.name.replace(/\.[^.]+$/, "") || "image";
  const rows = rowsOf(file.name, [{ frame: 0, time: 0, faces }], settings);
  const told = faces.map((face) => captionOf(face, settings));
  const words = told.map(({ name }) => name).join(", ");
  card.done(faces.length === 0 ? "No face found." : `${counted(faces.length, "face")}: ${words}.`);
  if (canvas) await show(card, canvas, faces, settings, `${file.name}: ${words || "no face"}`, stem);
  if (faces.length) {
    const lines = told.map(({ name, percent }, at) => [
      String(at + 1),
      named(name, settings),
      percent,
      shares(faces[at].probs, settings),
    ]);
    card.body.append(table(`Faces in ${file.name}`, HEAD, lines));
  }
  card.offer("Table (CSV)", `${stem}.csv`, new Blob([csv(rows, settings, landmarks)], { type: "text/csv" }));
  card.offer("Table (JSON)", `${stem}.json`, new Blob([json(rows)], { type: "application/json" }));
  const content = {
    name: file.name,
    where: here ? "in a browser; the image did not leave it" : "on a server of yours",
    facts: /** @type {[string, string][]} */ ([
      ["Faces", String(faces.length)],
      ...(canvas ? [["Size", `${canvas.width} × ${canvas.height} px`]] : []),
    ]),
    image: canvas?.toDataURL("image/jpeg", 0.9),
    head: ["Face", "Expression", "Probability", ...settings.labels],
    rows: told.map(({ name, percent }, at) => [String(at + 1), name, percent, ...percents(faces[at].probs)]),
  };
  card.offer("Report (HTML)", `${stem}-report.html`, report(content, settings));
}

/** @param {File} file @param {How} how @param {Device} device */
async function readHere(file, { kind, minFace, landmarks }, device) {
  const canvas = await decoded(file, kind);
  return { found: await device.image(pixelsOf(canvas), minFace, landmarks), canvas };
}

/**
 * An image that this browser cannot show may be one for the server.
 * @param {File} file
 * @param {How} how
 * @param {Server} server
 */
async function readThere(file, { kind, minFace, landmarks, login }, server) {
  const canvas = await decoded(file, kind).catch(() => null);
  const { faces } = await login.through(() => server.image(file, minFace, landmarks));
  return { found: faces, canvas };
}

/** @param {Face[]} faces */
const biggest = (faces) => [...faces].sort((a, b) => area(b.box) - area(a.box)).slice(0, 1);

/**
 * @param {import("./card.js").Card} card
 * @param {HTMLCanvasElement} canvas
 * @param {Face[]} faces
 * @param {import("../settings.js").Settings} settings
 * @param {string} words
 * @param {string} stem
 */
async function show(card, canvas, faces, settings, words, stem) {
  // Numbered as in the table.
  annotate(
    contextOf(canvas),
    faces.map((face, at) => ({ ...face, track: at + 1 })),
    settings,
  );
  const blob = await fileOf(canvas);
  const image = document.createElement("img");
  image.alt = words;
  image.src = card.url(blob);
  card.body.append(image);
  card.offer("Annotated image (PNG)", `${stem}-annotated.png`, blob);
}
