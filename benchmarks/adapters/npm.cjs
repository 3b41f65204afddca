// Peers for browsers as subjects of the leaderboard: node npm.cjs NODE_MODULES face-api|human SOURCE TARGET.json
//
// Node runs them as WebAssembly on one thread, as a browser without WebGL would. On crops each does what it does with a face that it has
// cut itself; on images it is called as its users call it, with its own detector. The rest is lib/answers.py and lib/timing.py in JavaScript.
"use strict";

const fs = require("fs");
const http = require("http");
const path = require("path");
const readline = require("readline");

const TIMED = 150;
const WARM_UP = 5;
const [modules, name, source, target] = process.argv.slice(2);
const say = (message) => console.log(`\nROUND ${JSON.stringify(message)}`);
const version = (entry) => JSON.parse(fs.readFileSync(path.join(modules, entry, "package.json"), "utf8")).version;

// The images of a file that NumPy wrote, (n, h, w) uint8 in the order of C.
function load(file) {
  const bytes = fs.readFileSync(path.join(source, file));
  const start = 10 + bytes.readUInt16LE(8);
  const [n, height, width] = /'shape': \((\d+), (\d+), (\d+)\)/.exec(bytes.toString("latin1", 10, start)).slice(1).map(Number);
  return Array.from({ length: n }, (_, i) => ({ height, width, gray: bytes.subarray(start + i * height * width, start + (i + 1) * height * width) }));
}

// (h, w, 3) floats, 0 to 255.
function colour(tf, { height, width, gray }) {
  const values = new Float32Array(3 * gray.length);
  gray.forEach((value, i) => values.fill(value, 3 * i, 3 * i + 3));
  return tf.tensor3d(values, [height, width, 3]);
}

const likeliest = (scores) => Object.entries(scores).reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
const biggest = (faces, area) => faces.reduce((best, face) => (area(face) > area(best) ? face : best));

async function faceApi() {
  const api = require(path.join(modules, "@vladmandic/face-api/dist/face-api.node-wasm.js"));
  await api.tf.setBackend("wasm");
  await api.tf.ready();
  const models = path.join(modules, "@vladmandic/face-api/model");
  await api.nets.ssdMobilenetv1.loadFromDisk(models);
  await api.nets.faceExpressionNet.loadFromDisk(models);
  const scores = (found) => Object.fromEntries(found.asSortedArray().map(({ expression, probability }) => [expression, probability]));
  return {
    weights: fs.statSync(path.join(models, "face_expression_model.bin")).size,
    async classify(image) {
      const face = colour(api.tf, image);
      const found = await api.nets.faceExpressionNet.predictExpressions(face);
      face.dispose();
      return likeliest(scores(found));
    },
    async read(image) {
      const pixels = colour(api.tf, image);
      const found = await api.detectAllFaces(pixels, new api.SsdMobilenetv1Options()).withFaceExpressions();
      pixels.dispose();
      return found.length ? likeliest(scores(biggest(found, (face) => face.detection.box.area).expressions)) : "";
    },
  };
}

async function human(wasm) {
  const { Human } = require(path.join(modules, "@vladmandic/human/dist/human.node-wasm.js"));
  const models = path.join(modules, "@vladmandic/human/models");
  // Node's fetch does not read files.
  const server = http.createServer((request, response) => fs.createReadStream(path.join(models, path.basename(request.url))).pipe(response));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const off = { enabled: false };
  const face = { emotion: { enabled: true, minConfidence: 0 }, iris: off, description: off };
  const base = `http://127.0.0.1:${server.address().port}/`;
  const reader = new Human({ backend: "wasm", wasmPath: wasm, modelBasePath: base, cacheSensitivity: 0, face, body: off, hand: off, gesture: off, object: off });
  await reader.load();
  server.close();
  const tf = reader.tf;
  const labels = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
  return {
    weights: fs.statSync(path.join(models, "emotion.bin")).size,
    async classify({ height, width, gray }) {
      const answer = tf.tidy(() => {
        const face = tf.div(tf.tensor4d(Float32Array.from(gray), [1, height, width, 1]), 255);
        return reader.models.models.emotion.execute(tf.mul(tf.sub(tf.image.resizeBilinear(face, [64, 64]), 0.5), 2));
      });
      const scores = Array.from(await answer.data());
      answer.dispose();
      return labels[scores.indexOf(Math.max(...scores))];
    },
    async read(image) {
      const pixels = colour(tf, image);
      const { face, error } = await reader.detect(pixels);
      pixels.dispose();
      if (error) throw new Error(error);
      return face.length ? biggest(face, ({ box }) => box[2] * box[3]).emotion[0].emotion : "";
    },
  };
}

async function main() {
  const { setThreadsCount, setWasmPaths } = require(path.join(modules, "@tensorflow/tfjs-backend-wasm"));
  const wasm = path.join(modules, "@tensorflow/tfjs-backend-wasm/dist/");
  setWasmPaths(wasm);
  setThreadsCount(1);
  const peer = await (name === "human" ? human(wasm) : faceApi());
  const crops = load("crops.npy");
  const answers = { "crops.": [], "images.": [] };
  for (const crop of crops) answers["crops."].push(await peer.classify(crop));
  for (const image of load("images.npy")) answers["images."].push(await peer.read(image));
  fs.writeFileSync(target, JSON.stringify(answers));
  const entry = `@vladmandic/${name}`;
  const size = (folder) => fs.readdirSync(folder, { recursive: true }).reduce((total, file) => total + fs.statSync(path.join(folder, file)).size, 0);
  const facts = { weights_bytes: peer.weights, install_bytes: size(path.join(modules, entry)) };
  const timed = crops.slice(0, TIMED);
  for (const crop of timed.slice(0, WARM_UP)) await peer.classify(crop);
  say({ versions: { node: process.version, [entry]: version(entry), tfjs: version("@tensorflow/tfjs"), ...facts } });
  for await (const _ of readline.createInterface({ input: process.stdin })) {
    const round = { wall_ms: [], cpu_ms: [], faces: [] };
    for (const crop of timed) {
      const [at, worked] = [performance.now(), process.cpuUsage()];
      await peer.classify(crop);
      const { user, system } = process.cpuUsage(worked);
      round.wall_ms.push(performance.now() - at);
      round.cpu_ms.push((user + system) / 1000);
      round.faces.push(1);
    }
    say(round);
  }
  process.exit(0);
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
