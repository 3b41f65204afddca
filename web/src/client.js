/**
 * A client of `mien serve` for browsers and Node (20 or later): images, videos as jobs, streams. It needs
 * nothing but this file. The service answers with facial expressions; each answer says so (`notice`).
 */

// --- Written by build_tools/service_types.py: make client

/**
 * @typedef {object} Cause
 * @property {number} status
 * @property {string} kind
 * @property {string} message
 */
/**
 * @typedef {object} Face
 * @property {number} frame
 * @property {number} time
 * @property {[number, number, number, number]} box
 * @property {number} detection_score
 * @property {Array<[number, number]> | null} landmarks
 * @property {number | null} track
 * @property {string | null} emotion
 * @property {number | null} confidence
 * @property {Record<string, number> | null} probs
 * @property {string | null} smoothed_emotion
 * @property {Record<string, number> | null} smoothed_probs
 * @property {string | null} label
 * @property {number | null} label_confidence
 * @property {number | null} valence
 * @property {number | null} expressiveness
 * @property {Record<string, number | null> | null} measures
 * @property {string | null} measures_missing
 * @property {boolean | null} talking
 * @property {Array<[number, number, number]> | null} mesh
 */
/**
 * @typedef {object} Health
 * @property {"ok" | "degraded"} status
 * @property {string} version
 * @property {string | null} reason
 */
/**
 * @typedef {object} Image
 * @property {string} source
 * @property {"face" | "no_face" | "error"} status
 * @property {number | null} width
 * @property {number | null} height
 * @property {Array<Face>} faces
 * @property {Cause | null} error
 */
/**
 * @typedef {object} Images
 * @property {string} notice
 * @property {string} model
 * @property {string} digest
 * @property {string} head
 * @property {string} detector
 * @property {Array<Image>} images
 */
/**
 * @typedef {object} Label
 * @property {string} name
 * @property {string} colour
 * @property {string} icon
 * @property {number | null} valence
 */
/**
 * @typedef {object} ModelList
 * @property {string} notice
 * @property {string} model
 * @property {string} digest
 * @property {string} head
 * @property {string} detector
 * @property {string} version
 * @property {Array<string>} detectors
 * @property {boolean} landmarks
 * @property {Array<NetworkFile>} models
 */
/**
 * @typedef {object} NetworkFile
 * @property {string} name
 * @property {string} version
 * @property {"expression" | "detector" | "landmarks"} kind
 * @property {boolean} offered
 * @property {string | null} url
 * @property {number} bytes
 * @property {string} sha256
 * @property {string} digest
 * @property {Record<string, Array<Label>>} heads
 * @property {number | null} size
 * @property {Record<string, number> | null} crop
 * @property {Record<string, number>} temperatures
 * @property {Record<string, any>} card
 */
/**
 * @typedef {object} VideoJob
 * @property {string} notice
 * @property {string} model
 * @property {string} digest
 * @property {string} head
 * @property {string} detector
 * @property {string} id
 * @property {string} name
 * @property {"waiting" | "running" | "done" | "failed"} state
 * @property {string} stage
 * @property {number} frames
 * @property {number | null} expected
 * @property {number | null} progress
 * @property {Record<string, any>} options
 * @property {number} created
 * @property {number | null} ended
 * @property {number | null} expires
 * @property {Cause | null} error
 * @property {Record<string, string>} results
 */
/**
 * @typedef {object} ImageOptions
 * @property {string} [model]
 * @property {string} [head]
 * @property {string} [detector]
 * @property {number} [min_face]
 * @property {boolean} [largest]
 * @property {boolean} [landmarks]
 * @property {boolean} [points]
 */
/**
 * @typedef {object} VideoOptions
 * @property {string} [model]
 * @property {string} [head]
 * @property {string} [detector]
 * @property {number} [interval]
 * @property {number} [fps]
 * @property {boolean} [largest]
 * @property {number} [min_face]
 * @property {number} [tau]
 * @property {number | string} [baseline]
 * @property {string} [results]
 * @property {boolean} [thumbnails]
 * @property {string} [blur]
 * @property {boolean} [landmarks]
 * @property {number} [start]
 * @property {number} [end]
 */
