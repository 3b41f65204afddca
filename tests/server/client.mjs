// What tests/server/test_javascript_client.py has Node do with web/src/client.js.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Client, ServiceError } from "../../web/src/client.js";

const [what, url, folder, token] = process.argv.slice(2);
const png = await readFile(`${folder}/portrait.png`);

/** The error of something that must fail. */
async function refusal(doing) {
  let error;
  await assert.rejects(doing, (thrown) => ((error = thrown), true));
  assert.ok(error instanceof ServiceError, error?.stack);
  assert.ok(!error.message.includes("\n"), error.message);
  return error;
}

const scenarios = {
  async service() {
    const client = new Client(`${url}/`);
    const file = new File([png], "portrait.png", { type: "image/png" });
    const bytes = new Uint8Array(png);
    const answer = await client.images([file, bytes, bytes.buffer, new Blob(["no image"])], { largest: true });
    assert.deepEqual(
      answer.images.map(({ source, status }) => [source, status]),
      [["portrait.png", "face"], ["image-2", "face"], ["image-3", "face"], ["image-4", "error"]],
    );
    assert.deepEqual(answer.images.slice(0, 3).map(({ faces }) => faces[0].label), ["happy", "happy", "happy"]);
    assert.match(answer.notice, /facial expression/);

    assert.match((await refusal(client.images(file, { modell: "nano" }))).message, /did you mean model\?/);
    assert.equal((await refusal(client.images(new Blob(["no image"])))).status, 415);
    await assert.rejects(client.images([]), TypeError);
    await assert.rejects(client.images("portrait.png"), TypeError);
    assert.throws(() => new Client("127.0.0.1:8000"), TypeError);

    const models = await client.models();
    assert.ok(models.models.some(({ name, offered }) => offered && name === models.model));
    assert.equal((await client.health()).status, "ok");

    const video = new File([await readFile(`${folder}/clip.mp4`)], "clip.mp4");
    const job = await client.video(video, { fps: 5, results: ["result.csv", "result.json"] });
    const states = [];
    for await (const state of job.progress()) states.push(state.state);
    assert.equal(states.at(-1), "done");
    assert.deepEqual(Object.keys((await job.wait()).results).sort(), ["result.csv", "result.json"]);
    assert.match(await (await job.result("result.csv")).text(), /^source,frame,time/);
    assert.equal((await refusal(job.result("result.html"))).status, 404);
    assert.equal((await client.job(job.id).state()).name, "clip.mp4");
    await job.cancel();
    assert.equal((await refusal(job.state())).status, 404);
    await job.cancel(); // It is gone already.

    const stream = await client.stream({ tau: 0.5 });
    assert.ok(stream.ready.labels.includes("happy"));
    for (const time of [0, 0.1]) {
      const frame = await stream.read(bytes, time);
      assert.deepEqual([frame.time, frame.status, frame.faces[0].track], [time, "face", 1]);
    }
    assert.equal((await stream.read(new Blob(["no image"]), 0.2)).error.kind, "unsupported");
    stream.reset();
    assert.equal((await stream.read(bytes, 0)).status, "face");
    stream.close();
    assert.equal((await refusal(client.stream({ tau: 1000 }))).status, 422);
  },

  async token() {
    const client = new Client(url, { token });
    assert.equal((await client.images(new Uint8Array(png))).images[0].status, "face");
    const stream = await client.stream();
    assert.equal((await stream.read(new Uint8Array(png), 0)).status, "face");
    stream.close();
    for (const wrong of [null, "another-secret-of-tests"]) {
      const stranger = new Client(url, { token: wrong });
      assert.equal((await stranger.health()).status, "ok");
      assert.equal((await refusal(stranger.models())).status, 401);
      assert.equal((await refusal(stranger.stream())).status, 401);
      assert.equal((await refusal(stranger.images(new Uint8Array(png)))).status, 401);
    }
  },

  async large() {
    const { status, message } = await refusal(new Client(url).images(new Uint8Array(2_000_000)));
    assert.equal(status, 413);
    assert.match(message, /at most 10,000 bytes/);
  },

  async strange() {
    const error = await refusal(new Client(url, { token: "a-secret", timeout: 20, retries: 2 }).models());
    console.log(JSON.stringify({ kind: error.kind, status: error.status, message: error.message }));
  },

  async again() {
    const { images, mood } = await new Client(`${url}/faces/`).images(new Uint8Array(png));
    assert.deepEqual([images, mood], [[], "new"]);
  },
};

await scenarios[what]();
