/**
 * A video that was read, shown with its boxes, and recorded with them.
 * @typedef {import("./movie.js").FrameResult} FrameResult
 */

import { contextOf } from "../dom.js";
import { make } from "./card.js";
import { at } from "./movie.js";
import { annotate } from "./image.js";

const TYPES = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp9", "video/webm;codecs=vp8"];
const BITS = 4e6; // Per second of the copy.

export class Replay {
  /**
   * @param {HTMLVideoElement} video
   * @param {FrameResult[]} results
   * @param {import("../settings.js").Settings} settings
   */
  constructor(video, results, settings) {
    this.video = video;
    this.results = results;
    this.settings = settings;
    this.canvas = make("canvas", "boxes");
    [this.canvas.width, this.canvas.height] = [video.videoWidth, video.videoHeight];
    this.context = contextOf(this.canvas);
    this.element = make("div", "replay");
    this.element.append(video, this.canvas);
    this.element.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
    Object.assign(video, { controls: true, playbackRate: 1, currentTime: 0 });
    /** @type {VideoFrameRequestCallback} */
    const show = (_now, { mediaTime }) => {
      this.draw(mediaTime);
      if (video.isConnected) video.requestVideoFrameCallback(show);
    };
    video.requestVideoFrameCallback(show);
  }

  /** @param {number} time Seconds. */
  draw(time) {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    annotate(this.context, at(this.results, time)?.faces ?? [], this.settings);
  }

  /**
   * A copy with the boxes in the image, made while the video plays once.
   * @param {(share: number) => void} progress
   * @param {AbortSignal} signal
   * @returns {Promise<{blob: Blob, ending: string}>}
   */
  async recorded(progress, signal) {
    const type = TYPES.find((name) => MediaRecorder.isTypeSupported(name));
    if (!type)
      throw new Error("This browser cannot write videos: read the file on the server for an annotated copy.");
    const { video } = this;
    const canvas = make("canvas", "");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = contextOf(canvas);
    /** @type {Blob[]} */
    const parts = [];
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: type, videoBitsPerSecond: BITS });
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const finished = new Promise((resolve) => (recorder.onstop = resolve));
    let on = true;
    /** @type {VideoFrameRequestCallback} */
    const show = (_now, { mediaTime }) => {
      if (!on) return;
      context.drawImage(video, 0, 0);
      annotate(context, at(this.results, mediaTime)?.faces ?? [], this.settings);
      progress(video.duration ? mediaTime / video.duration : 0);
      video.requestVideoFrameCallback(show);
    };
    video.pause();
    video.currentTime = 0;
    await new Promise((resolve) => (video.onseeked = resolve));
    video.requestVideoFrameCallback(show);
    recorder.start(1000);
    const ended = new Promise((resolve) => (video.onended = resolve));
    const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await video.play();
    await Promise.race([ended, stopped]);
    on = false;
    recorder.stop();
    await finished;
    return { blob: new Blob(parts, { type }), ending: type.startsWith("video/mp4") ? "mp4" : "webm" };
  }
}
