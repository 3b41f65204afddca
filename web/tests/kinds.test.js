/** What files are by their first bytes, and what people are told of those that are of no use. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf, kindOfFile, undecodable } from "../src/files/kinds.js";

const bytes = (/** @type {string} */ text) => Uint8Array.from(text, (sign) => sign.charCodeAt(0));

/** @type {[string, string, string][]} */
const KINDS = [
  ["\xff\xd8\xff\xe0\0\x10JFIF", "image", "a JPEG"],
  ["\x89PNG\r\n\x1a\n\0\0", "image", "a PNG"],
  ["GIF89a", "image", "a GIF"],
  ["RIFF\x10\0\0\0WEBPVP8 ", "image", "a WebP"],
  ["II*\0\x08\0", "image", "a TIFF"],
  ["\0\0\0\x20ftypavif", "image", "an AVIF"],
  ["\0\0\0\x20ftypheic", "image", "a HEIC"],
  ["\0\0\0\x20ftypisom", "video", "an MP4"],
  ["\0\0\0\x14ftypqt  ", "video", "a QuickTime video"],
  ["\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01B\x82\x84webm", "video", "a WebM"],
  ["\x1aE\xdf\xa3\x01\0\0\0B\x82\x88matroska", "video", "a Matroska video"],
  ["RIFF\x10\0\0\0AVI LIST", "video", "an AVI"],
  ["OggS\0\x02\0\0\0\x80theora", "video", "an Ogg video"],
  ["OggS\0\x02\0\0\0\x01vorbis", "neither", "sound alone"],
  ["ID3\x04\0", "neither", "sound alone"],
  ["RIFF\x10\0\0\0WAVEfmt ", "neither", "sound alone"],
  ["\0\0\0\x20ftypM4A ", "neither", "sound alone"],
  ["%PDF-1.7", "neither", "a PDF"],
  ["PK\x03\x04\x14\0\x06\0[Content_Types].xml", "neither", "an office document"],
  ["PK\x03\x04\x14\0photo.jpg", "neither", "an archive"],
  ['<?xml version="1.0"?>\n<svg xmlns="', "neither", "a drawing (SVG)"],
  ["Dear all,\r\nhappy new year", "neither", "text"],
  ["\x01\x02\x03\x04\x05", "unknown", "something else"],
];

for (const [start, media, name] of KINDS)
  test(`${name} is known by its first bytes`, () => {
    const kind = kindOf(bytes(start));
    assert.deepEqual([kind.media, kind.name], [media, name]);
    if (media === "neither") assert.ok(kind.advice);
  });

/** @param {string} name @param {string} content */
const told = (name, content) => kindOfFile(new File([bytes(content)], name)).catch(({ message }) => message);

test("what is of no use is told with what to do, whatever it is called", async () => {
  assert.equal(
    await told("holiday.jpg", "%PDF-1.7"),
    "holiday.jpg: expected an image or a video; got a PDF: " +
      "save its pictures as JPEG or PNG, and choose those",
  );
  assert.match(await told("all.zip", "PK\x03\x04\x14\0photo.jpg"), /got an archive: unpack it/);
  assert.match(await told("song.mp4", "ID3\x04\0"), /got sound alone: choose an image or a video with faces/);
  assert.match(await told("empty.png", ""), /empty\.png: the file is empty: copy it again/);
});

test("a folder, which browsers give as a file that cannot be read, is told", async () => {
  const folder = /** @type {any} */ ({
    name: "holiday",
    slice: () => ({ arrayBuffer: () => Promise.reject() }),
  });
  await assert.rejects(
    kindOfFile(folder),
    /holiday: cannot be opened: if it is a folder, choose the files in it/,
  );
});

test("another kind goes to the server, a damaged one does not", () => {
  const said = (/** @type {string} */ start) => undecodable("a", kindOf(bytes(start)));
  assert.match(said("II*\0\x08\0"), /got a TIFF: choose “On the server”/);
  assert.match(said("RIFF\x10\0\0\0AVI LIST"), /got an AVI: choose “On the server”/);
  assert.match(
    said("\0\0\0\x20ftypheic"),
    /got a HEIC: save it as JPEG, and choose that, or choose “On the server”/,
  );
  assert.match(said("\xff\xd8\xff\xe0"), /got one that seems to be damaged or cut off/);
  assert.match(said("\x01\x02\x03\x04\x05"), /got something that is neither: choose another file/);
});
