/**
 * What `<mien-camera>` is made of, and how it looks; made without text that a Content-Security-Policy would
 * stop.
 */

const STYLE = `
  :host {
    display: block; position: relative; max-width: 100%;
    color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif;
  }
  :host([hidden]), [hidden] { display: none !important; }
  .view {
    position: relative; overflow: hidden; aspect-ratio: var(--shape, 4 / 3);
    background: #14171b; border-radius: .6em;
  }
  .view > :not(button) { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
  .mirrored video, .mirrored img { transform: scaleX(-1); }
  canvas { pointer-events: none; }
  button {
    position: absolute; inset: auto auto .75em .75em; min-height: 2.75em; padding: .4em 1.1em;
    cursor: pointer; font: inherit; font-weight: 600;
    color: #14171b; background: #ffffff; border: 2px solid #14171b; border-radius: .7em;
  }
  /* Until the camera is on, where it is in sight however wide the page is. */
  .waiting button {
    inset: min(50%, 10em) auto auto 50%; transform: translate(-50%, -50%);
    width: max-content; max-width: 90%;
  }
  button:focus-visible { outline: 3px solid #ffffff; outline-offset: 2px; box-shadow: 0 0 0 7px #0f766e; }
  p { margin: .4em 0 0; }
  .message { padding: .5em .8em; border-radius: .5em; color: #7f1d16; background: #fbe9e7; }
  .message:empty { display: none; }
  .notice { font-size: .85em; }
  .status {
    position: absolute; width: 1px; height: 1px; margin: -1px;
    overflow: hidden; clip-path: inset(50%); white-space: nowrap;
  }
`;

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 */
function make(tag, attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** @param {HTMLElement} host */
export function makeShadow(host) {
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const parts = {
    view: make("div", { class: "view", part: "view" }),
    video: make("video", { part: "media", playsinline: "", crossorigin: "anonymous" }),
    image: make("img", { part: "media", alt: "", crossorigin: "anonymous", hidden: "" }),
    canvas: make("canvas", { part: "overlay", "aria-hidden": "true" }),
    button: make("button", { part: "button", type: "button" }),
    message: make("p", { class: "message", part: "message", role: "alert" }),
    notice: make("p", { class: "notice", part: "notice" }),
    status: make("p", { class: "status", role: "status" }),
  };
  parts.view.append(parts.video, parts.image, parts.canvas, parts.button);
  root.append(parts.view, parts.message, parts.notice, parts.status);
  return parts;
}
