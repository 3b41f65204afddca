/**
 * The browser's camera, or a video, as a course of frames, each as soon as it is there; while some are being
 * read the newest ones wait for nobody.
 * @typedef {import("../device.js").Stream} Stream
 * @typedef {{faces: import("../device.js").Tracked[], time: number, width: number, height: number,
 *   milliseconds: number}} FrameResult
 * @typedef {Omit<FrameResult, "faces"> & {faces: import("../device.js").Face[]}} Shown A frame, or an image.
 */

import { contextOf } from "../dom.js";

const WIDTH = 640,
  HEIGHT = 480;
const UNSEEN = 120; // ms without word of a frame after which one is taken all the same.
const UNTOLD = 33; // ms between frames in a browser that does not tell of them.
const PATIENCE = 3; // Frames that may fail one after the other.

export class Camera {
  /**
   * @param {HTMLVideoElement} video
   * @param {{result: (result: FrameResult) => void, trouble: (error: Error) => void}} listener
   */
  constructor(video, listener) {
    this.video = video;
    this.listener = listener;
    this.canvas = document.createElement("canvas");
    this.context = contextOf(this.canvas, { willReadFrequently: true });
    this.paused = false;
    this.interval = 0; // ms between frames, at least.
    this.taken = -Infinity; // When the last one was read, ms.
    this.inFlight = 0;
    this.failed = 0;
    this.seen = -1; // The video's own time of the frame that was taken last.
    this.turn = 0; // Counts streams, so that late answers of an earlier one are dropped.
    /** @type {Stream | null} */
    this.stream = null;
    this.starts = 0; // Counts starts and stops: a camera that comes after the stop is turned off.
    /** @type {MediaStream | string | null} The camera, or the address of a video. */
    this.source = null;
  }

  get running() {
    return this.source !== null;
  }

  /** Ask for the camera and start. */
  async start() {
    const size = {
      width: { ideal: WIDTH },
      height: { ideal: HEIGHT },
      frameRate: { ideal: 30 },
      facingMode: "user",
      resizeMode: { ideal: "none" }, // A size that the camera has: nothing is cut off to get another shape.
    };
    const start = ++this.starts;
    const camera = await navigator.mediaDevices.getUserMedia({ video: size, audio: false });
    if (start !== this.starts) return turnOff(camera);
    camera.getVideoTracks()[0].addEventListener("ended", () => {
      this.stop();
      this.listener.trouble(new Error("The camera is gone: plug it in again, then start."));
    });
    this.video.srcObject = camera;
    await this.play(camera);
  }

  /** Start with a video. @param {string} url */
  async open(url) {
    this.starts++;
    this.video.src = url;
    await this.play(url);
  }

  /** @param {MediaStream | string} source */
  async play(source) {
    this.source = source;
    this.paused = false;
    await this.video.play();
    this.next(source);
  }

  /** Read with another stream from now on. @param {Stream | null} stream */
  use(stream) {
    this.stream?.close();
    this.stream = stream;
    this.turn++;
    this.inFlight = this.failed = 0;
  }

  /** What the camera sees, in its own size; null before the first frame. */
  picture() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [videoWidth, videoHeight];
    contextOf(canvas).drawImage(this.video, 0, 0);
    return canvas;
  }

  pause() {
    this.paused = true;
    this.video.pause();
  }

  async resume() {
    this.paused = false;
    await this.video.play();
  }

  stop() {
    this.starts++;
    if (this.source instanceof MediaStream) turnOff(this.source);
    this.source = null;
    this.video.srcObject = null;
    if (this.video.src) {
      this.video.removeAttribute("src");
      this.video.load(); // Gives back what was loaded of it.
    }
    this.use(null);
  }

  /**
   * Wait for the next frame, as long as the camera is not stopped or started anew.
   * @param {MediaStream | string} source
   */
  next(source) {
    if (!this.running || source !== this.source) return;
    const taken = () => {
      clearTimeout(timer);
      if (told) this.video.cancelVideoFrameCallback(frame);
      this.next(source);
      const there = this.running && source === this.source && this.video.videoWidth > 0;
      // A frame that a slow camera still shows is not read again.
      const now = performance.now();
      const due = this.video.currentTime !== this.seen && now >= this.taken + this.interval;
      if (there && due && !this.paused && this.stream && this.inFlight < this.stream.depth)
        this.read(this.stream, this.turn, now / 1000);
    };
    const told = "requestVideoFrameCallback" in this.video;
    const frame = told ? this.video.requestVideoFrameCallback(taken) : 0;
    // A video that was scrolled out of sight tells of no frames, and still has them; some browsers never
    // tell.
    const timer = setTimeout(taken, told ? UNSEEN : UNTOLD);
  }

  /** @param {Stream} stream @param {number} turn @param {number} time Seconds. */
  async read(stream, turn, time) {
    this.seen = this.video.currentTime;
    this.taken = 1000 * time;
    const pixels = grabbed(this.video, this.canvas, this.context);
    const { width, height } = pixels;
    this.inFlight++;
    try {
      const answer = await stream.read(pixels, time);
      if (turn !== this.turn) return;
      this.failed = 0;
      if (answer) this.listener.result({ ...answer, time, width, height });
    } catch (error) {
      if (turn !== this.turn) return;
      if (++this.failed >= PATIENCE || error.status === 0 || error.status === 401) {
        this.use(null);
        this.listener.trouble(error);
      }
    } finally {
      if (turn === this.turn) this.inFlight--;
    }
  }
}

/** @param {MediaStream} camera */
function turnOff(camera) {
  for (const track of camera.getTracks()) track.stop();
}

/**
 * The frame that a video shows.
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2D} context
 */
export function grabbed(video, canvas, context) {
  const width = video.videoWidth,
    height = video.videoHeight;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  context.drawImage(video, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** What a browser's refusal means. @param {Error} error */
export function cameraError(error) {
  const known = /** @type {Record<string, string>} */ ({
    NotAllowedError: "The camera may not be used: allow it for this page in the browser, then start again.",
    NotFoundError: "There is no camera: plug one in, then start again; images and videos need none.",
    NotReadableError: "The camera is in use by another program: close that, then start again.",
  });
  if (!navigator.mediaDevices)
    return new Error(
      "Browsers give cameras only to pages of this machine or over https: open this page that way.",
    );
  return known[error.name] ? new Error(known[error.name]) : error;
}
