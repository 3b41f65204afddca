/**
 * The way on the server: frames over a WebSocket, files over HTTP.
 * @typedef {import("./device.js").Face} Face
 * @typedef {import("./device.js").Pixels} Pixels
 * @typedef {import("./device.js").StreamOptions} StreamOptions
 */

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const QUALITY = 0.92;

/**
 * Whether the server is this machine: then frames go as they are, and the answer is exactly that of the
 * device.
 */
export const isHere = () => LOOPBACK.test(location.hostname);

export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * Ask the service.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} One that went well.
 */
export async function asked(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused(0, "The server does not answer: is mien serve still running?");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => null);
  throw new Refused(answer.status, told?.error?.message ?? `the server answered ${answer.status}`);
}

export class Server {
  /** @param {import("./settings.js").Settings} settings The page's. */
  constructor(settings) {
    this.settings = settings;
    this.ready = Promise.resolve();
  }

  /**
   * The faces of one image.
   * @param {File} file
   * @param {number} minFace px
   * @param {boolean} landmarks
   * @returns {Promise<{faces: Face[], width: number, height: number}>}
   */
  async image(file, minFace, landmarks) {
    const form = new FormData();
    form.append("file", file, file.name);
    const more = landmarks ? "&landmarks=true&points=true" : "";
    const answer = await asked(`v1/images?min_face=${minFace}${more}`, { method: "POST", body: form });
    const [image] = (await answer.json()).images;
    if (image.status === "error") throw new Refused(image.error.status, image.error.message);
    return { ...image, faces: image.faces.map(this.taken, this) };
  }

  /** A stream of frames. @param {StreamOptions} options */
  async stream(options) {
    await asked("v1/models"); // A WebSocket does not tell why it was refused.
    return new ServerStream(this, options);
  }

  /** A face as the page has it: probabilities in the order of the labels. @param {any} face @returns {any} */
  taken(face) {
    const { labels } = this.settings;
    const column = (/** @type {Record<string, number> | null} */ values) =>
      values && labels.map((name) => values[name]);
    const smoothed_emotion_id =
      face.smoothed_emotion === null ? undefined : labels.indexOf(face.smoothed_emotion);
    return {
      ...face,
      track: face.track ?? undefined,
      probs: column(face.probs),
      smoothed_probs: column(face.smoothed_probs) ?? undefined,
      smoothed_emotion_id,
      mesh: face.mesh?.flat() ?? null,
    };
  }
}

class ServerStream {
  /**
   * Frames that may be on their way at once; the server answers each, and drops those that it cannot keep up
   * with.
   */
  depth = 2;

  /** @param {Server} server @param {StreamOptions} options */
  constructor(server, options) {
    this.server = server;
    this.options = options;
    this.raw = isHere();
    /** @type {Promise<WebSocket> | null} */
    this.socket = null;
    this.shape = "";
    /** @type {Promise<Uint8Array<ArrayBuffer> | void>} */
    this.packing = Promise.resolve();
    /** @type {Error | null} */
    this.lost = null;
    this.waiting = this.nobody();
  }

  /** Those who wait for an answer, by the number of their frame: none yet. */
  nobody() {
    const waiting =
      /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */ (
        new Map()
      );
    return Object.assign(waiting, { next: 0 });
  }

  /**
   * The faces of the next frame, or null where the server had no time for it.
   * @param {Pixels} pixels
   * @param {number} time Seconds.
   * @returns {Promise<import("./device.js").Answer | null>}
   */
  async read(pixels, time) {
    const start = performance.now();
    const shape = `${pixels.width} x ${pixels.height}`;
    if (!this.socket || this.shape !== shape) this.open(pixels, shape);
    const { waiting, socket: opened } = this;
    // In order, also where one frame takes longer to be packed than the next.
    const packed = this.raw ? rgb(pixels) : jpeg(pixels);
    const turn = this.packing.then(
      () => packed,
      () => packed,
    );
    this.packing = turn;
    const [frame, socket] = [await turn, await opened];
    if (waiting !== this.waiting || !socket) return null; // Other options have been chosen meanwhile.
    if (socket.readyState !== WebSocket.OPEN)
      throw this.lost ?? new Refused(0, "The connection to the server is lost.");
    const answer = await new Promise((resolve, reject) => {
      waiting.set(waiting.next++, { resolve, reject });
      new DataView(frame.buffer).setFloat64(0, time, true);
      socket.send(frame);
    });
    if (answer.status === "error") throw new Refused(answer.error.status, answer.error.message);
    if (answer.status === "skipped") return null;
    return {
      faces: answer.faces.map(this.server.taken, this.server),
      milliseconds: performance.now() - start,
    };
  }

  /** @param {Pixels} pixels @param {string} shape */
  open({ width, height }, shape) {
    this.close();
    this.shape = shape;
    const address = new URL("v1/stream", document.baseURI).href.replace("http", "ws");
    const socket = new WebSocket(address, ["mien.v1"]);
    const waiting = (this.waiting = this.nobody());
    const form = this.raw ? { format: "rgb", width, height } : { format: "image" };
    this.lost = null;
    this.socket = new Promise((resolve, reject) => {
      socket.onopen = () =>
        socket.send(
          JSON.stringify({
            type: "start",
            ...form,
            times: true,
            cuts: false, // A camera has none.
            largest: this.options.largest,
            min_face: this.options.minFace,
            landmarks: this.options.landmarks ?? false,
            points: this.options.landmarks ?? false,
          }),
        );
      socket.onmessage = ({ data }) => {
        const told = JSON.parse(data);
        if (told.type === "ready") resolve(socket);
        else if (told.type === "frame") {
          waiting.get(told.frame)?.resolve(told);
          waiting.delete(told.frame);
        } else if (told.type === "error") this.lost = new Refused(told.error.status, told.error.message);
      };
      socket.onclose = () => {
        const error = this.lost ?? new Refused(0, "The connection to the server is lost.");
        reject(error);
        for (const { reject: refuse } of waiting.values()) refuse(error);
      };
    });
    this.socket.catch(() => {}); // Whoever waits for it is told.
  }

  /** Other options begin another stream. @param {StreamOptions} options */
  change(options) {
    this.options = options;
    this.shape = "";
  }

  close() {
    this.socket?.then(
      (socket) => socket.close(),
      () => {},
    );
    this.socket = null;
    for (const { resolve } of this.waiting.values()) resolve({ status: "skipped" });
    this.waiting.clear();
  }
}

/** Eight bytes for the time, then red, green and blue. @param {Pixels} pixels */
function rgb({ width, height, data }) {
  const out = new Uint8Array(8 + width * height * 3);
  for (let from = 0, to = 8; from < data.length; from += 4) {
    out[to++] = data[from];
    out[to++] = data[from + 1];
    out[to++] = data[from + 2];
  }
  return out;
}

/** The same as JPEG. @param {Pixels} pixels */
async function jpeg({ width, height, data }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context)
    throw new Error("This browser cannot make JPEGs: close other pages, then load this one again.");
  context.putImageData(new ImageData(data, width, height), 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  const out = new Uint8Array(8 + blob.size);
  out.set(new Uint8Array(await blob.arrayBuffer()), 8);
  return out;
}
