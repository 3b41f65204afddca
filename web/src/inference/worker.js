/**
 * Reads on this device: the networks run here, beside the page, so that it never waits. Frames come in, faces
 * go out, nothing leaves.
 *
 * A message in has an `id` and a `kind`, which is one of `handlers`; the one out has the same `id`, and a
 * `value` or an `error`.
 */

import * as ort from "../vendor/ort.js";
import { FaceMesh } from "./mesh.js";
import { Pipeline, Session } from "./session.js";

ort.env.wasm.wasmPaths = { wasm: new URL("../vendor/ort.wasm", import.meta.url).href };
ort.env.logLevel = "error";

/** @type {Pipeline | undefined} */
let pipeline;
/** Where networks are fetched: the folder that `networks/` lies in. */
let home = "";
/** @type {Map<number, Session>} */
const sessions = new Map();

/** What was loaded. */
function loaded() {
  if (!pipeline) throw new Error("the networks are not loaded yet");
  return pipeline;
}

/** A stream that is open. @param {number} stream */
function opened(stream) {
  const session = sessions.get(stream);
  if (!session) throw new Error("the stream is closed");
  return session;
}

/** The networks of the landmarks, fetched when they are first asked for. @param {boolean} wanted */
async function withLandmarks(wanted) {
  const own = loaded(),
    { landmarks, landmarks_at: at } = own.settings;
  if (!wanted || own.mesh) return own;
  if (!at.device) throw new Error("this mien was built without landmarks");
  const [mesh, eyes] = await Promise.all([
    network(at.device.mesh, own.settings),
    network(at.device.eyes, own.settings),
  ]);
  own.mesh = new FaceMesh({ mesh, eyes }, landmarks);
  return own;
}

/**
 * @type {Record<string, (message: any) => object | Promise<object>>} By the kind of a message; `device.js`
 *   has the types of each.
 */
const handlers = {
  /** All networks are fetched at once and kept: from here on no connection is needed. */
  async load({ settings, networks, base, threads }) {
    mayCompile();
    ort.env.wasm.numThreads = threads;
    home = base;
    const ready = await Promise.all(
      Object.entries(networks).map(async ([name, url]) => [name, await network(url, settings)]),
    );
    pipeline = new Pipeline(Object.fromEntries(ready), settings);
    return { threads: ort.env.wasm.numThreads };
  },

  async image({ width, height, buffer, minFace, landmarks }) {
    const own = await withLandmarks(landmarks);
    own.detector.minFace = minFace;
    const image = { width, height, step: 4, data: new Uint8ClampedArray(buffer) };
    return { faces: await own.image(image, landmarks) };
  },

  async open({ stream, options }) {
    sessions.set(stream, new Session(await withLandmarks(options.landmarks), options));
    return {};
  },

  async change({ stream, options }) {
    await withLandmarks(options.landmarks);
    Object.assign(opened(stream), options);
    return {};
  },

  close({ stream }) {
    sessions.delete(stream);
    return {};
  },

  async frame({ stream, width, height, buffer, time }) {
    const start = performance.now();
    const faces = await opened(stream).update(
      { width, height, step: 4, data: new Uint8ClampedArray(buffer) },
      time,
    );
    return { faces, milliseconds: performance.now() - start };
  },
};

/**
 * @param {string} path Below `home`.
 * @param {import("../settings.js").Settings} settings
 * @returns {Promise<import("./detector.js").Run>}
 */
async function network(path, { integrity = {} }) {
  const url = new URL(path, home).href;
  const bytes = await fetched(url, integrity[path]);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const [input] = session.inputNames;
  return async (data, shape) =>
    /** @type {any} */ (await session.run({ [input]: new ort.Tensor("float32", data, shape) }));
}

/** See whether the site lets programs for WebAssembly run. */
function mayCompile() {
  try {
    new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  } catch {
    throw new Error(
      "this site's Content-Security-Policy stops WebAssembly: add 'wasm-unsafe-eval' to its script-src",
    );
  }
}

/**
 * The bytes at an address, which the browser has held against their digest where there is one.
 * @param {string} url
 * @param {string} [integrity]
 */
async function fetched(url, integrity) {
  let answer;
  try {
    answer = await fetch(url, { integrity });
  } catch (error) {
    const there = await fetch(url, { method: "HEAD" }).catch(() => null);
    if (integrity && there?.ok)
      throw new Error(
        `${url}: expected bytes with the digest ${integrity}; got others: copy mien's folder to the site ` +
          "again",
      );
    if (!there) throw new Error(`${url}: the server does not answer (${error.message})`);
    answer = there;
  }
  if (!answer.ok) throw new Error(`${url}: expected a network; the server answered ${answer.status}`);
  return answer.arrayBuffer();
}

// One after the other, in the order in which they came: a stream's memory is not for two frames at once.
let queue = Promise.resolve();
self.onmessage = ({ data }) => {
  queue = queue.then(async () => {
    try {
      const value = await handlers[data.kind](data);
      self.postMessage({ id: data.id, value });
    } catch (error) {
      self.postMessage({ id: data.id, error: error instanceof Error ? error.message : String(error) });
    }
  });
};