/**
 * @typedef {object} StreamOptions
 * @property {string} [model]
 * @property {string} [head]
 * @property {string} [detector]
 * @property {number} [min_face]
 * @property {boolean} [largest]
 * @property {boolean} [landmarks]
 * @property {boolean} [points]
 * @property {boolean} [cuts]
 * @property {number} [tau]
 * @property {number} [baseline]
 */
const VERSION = "0.2.0";

// --- Written by hand

/** @typedef {Blob | ArrayBuffer | Uint8Array<ArrayBuffer>} Sendable An image or video as a file has it. */
/**
 * @typedef {object} StreamReady
 * @property {string} notice
 * @property {string} model
 * @property {string} digest
 * @property {string} head
 * @property {string} detector
 * @property {string[]} labels
 */
/**
 * @typedef {object} StreamedFrame
 * @property {number} frame
 * @property {number | null} time
 * @property {"face" | "no_face" | "error" | "skipped"} status
 * @property {number} [width]
 * @property {number} [height]
 * @property {Face[]} faces
 * @property {Cause} [error]
 */

/**
 * Without these an answer is not understood; what it lacks or has beyond does not matter.
 * @type {{
 *   Images: (keyof Images)[],
 *   VideoJob: (keyof VideoJob)[],
 *   ModelList: (keyof ModelList)[],
 *   Health: (keyof Health)[],
 * }}
 */
const NEEDED = {
  Images: ["notice", "images"],
  VideoJob: ["id", "state", "results"],
  ModelList: ["models"],
  Health: ["status", "version"],
};
const BUSY = [429, 503];
const LONGEST_PAUSE = 60; // seconds

/** The service did not do what it was asked for, or is not there; `message` is one line, mostly its own. */
export class ServiceError extends Error {
  /**
   * @param {string} message
   * @param {string} kind The service's short word; where none came `unreachable`, `too_slow`,
   * `broken_off`, `redirected`, `not_mien` or `other_version`.
   * @param {number | null} status Of HTTP; null where no answer came.
   */
  constructor(message, kind, status = null) {
    super(message);
    this.name = "ServiceError";
    this.kind = kind;
    this.status = status;
  }
}

