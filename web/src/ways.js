/**
 * The ways in which faces are read, in words.
 * @typedef {"device" | "server" | "source"} Way
 */

import { isHere } from "./server.js";

/** What is said of the server's own source, by its state. @type {Record<string, string>} */
export const STATES = { resting: "Opening …", opening: "Opening …", retrying: "Lost, trying again …" };

/**
 * Where frames go, and who sees them.
 * @param {Way} way
 * @param {import("./settings.js").Settings} settings
 */
export function whereFramesGo(way, settings) {
  const place = isHere() ? "mien on this machine" : location.host;
  if (way === "device")
    return (
      "Everything is computed in this browser. No image leaves it, and once this page has loaded it " +
      "works without any connection."
    );
  if (way === "server")
    return `Frames are sent to ${place}, read there and forgotten at once. Nothing is stored.`;
  const covered = settings.source?.covered ? " Faces are covered before frames leave it." : "";
  return (
    `Frames come from a source that ${place} was started with: a camera, a stream, a screen or a video. ` +
    `Everybody who may use this server can see them, and it tells how many are looking.${covered} ` +
    "Nothing is stored."
  );
}

/**
 * Who looks at the server's own source, and how it is.
 * @param {import("./live/source.js").Condition} condition
 * @param {import("./settings.js").Settings} settings
 */
export function whoLooks({ source, state, message, viewers }, settings) {
  const looking = viewers > 1 ? `${viewers} are looking, you among them` : "only you are looking now";
  const covered = settings.source?.covered ? " Faces are covered there." : "";
  const lost = state === "retrying" ? message : "";
  return `${source}, a source of the server’s: ${looking}.${covered} ${lost}`.trim();
}
