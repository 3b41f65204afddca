/**
 * `<mien-camera>`: the visitor's camera, or a video or image, with the expressions that faces show, read on
 * the visitor's device.
 *
 * @example
 * <script type="module" src="/mien/mien-camera.js"></script>
 * <mien-camera mirrored></mien-camera>
 */

import { borrow, giveBack } from "./element/loans.js";
import { makeShadow } from "./element/shadow.js";
import { kindOf, videoError } from "./element/source.js";
import { resultOf } from "./faces.js";
import { pixelsIn } from "./images.js";
import { area } from "./inference/boxes.js";
import { inWords } from "./label.js";
import { Announcer } from "./live/announcer.js";
import { Camera, cameraError } from "./live/camera.js";
import { Overlay } from "./live/overlay.js";

/** Attributes that choose what is read; the others say how. */
const WHAT = ["src", "base", "model", "head", "words"];
const HOW = ["mirrored", "landmarks", "largest", "min-face", "interval", "overlay", "muted", "loop"];

/**
 * The visitor's camera with a box and a label at each face.
 *
 * Attributes: `src` (a video or an image instead of the camera), `base`, `model` and `head` (as `Reader.load`
 * has them), `autostart`, `mirrored`, `landmarks`, `largest`, `min-face` (px), `interval` (ms between two
 * frames that are read, at least), `overlay="none"`, `muted` and `loop` (of a video), `words` (JSON: what is
 * shown in place of each English word or sentence).
 *
 * Events: `ready`, `start`, `stop`, `faces` (a `CustomEvent` whose `detail` is a `FrameResult`) and `error`
 * (an `ErrorEvent`); none of them bubbles. Parts for CSS: `view`, `media`, `overlay`, `button`, `message`,
 * `notice`.
 */
export class MienCamera extends HTMLElement {
  static observedAttributes = [...WHAT, ...HOW];

  constructor() {
    super();
    /** @private */
    this.parts = makeShadow(this);
    /** @private */
    this.camera = new Camera(this.parts.video, {
      result: (result) => this.show(result),
      trouble: (error) => this.fail(error),
    });
    /** @private @type {import("./element/loans.js").Loan | null} */
    this.loan = null;
    /**
     * Once all is loaded.
     * @private
     * @type {{overlay: Overlay, announcer: Announcer, device: import("./device.js").Device} | null}
     */
    this.loaded = null;
    /** @private @type {Record<string, string>} */
    this.words = {};
    /** @private @type {import("./live/camera.js").Shown | null} */
    this.last = null;
    /** @private */
    this.frames = 0;
    /** @private */
    this.turn = 0; // Counts starts and stops, so that what comes late is dropped.
    /** @private */
    this.on = false;
    /** @private */
    this.rested = () => this.rest();
    /** @private */
    this.sized = new ResizeObserver(this.rested);
    this.parts.button.addEventListener("click", () => (this.on ? this.stop() : this.start()));
    this.parts.video.addEventListener("ended", () => this.stop());
  }

  /** Whether faces are being read, or soon will be. */
  get running() {
    return this.on;
  }

