/**
 * The page put together.
 */

import { Device } from "./device.js";
import { found } from "./dom.js";
import { Files } from "./files/files.js";
import { glyph } from "./glyphs.js";
import { Announcer } from "./live/announcer.js";
import { Camera } from "./live/camera.js";
import { Group } from "./live/group.js";
import { Overlay } from "./live/overlay.js";
import { People } from "./live/people.js";
import { Source } from "./live/source.js";
import { Timeline } from "./live/timeline.js";
import { Login } from "./login.js";
import { asked, isHere, Server } from "./server.js";

/** @param {string} id */
const part = (id) => found(document, `#${id}`, HTMLElement);

/** @param {string} id */
const button = (id) => found(document, `#${id}`, HTMLButtonElement);

/** @param {string} id */
const input = (id) => found(document, `#${id}`, HTMLInputElement);

/** The buttons of the ways. @returns {NodeListOf<HTMLInputElement>} */
const radios = () => document.querySelectorAll("input[name=way]");

/** @typedef {"device" | "server" | "source"} Way */

const PEACE = 150; // ms between two changes of the numbers.

class Page {
  /** @param {import("./settings.js").Settings} settings */
  constructor(settings) {
    this.settings = settings;
    const server = new Server(settings);
    this.source = new Source(found(document, "#image", HTMLCanvasElement), server, {
      result: (result) => this.show(result),
      condition: (condition) => this.tell(condition),
      trouble: (error) =>
        this.stopped(
          error,
          error
            ? ""
            : "That was all: the video came to its end. Start it again to see it from its beginning.",
        ),
    });
    /** @type {Way} How frames are read. */
    this.name = "server";
    this.ways = { device: settings.device ? new Device(settings) : null, server, source: this.source };
    this.login = new Login(found(document, "#login", HTMLDialogElement));
    this.overlay = new Overlay(found(document, "#overlay", HTMLCanvasElement), settings);
    this.people = new People(part("people"), part("nobody"), settings);
    this.group = new Group(part("group"), settings);
    this.timeline = new Timeline(found(document, "#timeline", HTMLCanvasElement), part("legend"), settings);
    this.announcer = new Announcer(part("announcer"), settings);
    this.camera = new Camera(found(document, "#video", HTMLVideoElement), {
      result: (result) => this.show(result),
      trouble: (error) => this.stopped(error),
    });
    this.files = new Files(this, { drop: part("drop"), choose: input("choose"), results: part("results") });
    this.shown = -Infinity;
    /** @type {{time: number, milliseconds: number}[]} */
    this.rates = [];
    this.describe();
    this.listen();
    this.choose(settings.device ? "device" : "server");
  }

  /** What is shown: the browser's camera, or the server's source. */
  get feed() {
    return this.name === "source" ? this.source : this.camera;
  }

  /** How files are read: the server's source is no way for them. */
  get fileWay() {
    return this.name === "source" ? "server" : this.name;
  }

  get options() {
    return {
      minFace: Number(found(document, "#min-face", HTMLSelectElement).value),
      largest: input("largest").checked,
    };
  }

  /** What is the same for everybody, in words. */
  describe() {
    const { model, version, device, notice } = this.settings;
    part("limits").textContent = model.limits;
    part("network").textContent = `Network: ${model.name} ${model.version}. ${model.summary}`;
    part("version").textContent = `mien ${version} · ${notice}`;
    part("server-note").textContent = isHere()
      ? "Frames go to mien on this machine, are read and forgotten"
      : `Frames go to ${location.hostname}, are read and forgotten`;
    for (const name of this.settings.labels) {
      const item = document.createElement("li");
      item.append(glyph(name, this.settings.colours[name]), name);
      part("gallery").append(item);
    }
    if (!device)
      part("device-note").textContent =
        "Not available: this mien was built without the parts that it needs in a browser " +
        "(MIEN_SERVER_ONLY_PAGE), so only the server can read";
    const offered = { device, server: true, source: Boolean(this.settings.source) };
    part("source-way").hidden = !offered.source;
    for (const radio of radios()) radio.disabled = !offered[/** @type {Way} */ (radio.value)];
  }

