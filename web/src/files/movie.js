/**
 * Videos read in this browser: its own decoder shows them as fast as the networks can follow, and tells the
 * true time of each frame.
 * @typedef {import("../device.js").Tracked} Tracked
 * @typedef {{frame: number, time: number, faces: Tracked[]}} FrameResult
 */

import { contextOf } from "../dom.js";
import { grabbed } from "../live/camera.js";
import { undecodable } from "./kinds.js";
import { smoothed } from "../inference/smoothing-offline.js";
import { markTalking } from "../inference/talking.js";

const FASTEST = 2,
  SLOWEST = 0.1,
  FIRST = 0.4; // Playing speeds.
const AHEAD = 3; // Frames that wait at most before the video stops for them.

/**
 * A video element that shows a file.
 * @param {string} url
 * @param {string} name
 * @param {import("./kinds.js").Kind} kind
 * @returns {Promise<HTMLVideoElement>}
 */
export function opened(url, name, kind) {
  const video = document.createElement("video");
  if (!("requestVideoFrameCallback" in video))
    throw new Error(`${name}: this browser does not tell of the frames of a video: choose “On the server”`);
  Object.assign(video, { src: url, muted: true, playsInline: true, preload: "auto" });
  return new Promise((resolve, reject) => {
    video.onloadeddata = () =>
      video.videoWidth
        ? resolve(video)
        : reject(
            new Error(
              `${name}: expected a video; got sound alone, or images that this browser cannot decode: ` +
                "choose “On the server” at the top of this page, then the file again",
            ),
          );
    video.onerror = () => reject(new Error(undecodable(name, kind)));
  });
}

/**
 * Read all frames of a video that can be followed.
 * @param {HTMLVideoElement} video
 * @param {import("../device.js").DeviceStream} stream Not live.
 * @param {(share: number) => void} progress
 * @param {AbortSignal} signal
 * @returns {Promise<{results: FrameResult[], missed: number}>} `missed`: frames that were shown too fast to
 *   be read.
 */
export async function readMovie(video, stream, progress, signal) {
  const canvas = document.createElement("canvas");
  const context = contextOf(canvas, { willReadFrequently: true });
  /** @type {FrameResult[]} */
  const results = [];
  let waiting = 0,
    missed = 0,
    first = -1,
    last = -1;
  /** @type {Error | null} */
  let failure = null;
  video.playbackRate = FIRST;
  const ended = new Promise((resolve) => (video.onended = resolve));
  const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));

  /** @type {VideoFrameRequestCallback} */
  const take = (_now, { mediaTime, presentedFrames }) => {
    if (signal.aborted || failure) return;
    video.requestVideoFrameCallback(take);
    if (first < 0) first = presentedFrames;
    const lost = last < 0 ? 0 : Math.max(0, presentedFrames - last - 1);
    missed += lost;
    last = presentedFrames;
    waiting++;
    read(presentedFrames - first, mediaTime);
    pace(video, waiting, lost);
  };
  const read = async (/** @type {number} */ frame, /** @type {number} */ time) => {
    try {
      const { faces } = await stream.read(grabbed(video, canvas, context), time);
      results.push({ frame, time, faces });
      progress(video.duration ? Math.min(1, time / video.duration) : 0);
    } catch (error) {
      failure ??= error;
    }
    waiting--;
    if (video.paused && !video.ended && !signal.aborted && waiting < AHEAD) video.play().catch(() => {});
  };

  video.requestVideoFrameCallback(take);
  video.currentTime = 0; // Shows the first frame once more, to be read like the others.
  await new Promise((resolve) => (video.onseeked = resolve));
  await video.play();
  await Promise.race([ended, stopped]);
  // The last frame may be shown after the end was told.
  await new Promise((resolve) => setTimeout(resolve, 150));
  video.pause();
  while (waiting) await new Promise((resolve) => setTimeout(resolve, 20));
  if (signal.aborted) throw new DOMException("stopped", "AbortError");
  if (failure) throw failure;
  missed += video.getVideoPlaybackQuality().droppedVideoFrames;
  const { smoothing, landmarks } = stream.device.settings;
  return { results: markTalking(smoothed(inOrder(results), smoothing), landmarks), missed };
}

/**
 * Play as fast as the frames are read, and rather slower than losing some.
 * @param {HTMLVideoElement} video
 * @param {number} waiting
 * @param {number} lost
 */
function pace(video, waiting, lost) {
  if (waiting > AHEAD) video.pause();
  const rate = video.playbackRate * (lost ? 0.6 : waiting > 1 ? 0.85 : 1.02);
  video.playbackRate = Math.min(FASTEST, Math.max(SLOWEST, rate));
}

/** Each time once, in order: a browser may show a frame again. @param {FrameResult[]} results */
function inOrder(results) {
  results.sort((a, b) => a.time - b.time);
  return results.filter((result, place) => place === 0 || result.time > results[place - 1].time);
}

/** The result that belongs to a moment. @param {FrameResult[]} results @param {number} time Seconds. */
export function at(results, time) {
  let low = 0,
    high = results.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (results[middle].time <= time + 1e-3) low = middle + 1;
    else high = middle;
  }
  const found = results[low - 1];
  return found && time - found.time < 0.5 ? found : null;
}
