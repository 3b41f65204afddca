/**
 * The booth: the view of the camera fills the screen, counts down once everybody shows an expression or the
 * button is pressed, and takes a photo.
 * @typedef {import("../device.js").Face} Face
 */

import { found } from "../dom.js";
import { everybodyShows, Trigger } from "./trigger.js";

const TICK = 100; // ms
const QUALITY = 0.92;
const SAID = { waiting: "", counting: "Hold it …", photo: "", resting: "Got it." };

export class Booth {
  /**
   * @param {HTMLElement} view What fills the screen.
   * @param {import("../settings.js").Settings} settings
   * @param {import("./photos.js").Photos} photos
   * @param {() => HTMLCanvasElement | null} picture What the camera or the source shows now.
   */
  constructor(view, settings, photos, picture) {
    this.view = view;
    this.settings = settings;
    this.photos = photos;
    this.picture = picture;
    this.when = found(view, "#booth-when", HTMLSelectElement);
    this.number = found(view, "#booth-count", HTMLElement);
    this.said = found(view, "#booth-say", HTMLElement);
    this.opener = found(view, "#booth-open", HTMLButtonElement);
    this.shutter = found(view, "#booth-shoot", HTMLButtonElement);
    /** @type {Face[]} */
    this.faces = [];
    this.trigger = new Trigger();
    this.timer = 0;
    for (const [value, text] of choices(settings.labels)) this.when.add(new Option(text, value));
    this.opener.addEventListener("click", () => this.enter());
    this.shutter.addEventListener("click", () => this.trigger.press(now()));
    found(view, "#booth-leave", HTMLButtonElement).addEventListener("click", () => this.leave());
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement) this.leave();
    });
    addEventListener("keydown", ({ key }) => key === "Escape" && this.leave());
  }

  get open() {
    return this.timer !== 0;
  }

  async enter() {
    if (this.open) return;
    this.trigger = new Trigger();
    this.timer = setInterval(() => this.tick(), TICK);
    this.arrange(true);
    this.shutter.focus();
    this.photos.watch().catch((error) => this.tell(error.message));
    try {
      await this.view.requestFullscreen({ navigationUI: "hide" });
    } catch {
      // The view fills the page all the same: some browsers have no full screen, or not for this page.
    }
  }

  leave() {
    if (!this.open) return;
    clearInterval(this.timer);
    this.timer = 0;
    this.photos.leave();
    this.arrange(false);
    this.number.textContent = "";
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    if (!this.opener.hidden) this.opener.focus();
  }

  /** @param {boolean} open */
  arrange(open) {
    document.documentElement.classList.toggle("in-booth", open);
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-beside]")))
      part.inert = open;
    this.tell("");
  }

  /** @param {Face[]} faces In view. */
  see(faces) {
    this.faces = faces;
  }

  tick() {
    const time = now();
    const column = this.settings.labels.indexOf(this.when.value);
    this.trigger.update(everybodyShows(this.faces, column), time);
    const { phase } = this.trigger;
    const left = this.trigger.left(time);
    const number = left ? String(left) : "";
    if (this.number.textContent !== number) this.number.textContent = number;
    this.shutter.ariaDisabled = String(phase !== "waiting");
    if (phase === "photo") this.shoot();
    else this.tell(phase === "waiting" ? this.invitation() : SAID[phase]);
  }

  invitation() {
    const name = this.when.value;
    if (!name) return "Press the button when you are ready.";
    return this.faces.length ? `A photo is taken when everybody looks ${name}.` : "Step before the camera.";
  }

  async shoot() {
    const canvas = this.picture();
    if (!canvas) return;
    const people = this.faces.length;
    const blob = await new Promise((/** @type {BlobCallback} */ resolve) =>
      canvas.toBlob(resolve, "image/jpeg", QUALITY),
    );
    if (blob) this.photos.add(blob, people);
    else this.tell("This browser could not keep the photo: close other pages, then try again.");
  }

  /** @param {string} text */
  tell(text) {
    if (this.said.textContent !== text) this.said.textContent = text;
  }
}

const now = () => performance.now() / 1000;

/** When a photo is taken, first what is usual. @param {string[]} labels @returns {[string, string][]} */
function choices(labels) {
  const first = labels.filter((name) => name === "happy");
  const rest = labels.filter((name) => name !== "happy");
  return [
    ...[...first, ...rest].map((name) => /** @type {[string, string]} */ ([name, `everybody looks ${name}`])),
    ["", "the button is pressed"],
  ];
}