  connectedCallback() {
    document.addEventListener("visibilitychange", this.rested);
    this.sized.observe(this);
    this.begin(this.hasAttribute("autostart"));
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.rested);
    this.sized.disconnect();
    this.forget();
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} now
   */
  attributeChangedCallback(name, before, now) {
    if (before === now || !this.isConnected) return;
    if (HOW.includes(name)) return this.apply();
    const { on } = this;
    this.forget();
    this.begin(on);
  }

  /**
   * Start, as the button does: the browser asks its user for the camera.
   * @returns {Promise<void>} Settles when frames come, or once the element has said why none do.
   */
  async start() {
    if (this.on) return;
    const turn = ++this.turn;
    this.on = true;
    this.say("");
    try {
      const device = await this.load();
      const src = this.getAttribute("src");
      const kind = src === null ? "camera" : await kindOf(src);
      if (turn !== this.turn) return;
      if (src !== null && kind === "image") await this.look(device, turn, src);
      else await this.watch(device, turn, src);
      if (turn !== this.turn) return;
      this.rest();
      this.dispatchEvent(new Event("start"));
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    }
  }

  /** Stop, and turn the camera off. */
  stop() {
    this.turn++;
    this.camera.stop();
    this.last = null;
    this.frames = 0;
    this.parts.image.removeAttribute("src");
    this.draw();
    if (!this.on) return;
    this.on = false;
    this.say("");
    this.dispatchEvent(new Event("stop"));
  }

  /** Load the networks, and start where that is wanted. @private @param {boolean} start */
  begin(start) {
    try {
      this.words = JSON.parse(this.getAttribute("words") ?? "{}") ?? {};
    } catch (error) {
      const wrong = `words: expected JSON such as {"happy": "fröhlich"}; ${error.message}`;
      return this.fail(new Error(wrong));
    }
    this.say("");
    if (start) this.start();
    else this.load().catch((error) => (this.isConnected && !this.on ? this.fail(error) : null));
  }

  /** The networks, which other elements may have loaded. @private */
  async load() {
    const value = (/** @type {string} */ name) => this.getAttribute(name) ?? undefined;
    this.loan ??= borrow({ base: value("base"), model: value("model"), head: value("head") });
    const { loan } = this;
    try {
      const device = await loan.loading;
      if (this.loan === loan && !this.loaded) this.dress(device);
      return device;
    } catch (error) {
      if (this.loan === loan) this.loan = null;
      throw error;
    }
  }

  /**
   * What is drawn and said, in the words of the page.
   * @private
   * @param {import("./device.js").Device} device
   */
  dress(device) {
    const settings = { ...device.settings, words: this.words };
    this.loaded = {
      device,
      overlay: new Overlay(this.parts.canvas, settings),
      announcer: new Announcer(this.parts.status, settings),
    };
    this.parts.notice.textContent = this.inWords(settings.notice);
    this.dispatchEvent(new Event("ready"));
  }

  /** Stop, and leave the networks to others. @private */
  forget() {
    this.stop();
    giveBack(this.loan);
    this.loan = this.loaded = null;
  }

  /**
   * Read the camera, or a video.
   * @private
   * @param {import("./device.js").Device} device
   * @param {number} turn
   * @param {string | null} src
   */
  async watch(device, turn, src) {
    const stream = await device.stream({ ...this.options(device), cuts: src !== null });
    if (turn !== this.turn) return void stream.close();
    this.camera.use(stream);
    this.apply();
    try {
      await (src === null ? this.camera.start() : this.camera.open(src));
    } catch (error) {
      throw src === null ? cameraError(error) : videoError(src, error);
    }
  }

  /**
   * Read an image.
   * @private
   * @param {import("./device.js").Device} device
   * @param {number} turn
   * @param {string} src
   */
  async look(device, turn, src) {
    const { image } = this.parts;
    image.src = src;
    this.apply();
    const { minFace, largest, landmarks } = this.options(device);
    const pixels = await pixelsIn(image).catch((error) => {
      throw new Error(`${src}: ${error.message}`);
    });
    const { width, height } = pixels;
    const begun = performance.now();
    const found = await device.image(pixels, minFace, landmarks);
    if (turn !== this.turn) return;
    const faces = largest ? [...found].sort((a, b) => area(b.box) - area(a.box)).slice(0, 1) : found;
    this.show({ faces, time: begun / 1000, width, height, milliseconds: performance.now() - begun });
  }

  /** @private @param {import("./live/camera.js").Shown} result */
  show(result) {
    if (!this.loaded) return;
    const { device, announcer } = this.loaded;
    const { faces, ...frame } = result;
    this.last = result;
    this.parts.view.style.setProperty("--shape", String(frame.width / frame.height));
    this.draw();
    announcer.hear(faces, frame.time);
    const told = { ...frame, frame: this.frames++ };
    const detail = resultOf(faces, told, device.settings, false);
    this.dispatchEvent(new CustomEvent("faces", { detail }));
  }

  /** @private */
  draw() {
    const { loaded, last } = this;
    if (!loaded) return;
    loaded.overlay.mirrored = this.hasAttribute("mirrored");
    if (last && this.getAttribute("overlay") !== "none")
      loaded.overlay.show(last.faces, last.width, last.height);
    else loaded.overlay.clear();
  }

  /** What attributes say. @private @param {import("./device.js").Device} device */
  options(device) {
    const { min_face } = device.settings.detector;
    return {
      minFace: this.number("min-face", min_face),
      largest: this.hasAttribute("largest"),
      landmarks: this.hasAttribute("landmarks"),
    };
  }

  /** @private @param {string} name @param {number} otherwise */
  number(name, otherwise) {
    const text = this.getAttribute(name) ?? String(otherwise);
    if (text.trim() === "" || !(Number(text) >= 0 && Number(text) < Infinity))
      throw new Error(`${name}: expected a number, 0 or more; got ${JSON.stringify(text)}`);
    return Number(text);
  }

  /** Do as attributes say. @private */
  apply() {
    const { video, image, view } = this.parts;
    const still = image.hasAttribute("src");
    [image.hidden, video.hidden] = [!still, still];
    video.muted = this.hasAttribute("muted") || !this.hasAttribute("src");
    video.loop = this.hasAttribute("loop");
    view.classList.toggle("mirrored", this.hasAttribute("mirrored"));
    this.draw();
    try {
      this.camera.interval = this.number("interval", 0);
      if (this.loaded) this.camera.stream?.change(this.options(this.loaded.device));
    } catch (error) {
      this.fail(error);
    }
  }

  /** Nothing is read while nobody can see it. @private */
  rest() {
    const hidden = document.hidden || !this.offsetWidth;
    this.draw();
    if (!this.camera.running || hidden === this.camera.paused) return;
    if (hidden) this.camera.pause();
    else this.camera.resume().catch((error) => (this.on ? this.fail(error) : null));
  }

  /** Say in the element what is to be known; empty: nothing. @private @param {string} message */
  say(message) {
    this.parts.message.textContent = this.inWords(message);
    const start = this.hasAttribute("src") ? "Start" : "Start the camera";
    this.parts.view.classList.toggle("waiting", !this.on && !this.hasAttribute("src"));
    this.parts.button.textContent = this.inWords(this.on ? "Stop" : start);
  }

  /** @private @param {string} text */
  inWords(text) {
    return inWords(text, { words: this.words });
  }

  /** @private @param {Error} error */
  fail(error) {
    this.stop();
    this.say(error.message);
    this.dispatchEvent(new ErrorEvent("error", { message: error.message, error }));
  }
}

if (!customElements.get("mien-camera")) customElements.define("mien-camera", MienCamera);
