/**
 * What a file is by its first bytes, whatever it is called, and what to do with one that is of no use here.
 *
 * @typedef {object} Kind
 * @property {"image" | "video" | "neither" | "unknown"} media
 * @property {string} name For people, with its article.
 * @property {string} [advice] What to do with a file that is neither, or that cannot be decoded.
 */

const LOOKED_AT = 4096; // Bytes.

const PICTURES = "save its pictures as JPEG or PNG, and choose those";
/** Few browsers know it, and not every server. @type {Kind} */
const HEIC = {
  media: "image",
  name: "a HEIC",
  advice:
    "save it as JPEG, and choose that, or choose “On the server” at the top of this page, if it reads HEIC",
};
/** @type {Kind} */
const SOUND = { media: "neither", name: "sound alone", advice: "choose an image or a video with faces" };

/** What stands at the beginning, a character for each byte. @type {[RegExp, Kind][]} */
const BEGINNINGS = [
  [/^\xff\xd8\xff/, { media: "image", name: "a JPEG" }],
  [/^\x89PNG\r\n\x1a\n/, { media: "image", name: "a PNG" }],
  [/^GIF8[79]a/, { media: "image", name: "a GIF" }],
  [/^RIFF[^]{4}WEBP/, { media: "image", name: "a WebP" }],
  [/^(II\*\0|MM\0\*)/, { media: "image", name: "a TIFF" }],
  [/^BM[^]{4}\0{4}/, { media: "image", name: "a BMP" }],
  [/^8BPS/, { media: "image", name: "a Photoshop file" }],
  [/^\0{3}\x0cjP {2}/, { media: "image", name: "a JPEG 2000" }],
  [/^\0\0\x01\0/, { media: "image", name: "an icon" }],
  [/^P[1-6]\s/, { media: "image", name: "a PNM" }],
  [/^qoif/, { media: "image", name: "a QOI" }],
  [/^[^]{4}ftyp(avif|avis)/, { media: "image", name: "an AVIF" }],
  [/^[^]{4}ftyp(heic|heix|heim|heis|hevc|mif1|msf1)/, HEIC],
  [/^[^]{4}ftyp(M4A|M4B)/, SOUND],
  [/^[^]{4}ftypqt/, { media: "video", name: "a QuickTime video" }],
  [/^[^]{4}(ftyp|moov|mdat|wide|free)/, { media: "video", name: "an MP4" }],
  [/^\x1aE\xdf\xa3[^]*webm/, { media: "video", name: "a WebM" }],
  [/^\x1aE\xdf\xa3/, { media: "video", name: "a Matroska video" }],
  [/^RIFF[^]{4}AVI /, { media: "video", name: "an AVI" }],
  [/^FLV\x01/, { media: "video", name: "a Flash video" }],
  [/^0&\xb2u\x8ef\xcf\x11/, { media: "video", name: "a Windows Media file" }],
  [/^\0\0\x01[\xba\xb3]/, { media: "video", name: "an MPEG video" }],
  [/^G[^]{187}G/, { media: "video", name: "an MPEG transport stream" }],
  [/^OggS[^]*theora/, { media: "video", name: "an Ogg video" }],
  [/^(OggS|fLaC|ID3|\xff[\xf2\xf3\xfb\xf1\xf9]|RIFF[^]{4}WAVE|MThd)/, SOUND],
  [/^%PDF/, { media: "neither", name: "a PDF", advice: PICTURES }],
  [
    /^PK\x03\x04[^]*(word\/|ppt\/|xl\/|\[Content_Types\]|mimetypeapplication\/vnd\.oasis)/,
    { media: "neither", name: "an office document", advice: PICTURES },
  ],
  [/^\xd0\xcf\x11\xe0/, { media: "neither", name: "an office document", advice: PICTURES }],
  [
    /^(PK\x03\x04|PK\x05\x06|7z\xbc\xaf|Rar!|\x1f\x8b|BZh|\xfd7zXZ|[^]{257}ustar)/,
    { media: "neither", name: "an archive", advice: "unpack it, and choose the images and videos in it" },
  ],
  [
    /^(\xef\xbb\xbf)?\s*<(\?xml[^]*)?(!--[^]*-->\s*)?svg/i,
    {
      media: "neither",
      name: "a drawing (SVG)",
      advice: "save it as PNG in a drawing program, and choose that",
    },
  ],
];

/** Bytes without any that text does not have. */
const TEXT = /^[^\0-\x08\x0e-\x1a\x1c-\x1f]+$/;

/**
 * What begins like this.
 * @param {Uint8Array} bytes The first of a file.
 * @returns {Kind}
 */
export function kindOf(bytes) {
  const text = Array.from(bytes.subarray(0, LOOKED_AT), (byte) => String.fromCharCode(byte)).join("");
  const found = BEGINNINGS.find(([beginning]) => beginning.test(text));
  if (found) return found[1];
  if (TEXT.test(text)) return { media: "neither", name: "text", advice: "choose an image or a video" };
  return { media: "unknown", name: "something else" };
}

/**
 * What a file is.
 * @param {File} file
 * @returns {Promise<Kind>}
 * @throws {Error} There is nothing in it to be read, or it is of no use here; the message says what to do.
 */
export async function kindOfFile(file) {
  let bytes;
  try {
    bytes = new Uint8Array(await file.slice(0, LOOKED_AT).arrayBuffer());
  } catch {
    throw new Error(
      `${file.name}: cannot be opened: if it is a folder, choose the files in it; ` +
        "if it is a file that has been moved or renamed, choose it again",
    );
  }
  if (!bytes.length)
    throw new Error(`${file.name}: the file is empty: copy it again from where it came, and choose that`);
  const kind = kindOf(bytes);
  if (kind.media === "neither")
    throw new Error(`${file.name}: expected an image or a video; got ${kind.name}: ${kind.advice}`);
  return kind;
}

const ON_THE_SERVER =
  "choose “On the server” at the top of this page, which knows more kinds, then the file again";

/** Kinds that every browser knows: one that cannot be decoded must be damaged. */
const USUAL = ["a JPEG", "a PNG", "a GIF", "a WebP", "a BMP", "an icon"];

/**
 * Why this browser cannot decode a file, and what to do.
 * @param {string} name Of the file.
 * @param {Kind} kind
 */
export function undecodable(name, { media, name: kind, advice = ON_THE_SERVER }) {
  if (media === "unknown")
    return `${name}: expected an image or a video; got something that is neither: choose another file`;
  if (USUAL.includes(kind))
    return (
      `${name}: expected ${kind} that is whole; got one that seems to be damaged or cut off: ` +
      "copy it again from where it came, or save it anew with another program"
    );
  const wanted = media === "image" ? "an image" : "a video";
  return `${name}: expected ${wanted} that this browser can decode; got ${kind}: ${advice}`;
}
