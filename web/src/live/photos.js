/**
 * The last photos: those that the booth took, which stay in this browser's memory until the page is closed,
 * and those that rules have saved on the server, where it was started with a folder of them.
 */

import { counted } from "../formatting.js";
import { asked } from "../server.js";

const MOST = 12; // Photos that are kept.
const EVERY = 2000; // ms between two questions for the server's.

export class Photos {
  /**
   * @param {HTMLElement} card
   * @param {HTMLElement} list
   * @param {boolean} theirs Whether the server has some.
   */
  constructor(card, list, theirs) {
    this.card = card;
    this.list = list;
    this.theirs = theirs;
    this.taken = 0;
    /** @type {Set<string>} Names of the server's that are shown. */
    this.known = new Set();
    this.timer = 0;
  }

  /** A photo was taken here. @param {Blob} blob @param {number} people In view. */
  add(blob, people) {
    const number = ++this.taken;
    const url = URL.createObjectURL(blob);
    const told = `Photo ${number}, ${counted(people, "person", "people")}`;
    const item = this.item(url, told, `mien-photo-${number}.jpg`);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "Delete";
    remove.setAttribute("aria-label", `Delete photo ${number}`);
    remove.addEventListener("click", () => this.drop(item));
    item.append(remove);
    this.show(item);
  }

  /**
   * A photo with what can be done with it.
   * @param {string} url
   * @param {string} told
   * @param {string} name Of the file.
   */
  item(url, told, name) {
    const item = document.createElement("li");
    const image = document.createElement("img");
    const save = document.createElement("a");
    image.src = save.href = url;
    image.alt = told;
    save.download = name;
    save.className = "button";
    save.textContent = "Save";
    save.setAttribute("aria-label", `Save ${told.replace("Photo", "photo")}`);
    item.append(image, save);
    return item;
  }

  /** @param {HTMLElement} item The newest. */
  show(item) {
    this.list.prepend(item);
    while (this.list.children.length > MOST)
      this.drop(/** @type {HTMLElement} */ (this.list.lastElementChild));
    this.card.hidden = false;
  }

  /** @param {HTMLElement} item */
  drop(item) {
    const address = item.querySelector("img")?.src ?? "";
    if (address.startsWith("blob:")) URL.revokeObjectURL(address);
    item.remove();
    this.card.hidden = this.list.children.length === 0;
  }

  /** Show those that the server has, and the new ones as they come, until `leave`. */
  async watch() {
    if (!this.theirs || this.timer) return;
    this.timer = setInterval(() => this.ask().catch(() => {}), EVERY);
    await this.ask();
  }

  leave() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  async ask() {
    const { photos } = await (await asked("v1/photos")).json();
    for (const { name, url } of photos.slice(0, MOST).reverse()) {
      if (this.known.has(name)) continue;
      this.known.add(name);
      this.show(this.item(url, `Photo ${name}`, name));
    }
  }
}
