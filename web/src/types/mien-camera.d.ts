/**
 * The visitor's camera with a box and a label at each face.
 *
 * Attributes: `src` (a video or an image instead of the camera), `base`, `model` and `head` (as `Reader.load`
 * has them), `autostart`, `mirrored`, `landmarks`, `largest`, `min-face` (px), `interval` (ms between two
 * frames that are read, at least), `overlay="none"`, `muted` and `loop` (of a video), `words` (JSON: what is
 * shown in place of each English word or sentence).
 *
 * Events: `ready`, `start`, `stop`, `faces` (a `CustomEvent` whose `detail` is a `FrameResult`) and `error`
 * (an `ErrorEvent`); none of them bubbles. Parts for CSS: `view`, `media`, `overlay`, `button`, `message`,
 * `notice`.
 */
export class MienCamera extends HTMLElement {
    static observedAttributes: string[];
    /** @private */
    private parts;
    /** @private */
    private camera;
    /** @private @type {import("./element/loans.js").Loan | null} */
    private loan;
    /**
     * Once all is loaded.
     * @private
     * @type {{overlay: Overlay, announcer: Announcer, device: import("./device.js").Device} | null}
     */
    private loaded;
    /** @private @type {Record<string, string>} */
    private words;
    /** @private @type {import("./live/camera.js").Shown | null} */
    private last;
    /** @private */
    private frames;
    /** @private */
    private turn;
    /** @private */
    private on;
    /** @private */
    private rested;
    /** @private */
    private sized;
    /** Whether faces are being read, or soon will be. */
    get running(): boolean;
    connectedCallback(): void;
    disconnectedCallback(): void;
    /**
     * @param {string} name
     * @param {string | null} before
     * @param {string | null} now
     */
    attributeChangedCallback(name: string, before: string | null, now: string | null): void;
    /**
     * Start, as the button does: the browser asks its user for the camera.
     * @returns {Promise<void>} Settles when frames come, or once the element has said why none do.
     */
    start(): Promise<void>;
    /** Stop, and turn the camera off. */
    stop(): void;
    /** Load the networks, and start where that is wanted. @private @param {boolean} start */
    private begin;
    /** The networks, which other elements may have loaded. @private */
    private load;
    /**
     * What is drawn and said, in the words of the page.
     * @private
     * @param {import("./device.js").Device} device
     */
    private dress;
    /** Stop, and leave the networks to others. @private */
    private forget;
    /**
     * Read the camera, or a video.
     * @private
     * @param {import("./device.js").Device} device
     * @param {number} turn
     * @param {string | null} src
     */
    private watch;
    /**
     * Read an image.
     * @private
     * @param {import("./device.js").Device} device
     * @param {number} turn
     * @param {string} src
     */
    private look;
    /** @private @param {import("./live/camera.js").Shown} result */
    private show;
    /** @private */
    private draw;
    /** What attributes say. @private @param {import("./device.js").Device} device */
    private options;
    /** @private @param {string} name @param {number} otherwise */
    private number;
    /** Do as attributes say. @private */
    private apply;
    /** Nothing is read while nobody can see it. @private */
    private rest;
    /** Say in the element what is to be known; empty: nothing. @private @param {string} message */
    private say;
    /** @private @param {string} text */
    private inWords;
    /** @private @param {Error} error */
    private fail;
}
