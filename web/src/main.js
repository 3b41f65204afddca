/**
 * The page put together.
 */

import { Device } from "./device.js";
import { found } from "./dom.js";
import { Files } from "./files/files.js";
import { glyph, useIcons } from "./glyphs.js";
import { Announcer } from "./live/announcer.js";
import { Booth } from "./live/booth.js";
import { Camera, cameraError } from "./live/camera.js";
import { Group } from "./live/group.js";
import { LandmarksSwitch } from "./live/landmarks.js";
import { Overlay } from "./live/overlay.js";
import { People } from "./live/people.js";
import { Photos } from "./live/photos.js";
import { drawSample, sampleMinute } from "./live/sample.js";
import { Source } from "./live/source.js";
import { Stage } from "./live/stage.js";
import { Timeline } from "./live/timeline.js";
import { Login } from "./login.js";
import { asked, isHere, Server } from "./server.js";
import { STATES, whereFramesGo, whoLooks } from "./ways.js";

/** @param {string} id */
const part = (id) => found(document, `#${id}`, HTMLElement);

/** @param {string} id */
const button = (id) => found(document, `#${id}`, HTMLButtonElement);

/** @param {string} id */
const input = (id) => found(document, `#${id}`, HTMLInputElement);

/** The buttons of the ways. @returns {NodeListOf<HTMLInputElement>} */
const radios = () => document.querySelectorAll("input[name=way]");

/** @typedef {import("./ways.js").Way} Way */

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
          error ? "" : "That was all: the video came to its end. Start it again to see it anew.",
        ),
    });
    /** @type {Way} How frames are read. */
    this.name = "server";
    this.ways = { device: settings.device ? new Device(settings) : null, server, source: this.source };
    this.login = new Login(found(document, "#login", HTMLDialogElement));
    this.stage = new Stage(part("stage"));
    this.overlay = new Overlay(found(document, "#overlay", HTMLCanvasElement), settings);
    this.people = new People(part("people"), part("nobody"), settings);
    this.landmarks = new LandmarksSwitch(settings);
    this.group = new Group(part("group"), settings);
    this.timeline = new Timeline(found(document, "#timeline", HTMLCanvasElement), part("legend"), settings);
    this.announcer = new Announcer(part("announcer"), settings);
    this.camera = new Camera(found(document, "#video", HTMLVideoElement), {
      result: (result) => this.show(result),
      trouble: (error) => this.stopped(error),
    });
    const photos = new Photos(part("photos-card"), part("photos"), settings.photos);
    this.booth = new Booth(part("view"), settings, photos, () => this.feed.picture());
    this.files = new Files(this, { drop: part("drop"), choose: input("choose"), results: part("results") });
    this.shown = -Infinity;
    this.describe();
    this.listen();
    this.showSample();
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
      landmarks: this.landmarks.on(this.name),
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
    useIcons(this.settings.icons);
    for (const name of this.settings.labels) {
      const item = document.createElement("li");
      item.append(glyph(name, this.settings.colours[name]), name);
      part("gallery").append(item);
    }
    if (!device)
      part("device-note").textContent =
        "Not available: this mien was built without the parts that it needs in a browser " +
        "(MIEN_BUILD_WITHOUT_NPM), or reads with a model of its owner’s, which stays there, " +
        "so only the server can read";
    part("photos-note").textContent =
      "What the booth takes stays in this browser until the page is closed: save what you want to keep. " +
      (this.settings.photos ? "The others were saved by the rules that run on the server’s machine." : "");
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
    for (const id of ["min-face", "largest", "landmarks"])
      part(id).addEventListener("change", () => this.change());
    this.mirror();
  }

  /** Read with other options from now on. */
  async change() {
    this.measure();
    try {
      await this.camera.stream?.change(this.options);
    } catch (error) {
      this.stopped(error);
    }
  }

  /** Show points and movements where they are wanted. */
  measure() {
    const on = this.landmarks.on(this.name);
    this.landmarks.show(this.name);
    this.people.measure(on);
    this.source.points = on && !this.settings.source?.covered;
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
    part("way-note").textContent = whereFramesGo(way, this.settings);
    part("question").textContent =
      `Which expressions do the faces ${theirs ? "that the server sees" : "before your camera"} show?`;
    part("start").textContent = theirs ? "Show what the server sees" : "Start the camera";
    part("live-title").textContent = theirs ? "What the server sees" : "Camera";
    part("video").hidden = theirs;
    part("image").hidden = !theirs;
    for (const choice of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".yours")))
      choice.hidden = theirs;
    this.mirror();
    this.measure();
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

  /** Before anything was read there is a sample of it. */
  showSample() {
    document.documentElement.dataset.sample = "";
    const minute = sampleMinute(this.settings);
    const { faces, time } = minute[minute.length - 1];
    this.people.show(faces, time);
    this.group.show(faces);
    this.timeline.showSample(minute);
    const draw = () => drawSample(found(document, "#sample-image", HTMLCanvasElement), this.settings);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    draw();
  }

  /** What is read takes the place of the sample. */
  dropSample() {
    if (!("sample" in document.documentElement.dataset)) return;
    delete document.documentElement.dataset.sample;
    this.timeline.clear();
    this.forget();
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
      this.dropSample();
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
    this.overlay.clear();
    this.booth.see([]);
    this.stage.forget();
    if ("sample" in document.documentElement.dataset) return;
    this.people.clear();
    this.group.show([]);
  }

  /** @param {boolean} on */
  running(on) {
    part("welcome").hidden = on;
    for (const id of ["pause", "stop", "booth-open"]) part(id).hidden = !on;
    if (!on) this.booth.leave();
    this.stage.turn(on);
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
  tell(condition) {
    const lost = condition.state === "retrying";
    this.stage.say(STATES[condition.state] ?? "");
    part("image").classList.toggle("stale", lost);
    if (lost) this.forget(); // What was seen last is not what there is now.
    part("source-note").textContent = whoLooks(condition, this.settings);
  }

  /** @param {boolean} on */
  paused(on) {
    part("pause").ariaPressed = String(on);
    part("pause").textContent = on ? "Go on" : "Pause";
    this.stage.say(on ? "Paused" : "");
  }

  mirror() {
    const mirrored = input("mirror").checked;
    this.overlay.mirrored = mirrored && this.name !== "source";
    part("video").classList.toggle("mirrored", mirrored);
  }

  /** @param {import("./live/camera.js").FrameResult & {rates?: import("./live/source.js").Rates}} result */
  show({ faces, time, width, height, milliseconds, rates }) {
    if (this.feed.paused) return;
    this.stage.fit(width, height);
    this.overlay.show(faces, width, height);
    this.booth.see(faces);
    this.timeline.add(faces, time);
    this.people.watch(faces, time);
    this.announcer.hear(faces, time);
    this.stage.count(time, milliseconds);
    document.documentElement.dataset.results = String(
      Number(document.documentElement.dataset.results ?? 0) + 1,
    );
    const now = performance.now();
    if (now - this.shown < PEACE) return;
    this.shown = now;
    this.people.show(faces, time);
    this.group.show(faces);
    this.stage.showRate(rates);
  }

  /** @param {Error} [error] */
  trouble(error) {
    part("trouble").hidden = !error;
    part("trouble").textContent = error?.message ?? "";
  }
}

try {
  const settings = await (await asked("v1/page")).json();
  new Page(settings);
} catch (error) {
  part("trouble").hidden = false;
  part("trouble").textContent = error.message;
  part("readiness").textContent = "";
}