/** Asks a service. A page may ask only the service that it comes from: others refuse it. */
export class Client {
  /**
   * @param {string} [url] Of the service, with a path where it is behind a prefix.
   * @param {object} [options]
   * @param {string | null} [options.token] What the service was started with.
   * @param {number} [options.timeout] Seconds after which a request without an answer fails.
   * @param {number} [options.retries] How often a request is sent again where the service has no room.
   * @param {typeof globalThis.WebSocket} [options.WebSocket] For streams in Node 20, which has none.
   */
  constructor(
    url = "http://127.0.0.1:8000",
    { token = null, timeout = 60, retries = 3, WebSocket = globalThis.WebSocket } = {},
  ) {
    if (!/^https?:\/\/[^/?#@]+[^?#@]*$/.test(url)) {
      throw new TypeError(`${url}: expected an address such as http://127.0.0.1:8000; got another`);
    }
    this.url = url.replace(/\/+$/, "");
    this.timeout = timeout;
    this.retries = retries;
    this.WebSocket = WebSocket;
    /** @type {string | null} */
    this.token = token;
  }

  /**
   * Read one image, or several with one request; in the answer they are in the order given.
   * @param {Sendable | Sendable[]} images A File is called by its name.
   * @param {ImageOptions} [options]
   * @returns {Promise<Images>}
   */
  async images(images, options = {}) {
    const several = Array.isArray(images) ? images : [images];
    if (!several.length) throw new TypeError("expected at least one image; got an empty list");
    const form = new FormData();
    several.forEach((image, index) => form.append("file", blob(image), named(image, `image-${index + 1}`)));
    const address = `/v1/images?${new URLSearchParams(texts(options))}`;
    return await this.#told("Images", address, { method: "POST", body: form });
  }

  /**
   * Hand in a video, to be read when it is its turn.
   * @param {Sendable} video A File is called by its name.
   * @param {Omit<VideoOptions, "results"> & { results?: string | string[] }} [options]
   * @returns {Promise<Job>}
   */
  async video(video, options = {}) {
    const form = new FormData();
    form.append("file", blob(video), named(video, "video"));
    for (const [name, value] of Object.entries(texts(options))) form.append(name, value);
    const { id } = await this.#told("VideoJob", "/v1/videos", { method: "POST", body: form });
    return this.job(id);
  }

  /** A video that was handed in before. @param {string} id */
  job(id) {
    return new Job(this, id, (kind, path) => this.#told(kind, path));
  }

  /**
   * Open a stream, whose frames are read as they come and in which people are followed.
   * @param {StreamOptions} [options]
   * @returns {Promise<FrameStream>}
   */
  async stream(options = {}) {
    await this.models(); // A WebSocket does not tell why it was refused.
    if (!this.WebSocket)
      throw new TypeError("expected a WebSocket; this Node has none: give one as an option");
    const protocols = ["mien.v1", ...(this.token === null ? [] : [`mien.token.${this.token}`])];
    const socket = new this.WebSocket(`${this.url.replace(/^http/, "ws")}/v1/stream`, protocols);
    return FrameStream.opened(socket, options, this.url);
  }

  /** What the service reads with, and what may be chosen. @returns {Promise<ModelList>} */
  async models() {
    return await this.#told("ModelList", "/v1/models");
  }

  /** Whether the service is up, and its version; no token is needed. @returns {Promise<Health>} */
  async health() {
    return await this.#told("Health", "/healthz");
  }

  /**
   * An answer that went well, with its body still to be read; for what has no method here.
   * @param {string} path Below the address of the service.
   * @param {RequestInit} [request]
   * @returns {Promise<Response>}
   */
  async ask(path, request = {}) {
    const answer = await this.#answered(path, request);
    if (answer.type === "opaqueredirect" || (answer.status >= 300 && answer.status < 400)) {
      const place = answer.headers.get("location") ?? "another place";
      const came = `was sent on to ${place}, where nothing is sent: give the address of the service`;
      throw new ServiceError(`${this.url}: expected an answer; ${came}`, "redirected", answer.status);
    }
    if (answer.ok) return answer;
    const cause = (await answer.json().catch(() => null))?.error;
    if (typeof cause?.message !== "string") throw this.#notMien(answer);
    if (answer.status === 404 && cause.message === "Not Found") {
      await this.#compared(answer.status, "it has no such request");
      const came = "it has none at this path: check the prefix";
      throw new ServiceError(`${this.url}: expected a service of mien; ${came}`, "not_mien", 404);
    }
    throw new ServiceError(cause.message, cause.kind, cause.status);
  }

  /** @param {string} path @param {RequestInit} request */
  async #answered(path, request) {
    for (let left = this.retries; ; left -= 1) {
      const answer = await this.#sent(path, request);
      if (!BUSY.includes(answer.status) || left <= 0) return answer;
      await answer.arrayBuffer();
      const seconds = Number(answer.headers.get("retry-after") ?? 1);
      const pause = Math.min(LONGEST_PAUSE, Math.max(0, Number.isNaN(seconds) ? 1 : seconds));
      await new Promise((resolve) => setTimeout(resolve, 1000 * pause));
    }
  }

  /** @param {string} path @param {RequestInit} request */
  async #sent(path, request) {
    const headers = new Headers(request.headers);
    if (this.token !== null) headers.set("Authorization", `Bearer ${this.token}`);
    const signal = request.signal ?? AbortSignal.timeout(1000 * this.timeout);
    try {
      // Faces and the token go nowhere but to the host that was named.
      return await fetch(this.url + path, { ...request, headers, signal, redirect: "manual" });
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw fault(this.url, this.timeout, error);
    }
  }

