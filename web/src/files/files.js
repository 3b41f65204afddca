/**
 * Images and videos dropped onto the page or chosen with its button, one after the other.
 *
 * @typedef {object} How A file is read.
 * @property {import("../device.js").Device | import("../server.js").Server} way
 * @property {"device" | "server"} name Of the way.
 * @property {import("./kinds.js").Kind} kind Of the file.
 * @property {import("../settings.js").Settings} settings
 * @property {import("../login.js").Login} login
 * @property {number} minFace px
 * @property {boolean} largest
 * @property {boolean} landmarks
 */

import { Card } from "./card.js";
import { clip } from "./clip.js";
import { job } from "./job.js";
import { kindOfFile } from "./kinds.js";
import { still } from "./still.js";

export class Files {
  /** @param {any} page @param {{drop: HTMLElement, choose: HTMLInputElement, results: HTMLElement}} parts */
  constructor(page, { drop, choose, results }) {
    this.page = page;
    this.results = results;
    this.queue = Promise.resolve();
    choose.addEventListener("change", () => {
      this.take([...(choose.files ?? [])]);
      choose.value = "";
    });
    const over = (/** @type {boolean} */ on) => drop.classList.toggle("over", on);
    addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
    addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      this.take([...(event.dataTransfer?.files ?? [])]);
    });
  }

  /** @param {File[]} files */
  take(files) {
    const { fileWay: name, ways, settings, login } = this.page;
    for (const file of files) {
      const card = new Card(this.results, file.name, name);
      const how = {
        way: ways[name],
        name,
        settings,
        login,
        ...this.page.options,
        landmarks: this.page.landmarks.on(name),
      };
      card.element.scrollIntoView({ block: "nearest" });
      this.queue = this.queue.then(() => this.read(file, card, how));
    }
  }

  /** @param {File} file @param {Card} card @param {Omit<How, "kind">} chosen */
  async read(file, card, chosen) {
    if (card.signal.aborted) return;
    try {
      const how = { ...chosen, kind: await kindOfFile(file) };
      await how.way.ready;
      const movie = how.kind.media === "video" || (how.kind.name === "a GIF" && how.name === "server");
      if (!movie) await still(file, card, how);
      else if (how.name === "device") await clip(file, card, how);
      else await job(file, card, how);
    } catch (error) {
      card.failed(error);
    }
  }
}