  listen() {
    for (const radio of radios())
      radio.addEventListener("change", () => this.choose(/** @type {Way} */ (radio.value)));
    part("start").addEventListener("click", () => this.start());
    part("stop").addEventListener("click", () => this.stopped());
    part("pause").addEventListener("click", () => this.pause());
    part("mirror").addEventListener("change", () => this.mirror());
    for (const id of ["min-face", "largest"])
      part(id).addEventListener("change", () => this.camera.stream?.change(this.options));
    this.mirror();
  }

  /** @param {Way} way */
  async choose(way) {
    // The camera goes on from one way of reading to the other; between it and the server's source a person
    // starts anew.
    if ((way === "source") !== (this.name === "source") && this.feed.running) this.stopped();
    this.name = way;
    for (const radio of radios()) radio.checked = radio.value === way;
    document.documentElement.dataset.way = way;
    const here = way === "device",
      theirs = way === "source";
    part("way-note").textContent = this.wayNote();
    part("question").textContent =
      `Which expressions do the faces ${theirs ? "that the server sees" : "before your camera"} show?`;
    part("start").textContent = theirs ? "Show what the server sees" : "Start the camera";
    part("live-title").textContent = theirs ? "What the server sees" : "Camera";
    part("video").hidden = theirs;
    part("image").hidden = !theirs;
    for (const choice of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".yours")))
      choice.hidden = theirs;
    this.mirror();
    part("files-note").textContent = here
      ? "They are read in this browser and go nowhere."
      : "They are sent to the server, read there and deleted.";
    button("start").disabled = true;
    part("readiness").textContent = here ? "Loading the networks, once …" : "Asking the server …";
    try {
      await this.ways[way]?.ready;
      if (this.name !== way) return;
      button("start").disabled = false;
      part("readiness").textContent = theirs
        ? "Ready. Your own camera stays off."
        : "Ready. Your browser will ask you, too.";
      if (this.camera.running) await this.connect();
    } catch (error) {
      if (this.name === way) this.stopped(error);
    }
  }

  /** Where frames go, and who sees them. */
  wayNote() {
    const place = isHere() ? "mien on this machine" : location.host;
    if (this.name === "device")
      return (
        "Everything is computed in this browser. No image leaves it, and once this page has loaded it " +
        "works without any connection."
      );
    if (this.name === "server")
      return `Frames are sent to ${place}, read there and forgotten at once. Nothing is stored.`;
    const covered = this.settings.source?.covered ? " Faces are covered before frames leave it." : "";
    return (
      `Frames come from a source that ${place} was started with: a camera, a stream, a screen or a video. ` +
      `Everybody who may use this server can see them, and it tells how many are looking.${covered} ` +
      "Nothing is stored."
    );
  }

  /** Read the camera's frames the way that is chosen. */
  async connect() {
    const way = this.name === "device" && this.ways.device ? this.ways.device : this.ways.server;
    this.camera.use(
      await this.login.through(
        async () => /** @type {import("./device.js").Stream} */ (await way.stream(this.options)),
      ),
    );
  }

  async start() {
    this.trouble();
    button("start").disabled = true;
    try {
      if (this.name === "source") await this.login.through(() => this.source.start());
      else {
        await this.connect();
        await this.camera.start();
      }
      this.running(true);
    } catch (error) {
      this.stopped(this.name === "source" ? error : cameraError(error));
    }
    button("start").disabled = false;
  }

  /**
   * @param {Error} [error] Why, where it was not asked for.
   * @param {string} [remark] In place of an error.
   */
  stopped(error, remark = "") {
    this.source.stop();
    if (this.camera.running) this.camera.stop();
    else this.camera.use(null);
    this.running(false);
    this.forget();
    this.trouble(error);
    if (remark) part("readiness").textContent = remark;
    if (!error) part("start").focus();
  }

  /** Nobody is shown any more. */
  forget() {
    this.rates = [];
    part("rate").textContent = "";
    this.overlay.clear();
    this.people.clear();
    this.group.show([]);
  }

  /** @param {boolean} on */
  running(on) {
    part("welcome").hidden = on;
    part("pause").hidden = part("stop").hidden = !on;
    part("stage").classList.toggle("on", on);
    part("source-note").hidden = !on || this.name !== "source";
    part("source-note").textContent = "";
    this.forget();
    this.paused(false);
    if (on && this.name === "source") this.tell(this.source.condition);
    if (on) part("pause").focus();
  }

  async pause() {
    try {
      if (this.feed.paused) await this.feed.resume();
      else this.feed.pause();
      this.paused(this.feed.paused);
    } catch (error) {
      this.stopped(error);
    }
  }

  /** How the server's source is. @param {import("./live/source.js").Condition} condition */
  tell({ source, state, message, viewers }) {
    const notes = /** @type {Record<string, string>} */ ({
      resting: "Opening …",
      opening: "Opening …",
      retrying: "Lost, trying again …",
    });
    part("stage-note").hidden = !(state in notes);
    part("stage-note").textContent = notes[state] ?? "";
    const lost = state === "retrying";
    part("image").classList.toggle("stale", lost);
    if (lost) this.forget(); // What was seen last is not what there is now.
    const looking = viewers > 1 ? `${viewers} are looking, you among them` : "only you are looking now";
    const covered = this.settings.source?.covered ? " Faces are covered there." : "";
    part("source-note").textContent =
      `${source}, a source of the server’s: ${looking}.${covered} ${lost ? message : ""}`.trim();
  }

  /** @param {boolean} on */
  paused(on) {
    part("pause").ariaPressed = String(on);
    part("pause").textContent = on ? "Go on" : "Pause";
    part("stage-note").hidden = !on;
    part("stage-note").textContent = "Paused";
  }

  mirror() {
    const mirrored = input("mirror").checked;
    this.overlay.mirrored = mirrored && this.name !== "source";
    part("video").classList.toggle("mirrored", mirrored);
  }

  /** @param {import("./live/camera.js").FrameResult & {rates?: import("./live/source.js").Rates}} result */
  show({ faces, time, width, height, milliseconds, rates }) {
    if (this.feed.paused) return;
    this.overlay.show(faces, width, height);
    this.timeline.add(faces, time);
    this.announcer.hear(faces, time);
    this.rates.push({ time, milliseconds });
    while (this.rates[0].time < time - 2) this.rates.shift();
    document.documentElement.dataset.results = String(
      Number(document.documentElement.dataset.results ?? 0) + 1,
    );
    const now = performance.now();
    if (now - this.shown < PEACE) return;
    this.shown = now;
    this.people.show(faces, time);
    this.group.show(faces);
    this.rate(rates);
  }

  /** @param {import("./live/source.js").Rates} [theirs] What the server tells of its source. */
  rate(theirs) {
    const seconds = this.rates[this.rates.length - 1].time - this.rates[0].time;
    if (seconds < 0.5) return;
    const delays = this.rates.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
    const delay = delays[this.rates.length >> 1].toFixed(0);
    const shown = ((this.rates.length - 1) / seconds).toFixed(0);
    part("rate").textContent = theirs
      ? `${shown} frames a second of ${theirs.captured.toFixed(0)} that come, read ${delay} ms after arrival`
      : `${shown} frames a second, ${delay} ms each`;
  }

  /** @param {Error} [error] */
  trouble(error) {
    part("trouble").hidden = !error;
    part("trouble").textContent = error?.message ?? "";
  }
}

/** What a browser's refusal means. @param {Error} error */
function cameraError(error) {
  const known = /** @type {Record<string, string>} */ ({
    NotAllowedError: "The camera may not be used: allow it for this page in the browser, then start again.",
    NotFoundError: "There is no camera: plug one in, or drop an image or a video onto this page.",
    NotReadableError: "The camera is in use by another program: close that, then start again.",
  });
  if (!navigator.mediaDevices)
    return new Error(
      "Browsers give cameras only to pages of this machine or over https: open this page that way.",
    );
  return known[error.name] ? new Error(known[error.name]) : error;
}

try {
  const settings = await (await asked("/v1/page")).json();
  new Page(settings);
} catch (error) {
  part("trouble").hidden = false;
  part("trouble").textContent = error.message;
  part("readiness").textContent = "";
}
