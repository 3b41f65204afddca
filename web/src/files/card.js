/**
 * What the page shows of one file: how far it is, what was found, and everything that can be downloaded.
 */

import { glyph } from "../glyphs.js";
import { percents } from "../formatting.js";

export class Card {
  /** @param {HTMLElement} place @param {string} name @param {string} way */
  constructor(place, name, way) {
    this.name = name;
    this.work = new AbortController();
    /** @type {string[]} */
    this.urls = [];
    this.element = make("article", "result");
    this.element.setAttribute("aria-label", name);
    const head = make("header", "");
    this.badge = make("span", "badge", way === "device" ? "on this device" : "on the server");
    this.close = make("button", "close", "Remove");
    this.close.type = "button";
    this.close.setAttribute("aria-label", `Remove ${name}`);
    this.close.addEventListener("click", () => this.remove());
    head.append(make("h3", "", name), this.badge, this.close);
    this.state = make("p", "quiet", "Waiting …");
    this.state.setAttribute("role", "status");
    this.bar = make("progress", "");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", `Progress of ${name}`);
    this.body = make("div", "body");
    this.downloads = make("p", "row downloads");
    this.element.append(head, this.state, this.bar, this.body, this.downloads);
    place.prepend(this.element);
  }

  get signal() {
    return this.work.signal;
  }

  /** @param {string} text @param {number} [share] 0 to 1; without it nobody knows how long it takes. */
  progress(text, share) {
    if (this.state.textContent !== text) this.state.textContent = text;
    if (share === undefined) this.bar.removeAttribute("value");
    else this.bar.value = share;
  }

  /** @param {string} text What came out. */
  done(text) {
    this.state.textContent = text;
    this.bar.hidden = true;
    this.element.dataset.state = "done";
  }

  /** @param {Error} error */
  failed(error) {
    if (error.name === "AbortError") return;
    this.state.textContent = error.message;
    this.state.className = "trouble";
    this.bar.hidden = true;
    this.element.dataset.state = "failed";
  }

  /** An address of something in memory, for as long as the card is there. @param {Blob} blob */
  url(blob) {
    const url = URL.createObjectURL(blob);
    this.urls.push(url);
    return url;
  }

  /** @param {string} label @param {string} file Its name. @param {Blob | string} content Or its address. */
  offer(label, file, content) {
    const link = make("a", "button", label);
    link.download = file;
    link.href = typeof content === "string" ? content : this.url(content);
    this.downloads.append(link);
    return link;
  }

  remove() {
    this.work.abort();
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.element.remove();
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name Of its class.
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

/**
 * A table whose first column names its rows.
 * @param {string} caption
 * @param {string[]} head
 * @param {(string | Node)[][]} rows
 */
export function table(caption, head, rows) {
  const scroll = make("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", caption);
  const element = make("table", "");
  element.append(make("caption", "hidden", caption));
  const line = (/** @type {(string | Node)[]} */ cells, /** @type {"th" | "td"} */ tag) => {
    const row = make("tr", "");
    cells.forEach((cell, at) => {
      const name = at === 0 || tag === "th" ? "th" : "td";
      const field = make(name, "");
      if (name === "th") field.scope = tag === "th" ? "col" : "row";
      field.append(cell);
      row.append(field);
    });
    return row;
  };
  const top = make("thead", ""),
    body = make("tbody", "");
  top.append(line(head, "th"));
  body.append(...rows.map((cells) => line(cells, "td")));
  element.append(top, body);
  scroll.append(element);
  return scroll;
}

/**
 * The name of an expression beside its face.
 * @param {string} name
 * @param {import("../settings.js").Settings} settings
 */
export function named(name, settings) {
  const place = make("span", "named");
  place.append(glyph(name, settings.colours[name]), name);
  return place;
}

/** Probabilities as one bar. @param {number[]} values @param {import("../settings.js").Settings} settings */
export function shares(values, settings) {
  const place = make("span", "shares");
  const texts = percents(values);
  const told = settings.labels
    .map((name, at) => ({ name, share: values[at], text: texts[at] }))
    .sort((a, b) => b.share - a.share);
  place.setAttribute("role", "img");
  place.ariaLabel = told
    .filter(({ share }) => share >= 0.005)
    .map(({ name, text }) => `${name} ${text}`)
    .join(", ");
  place.title = place.ariaLabel;
  settings.labels.forEach((name, at) => {
    const part = make("i", "");
    part.style.flexGrow = String(values[at]);
    part.style.background = settings.colours[name];
    place.append(part);
  });
  return place;
}
