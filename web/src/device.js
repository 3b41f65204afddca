/**
 * The way on this device: a worker in this browser holds the networks.
 * @typedef {import("./inference/pixels.js").Box} Box
 * @typedef {{box: Box, detection_score: number, landmarks?: number[][], track?: number, probs: number[],
 *   smoothed_probs?: number[], smoothed_emotion_id?: number, mesh?: ArrayLike<number> | null,
 *   measures?: import("./inference/measures.js").Measures | null, measures_missing?: string | null,
 *   talking?: boolean | null}} Face
 * @typedef {Face & {track: number, smoothed_probs: number[], smoothed_emotion_id: number}} Tracked A face in
 *   a stream.
 * @typedef {{faces: Tracked[], milliseconds: number}} Answer
 * @typedef {{width: number, height: number, data: Uint8ClampedArray<ArrayBuffer>}} Pixels RGBA.
 *
 * @typedef {{minFace: number, largest?: boolean, landmarks?: boolean, live?: boolean, cuts?: boolean}}
 *   StreamOptions
 *
 * @typedef {object} Stream Either way's stream of frames.
 * @property {number} depth Frames that may be on their way at once.
 * @property {(pixels: Pixels, time: number) => Promise<Answer | null>} read
 * @property {(options: StreamOptions) => unknown} change
 * @property {() => unknown} close
 */

const PARTS = ["pnet", "rnet", "onet"];
const CLOSED = "this reader is closed: load another one";
/** A program with one instruction that works on several numbers at once, which ONNX Runtime Web needs. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
];

export class Device {
  /**
   * @param {import("./settings.js").Settings} settings The page's.
   * @param {URL} [base] The folder in which `networks/` lies; that of the service by default.
   */
  constructor(settings, base = new URL("../", import.meta.url)) {
    this.settings = settings;
    this.count = 0;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    /** @type {Error | null} Why nothing can be read any more. */
    this.lost = null;
    try {
      this.worker = started();
    } catch (error) {
      this.worker = null;
      this.lost = error;
    }
    if (this.worker) this.listen(this.worker);
    const networks = Object.fromEntries(
      settings.detector.networks.map((name, at) => [PARTS[at], `networks/${name}.onnx`]),
    );
    /** Settles once everything is loaded; from then on no connection is needed. */
    this.ready = this.ask({
      kind: "load",
      settings,
      networks: { ...networks, expression: settings.model.url },
      base: base.href,
      threads: threads(),
    });
    this.ready.catch(() => {}); // Whoever waits for it is told.
  }

  /** @param {Worker} worker */
  listen(worker) {
    worker.onmessage = ({ data }) => {
      const waiting = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.value);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const why =
        event.message ||
        "its worker did not start: a file beside worker.js is missing, or a Content-Security-Policy lacks " +
          "worker-src 'self' or script-src 'self' 'wasm-unsafe-eval'";
      this.end(new Error(`this browser cannot run the networks: ${why}`));
    };
  }

  /** Forget all streams and give back the memory. */
  close() {
    this.end(new Error(CLOSED));
  }

  /** @param {Error} error */
  end(error) {
    this.lost ??= error;
    this.worker?.terminate();
    for (const { reject } of this.waiting.values()) reject(this.lost);
    this.waiting.clear();
  }

  /** @param {any} message @param {Transferable[]} [transfer] @returns {Promise<any>} */
  ask(message, transfer = []) {
    if (this.lost) return Promise.reject(this.lost);
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker?.postMessage({ ...message, id }, transfer);
    });
  }

  /**
   * The faces of one image.
   * @param {Pixels} pixels Given away.
   * @param {number} minFace px
   * @param {boolean} landmarks
   * @returns {Promise<Face[]>}
   */
  async image({ width, height, data }, minFace, landmarks) {
    await this.ready;
    const given = { width, height, buffer: data.buffer, minFace, landmarks };
    const { faces } = await this.ask({ kind: "image", ...given }, [data.buffer]);
    return faces;
  }

  /**
   * A stream of frames, with a memory of its own.
   * @param {StreamOptions} options
   */
  async stream(options) {
    await this.ready;
    const stream = this.count++;
    await this.ask({ kind: "open", stream, options });
    return new DeviceStream(this, stream);
  }
}

export class DeviceStream {
  /** Frames that may be on their way at once. */
  depth = 2;

  /** @param {Device} device @param {number} stream */
  constructor(device, stream) {
    this.device = device;
    this.stream = stream;
  }

  /**
   * The faces of the next frame.
   * @param {Pixels} pixels Given away.
   * @param {number} time Seconds.
   * @returns {Promise<Answer>}
   */
  read({ width, height, data }, time) {
    return this.device.ask({ kind: "frame", stream: this.stream, width, height, buffer: data.buffer, time }, [
      data.buffer,
    ]);
  }

  /** @param {StreamOptions} options */
  change(options) {
    return this.device.ask({ kind: "change", stream: this.stream, options });
  }

  close() {
    return this.device.lost ? null : this.device.ask({ kind: "close", stream: this.stream });
  }
}

/** The worker that will hold the networks. */
function started() {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(new Uint8Array(SIMD)))
    throw new Error(
      "this browser cannot run the networks: it lacks WebAssembly with SIMD, which all have had " +
        "since 2023: use a newer one",
    );
  try {
    return new Worker(new URL("./inference/worker.js", import.meta.url), { type: "module" });
  } catch {
    throw new Error(
      `mien's files must lie on the same site as the page: expected ${location.origin}; got ` +
        `${new URL(import.meta.url).origin}: copy the folder there`,
    );
  }
}

/** Two at most: the networks are small, and the page needs a core too. */
function threads() {
  return crossOriginIsolated ? Math.min(2, Math.max(1, (navigator.hardwareConcurrency || 1) - 1)) : 1;
}
