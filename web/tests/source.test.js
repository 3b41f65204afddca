/** What the server's own source shows is shown in the order in which it came. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Source } from "../src/live/source.js";

/** @param {object} told @returns {ArrayBuffer} A message with a frame. */
function frame(told) {
  const text = new TextEncoder().encode(JSON.stringify(told));
  const data = new Uint8Array(4 + text.length);
  new DataView(data.buffer).setUint32(0, text.length, true);
  data.set(text, 4);
  return data.buffer;
}

test("a frame that takes long to be unpacked is shown before the news that came after it", async () => {
  /** @type {any} */
  let socket;
  Object.assign(globalThis, {
    document: { baseURI: "http://localhost/under/" },
    fetch: async () => ({
      ok: true,
      json: async () => ({ source: "camera", state: "live", message: null, viewers: 1 }),
    }),
    createImageBitmap: async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { width: 4, height: 4, close() {} };
    },
    WebSocket: class {
      /** @param {string} address */
      constructor(address) {
        this.address = address;
        socket = this;
      }
      send() {}
      close() {}
    },
  });
  /** @type {string[]} */
  const heard = [];
  const canvas = /** @type {any} */ ({ getContext: () => ({ drawImage() {}, clearRect() {} }) });
  const server = /** @type {any} */ ({ taken: (/** @type {any} */ face) => face });
  const over = new Promise((resolve) => {
    new Source(canvas, server, {
      result: () => heard.push("frame"),
      condition: ({ state }) => heard.push(state),
      trouble: (error) => resolve(heard.push(error?.message ?? "end")),
    }).start();
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  socket.onmessage({ data: frame({ faces: [], time: 0, width: 4, height: 4, latency: 0, rates: {} }) });
  socket.onmessage({ data: '{"type": "state", "state": "retrying"}' });
  socket.onmessage({ data: '{"type": "error", "error": {"status": 503, "message": "gone"}}' });
  socket.onclose();
  await over;
  assert.equal(socket.address, "ws://localhost/under/v1/source");
  assert.deepEqual(heard, ["frame", "retrying", "gone"]);
});
