/**
 * A picture that was dropped: read, shown with boxes, and offered as files.
 * @typedef {import("../device.js").Face} Face
 */

import { area } from "../reading/boxes.js";
import { captionOf } from "../shown.js";
import { named, shares, table } from "./card.js";
import { annotate, decoded, fileOf, pixelsOf } from "./picture.js";
import { report } from "./report.js";
import { csv, json, rowsOf } from "./rows.js";

const HEAD = ["Face", "Expression", "Probability", "All expressions"];

/**
 * @param {File} file
 * @param {import("./card.js").Card} card
 * @param {{way: any, name: string, minFace: number, largest: boolean, settings: any, login: any}} how
 */
export async function still(file, card, { way, name, minFace, largest, settings, login }) {
  card.progress("Reading …");
  const here = name === "device";
  const canvas = here ? await decoded(file) : await decoded(file).catch(() => null);
  const found = here ? await way.picture(pixelsOf(canvas), minFace) : (await login.through(() => way.picture(file, minFace))).faces;
  const faces = largest ? biggest(found) : found;
  const stem = file.name.replace(/\.[^.]+$/, "") || "picture";
  const rows = rowsOf(file.name, [{ frame: 0, time: 0, faces }], settings);
  const told = faces.map((face) => captionOf(face, settings));
  const words = told.map(({ name }) => name).join(", ");
  card.done(faces.length === 0 ? "No face found." : `${faces.length === 1 ? "1 face" : `${faces.length} faces`}: ${words}.`);
  if (canvas) await show(card, canvas, faces, settings, `${file.name}: ${words || "no face"}`, stem);
  if (faces.length) {
    const lines = told.map(({ name, percent }, at) => [String(at + 1), named(name, settings), percent, shares(faces[at].probs, settings)]);
    card.body.append(table(`Faces in ${file.name}`, HEAD, lines));
  }
  card.offer("Table (CSV)", `${stem}.csv`, new Blob([csv(rows, settings)], { type: "text/csv" }));
  card.offer("Table (JSON)", `${stem}.json`, new Blob([json(rows)], { type: "application/json" }));
  const content = {
    name: file.name,
    where: here ? "in a browser; the picture did not leave it" : "on a server of yours",
    facts: [["Faces", String(faces.length)], ...(canvas ? [["Size", `${canvas.width} × ${canvas.height} px`]] : [])],
    picture: canvas?.toDataURL("image/jpeg", 0.9),
    head: ["Face", "Expression", "Probability", ...settings.labels],
    rows: told.map(({ name, percent }, at) => [String(at + 1), name, percent, ...faces[at].probs.map((value) => value.toFixed(3))]),
  };
  card.offer("Report (HTML)", `${stem}-report.html`, report(content, settings));
}

/** @param {Face[]} faces */
const biggest = (faces) => [...faces].sort((a, b) => area(b.box) - area(a.box)).slice(0, 1);

async function show(card, canvas, faces, settings, words, stem) {
  // Numbered as in the table.
  annotate(canvas.getContext("2d"), faces.map((face, at) => ({ ...face, track: at + 1 })), settings);
  const blob = await fileOf(canvas);
  const image = document.createElement("img");
  image.alt = words;
  image.src = card.url(blob);
  card.body.append(image);
  card.offer("Annotated picture (PNG)", `${stem}-annotated.png`, blob);
}