  /**
   * @param {keyof typeof NEEDED} kind
   * @param {string} path
   * @param {RequestInit} [request]
   * @returns {Promise<any>}
   */
  async #told(kind, path, request) {
    const answer = await this.ask(path, request);
    /** @type {any} */
    let told;
    try {
      told = JSON.parse(await answer.text());
    } catch (error) {
      throw error instanceof SyntaxError ? this.#notMien(answer) : fault(this.url, this.timeout, error);
    }
    const missing = NEEDED[kind].find((name) => told?.[name] === undefined);
    if (missing === undefined) return told; // What a newer service says beyond is left as it is.
    await this.#compared(answer.status, `${missing}: missing`);
    throw this.#notMien(answer);
  }

  /** Nothing where the service has the version of this client. @param {number} status @param {string} why */
  async #compared(status, why) {
    const said = await this.#sent("/healthz", {});
    const version = said.ok ? (await said.json().catch(() => null))?.version : undefined;
    if (version === undefined || version === VERSION) return;
    const came = `expected a service of mien ${VERSION}, as this client; got one of ${version} (${why})`;
    throw new ServiceError(`${this.url}: ${came}: take client.js from there`, "other_version", status);
  }

  /** @param {Response} answer */
  #notMien(answer) {
    const kind = (answer.headers.get("content-type") ?? "no type").split(";")[0];
    const came = `got ${kind} with status ${answer.status}: check the address, and what stands between`;
    return new ServiceError(
      `${this.url}: expected an answer of mien serve; ${came}`,
      "not_mien",
      answer.status,
    );
  }
}

/** A video of the service's queue. */
export class Job {
  #told;

  /**
   * @param {Client} client
   * @param {string} id
   * @param {(kind: "VideoJob", path: string) => Promise<any>} told
   */
  constructor(client, id, told) {
    this.client = client;
    this.id = id;
    this.#told = told;
  }

  /** How far it is. @returns {Promise<VideoJob>} */
  async state() {
    return await this.#told("VideoJob", this.#path());
  }

