/**
 * What the server's own source shows: its frames, each with the faces that were read in it.
 * @typedef {import("./camera.js").FrameResult} FrameResult
 * @typedef {{source: string, state: string, message: string | null, viewers: number}} Condition
 * @typedef {{captured: number, read: number, median: number | null}} Rates
 */

import { contextOf } from "../dom.js";
import { asked, Refused } from "../server.js";

const AHEAD = 2; // Frames asked for at once, so that the next is on its way while one is shown.

export class Source {
  /**
   * @param {HTMLCanvasElement} canvas Shows the frames.
   * @param {import("../server.js").Server} server
   * @param {{result: (result: FrameResult & {rates: Rates}) => void, condition: (condition: Condition) =>
   *   void, trouble: (error: Error | undefined) => void}} listener
   */
  constructor(canvas, server, listener) {
    this.canvas = canvas;
    this.context = contextOf(canvas);
    this.server = server;
    this.listener = listener;
    this.paused = false;
    this.points = false; // Whether the points of faces are asked for.
    /** @type {WebSocket | null} */
    this.socket = null;
    this.ready = Promise.resolve();
  }

  get running() {
    return this.socket !== null || this.paused;
  }

  /** Look; settles once the server lets us. */
  async start() {
    // A WebSocket does not tell why it was refused.
    this.condition = await (await asked("v1/source")).json();
    this.paused = false;
    const address = new URL("v1/source", document.baseURI).href.replace("http", "ws");
    const socket = new WebSocket(address, ["mien.v1"]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.shift = NaN;
    /** @type {Error | undefined} */
    this.why = new Refused(0, "The connection to the server is lost.");
    let shown = Promise.resolve();
    socket.onopen = () => {
      for (let frame = 0; frame < AHEAD; frame++) this.next(socket);
    };
    socket.onmessage = ({ data }) => {
      // In order, also where an image takes long to be unpacked.
      shown = shown
        .then(() =>
          typeof data === "string" ? this.told(JSON.parse(data), socket) : this.show(data, socket),
        )
        .catch((error) => this.failed(error, socket));
    };
    socket.onclose = () => shown.then(() => this.failed(this.why, socket));
  }

  /** @param {WebSocket} socket */
  next(socket) {
    if (socket.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ type: "next", points: this.points }));
  }

  /** @param {any} told @param {WebSocket} socket */
  told(told, socket) {
    if (socket !== this.socket) return;
    if (told.type === "error") this.why = new Refused(told.error.status, told.error.message);
    if (told.type !== "state") return;
    this.condition = { ...this.condition, ...told };
    if (told.state === "ended") this.why = undefined;
    this.listener.condition(this.condition);
  }

  /** @param {ArrayBuffer} data @param {WebSocket} socket */
  async show(data, socket) {
    const length = new DataView(data).getUint32(0, true);
    const told = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    const image = await createImageBitmap(
      new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }),
    );
    if (socket !== this.socket) return;
    if (this.canvas.width !== image.width || this.canvas.height !== image.height)
      [this.canvas.width, this.canvas.height] = [image.width, image.height];
    this.context.drawImage(image, 0, 0);
    image.close();
    // The source's own time, on the page's clock.
    const now = performance.now() / 1000;
    if (Number.isNaN(this.shift)) this.shift = now - told.time;
    this.listener.result({
      faces: told.faces.map(this.server.taken, this.server),
      time: told.time + this.shift,
      width: told.width,
      height: told.height,
      milliseconds: 1000 * told.latency,
      rates: told.rates,
    });
    this.next(socket);
  }

  /** @param {Error | undefined} error Without one the source came to its end. @param {WebSocket} socket */
  failed(error, socket) {
    if (socket !== this.socket) return;
    this.stop();
    this.listener.trouble(error);
  }

  /** What is shown. */
  picture() {
    return this.canvas;
  }

  /** The last frame stays; nothing is asked of the server meanwhile. */
  pause() {
    this.leave();
    this.paused = true;
  }

  resume() {
    return this.start();
  }

  stop() {
    this.leave();
    this.paused = false;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  leave() {
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }
}