  /**
   * Its states as they change, the last with the state `done` or `failed`.
   * @param {AbortSignal} [signal] Ends it before.
   * @returns {AsyncGenerator<VideoJob, void, void>}
   */
  async *progress(signal) {
    const stop = new AbortController();
    signal?.addEventListener("abort", () => stop.abort(signal.reason));
    const answer = await this.client.ask(this.#path("events"), { signal: stop.signal });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    const decoder = new TextDecoder();
    let text = "";
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        text += decoder.decode(value, { stream: true });
        const events = text.split("\n\n");
        text = /** @type {string} */ (events.pop());
        for (const event of events) {
          if (event.startsWith("event: deleted")) {
            throw new ServiceError("the video was deleted before it was done", "not_found", 404);
          }
          const data = event.split("\n").find((line) => line.startsWith("data: "));
          if (data) yield JSON.parse(data.slice(6));
        }
      }
    } catch (error) {
      if (error instanceof ServiceError || stop.signal.aborted) throw error;
      throw fault(this.client.url, this.client.timeout, error);
    } finally {
      stop.abort();
    }
  }

  /** Its state once it is done; an error where it failed. @returns {Promise<VideoJob>} */
  async wait() {
    /** @type {VideoJob | undefined} */
    let last;
    for await (const state of this.progress()) last = state;
    if (last?.error) throw new ServiceError(last.error.message, last.error.kind, last.error.status);
    if (last?.state === "done") return last;
    const came = "the service ended before: ask again";
    throw new ServiceError(`video ${this.id}: expected news until it is done; ${came}`, "broken_off");
  }

  /** A result, such as `result.csv`. @param {string} name @returns {Promise<Blob>} */
  async result(name) {
    return (await this.client.ask(this.#path(name))).blob();
  }

  /** Stop it, and delete it and its results; nothing happens where it is gone already. */
  async cancel() {
    try {
      await this.client.ask(this.#path(), { method: "DELETE" });
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }

  /** @param {string[]} more */
  #path(...more) {
    return ["/v1/videos", ...[this.id, ...more].map(encodeURIComponent)].join("/");
  }
}

/** Frames of one camera or clip: people are followed from frame to frame. */
export class FrameStream {
  /** @type {StreamReady} */
  ready;
  /** @type {{ resolve: (told: any) => void, reject: (error: Error) => void }[]} */
  #waiting = [];
  /** @type {ServiceError | null} */
  #over = null;

  /**
   * A stream whose first message was answered.
   * @param {WebSocket} socket
   * @param {StreamOptions} options
   * @param {string} url
   */
  static async opened(socket, options, url) {
    const stream = new FrameStream(socket, url);
    const first = stream.#answer();
    socket.onopen = () => socket.send(JSON.stringify({ type: "start", times: true, ...options }));
    stream.ready = await first;
    return stream;
  }

  /** @param {WebSocket} socket @param {string} url */
  constructor(socket, url) {
    this.socket = socket;
    this.ready = /** @type {any} */ (null);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      const told = JSON.parse(data);
      if (told.type === "error") {
        this.#end(new ServiceError(told.error.message, told.error.kind, told.error.status));
      } else {
        this.#waiting.shift()?.resolve(told);
      }
    };
    const lost = "expected an answer; the connection broke off: open another stream";
    socket.onclose = () => this.#end(new ServiceError(`${url}: ${lost}`, "broken_off"));
    socket.onerror = () => this.#end(new ServiceError(`${url}: ${lost}`, "broken_off"));
  }

  /**
   * Read a frame. Of those that are sent while one is being read, the service skips all but the newest.
   * @param {Sendable} image A JPEG, PNG, WebP, ...
   * @param {number} time Seconds since whenever; later than that of the frame before.
   * @returns {Promise<StreamedFrame>}
   */
  async read(image, time) {
    const bytes = new Uint8Array(await blob(image).arrayBuffer());
    const message = new Uint8Array(8 + bytes.length);
    new DataView(message.buffer).setFloat64(0, time, true);
    message.set(bytes, 8);
    if (this.#over) throw this.#over;
    const answer = this.#answer();
    this.socket.send(message);
    return answer;
  }

  /** Make the next frame the first of another stream: everyone is forgotten. */
  reset() {
    if (this.#over) throw this.#over;
    this.socket.send('{"type": "reset"}');
  }

  /** End the stream. */
  close() {
    this.socket.close();
  }

  /** @returns {Promise<any>} */
  #answer() {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** @param {ServiceError} error */
  #end(error) {
    this.#over ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#over);
  }
}

/** @param {Sendable} content */
function blob(content) {
  if (content instanceof Blob) return content;
  if (content instanceof ArrayBuffer || content instanceof Uint8Array) return new Blob([content]);
  throw new TypeError(`expected a Blob, File, ArrayBuffer or Uint8Array; got ${typeof content}`);
}

/** @param {Sendable} content @param {string} otherwise */
const named = (content, otherwise) => /** @type {{ name?: string }} */ (content).name ?? otherwise;

/** Options as addresses and forms have them. @param {object} options @returns {Record<string, string>} */
function texts(options) {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

/** @param {string} url @param {number} timeout @param {any} error */
function fault(url, timeout, error) {
  const code = error?.cause?.code ?? error?.name;
  if (code === "TimeoutError") {
    const came = `nothing came for ${timeout} s: raise timeout, or send less at once`;
    return new ServiceError(`${url}: expected an answer; ${came}`, "too_slow");
  }
  if (error?.message === "terminated" || code === "UND_ERR_SOCKET" || code === "ECONNRESET") {
    return new ServiceError(`${url}: expected an answer; the connection broke off: ask again`, "broken_off");
  }
  const came = `nobody answers there (${code}): start one with mien serve, or mend the address`;
  return new ServiceError(`${url}: expected a service of mien; ${came}`, "unreachable");
}
