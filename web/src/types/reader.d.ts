/**
 * @typedef {Blob | ImageData | ImageBitmap | HTMLImageElement | HTMLVideoElement | HTMLCanvasElement |
 *   OffscreenCanvas} Picture
 */
/**
 * A face, with the names and values that all answers of mien have.
 * @typedef {object} Face
 * @property {number} frame Number of the frame, from 0.
 * @property {number} time Seconds.
 * @property {[number, number, number, number]} box x1, y1, x2, y2 in px of the picture.
 * @property {number} detection_score How sure the detector is that this is a face, 0 to 1.
 * @property {[number, number][] | null} landmarks Left eye, right eye, nose, left and right corner of the
 *   mouth, px.
 * @property {number | null} track Number of the person in this session; null in images.
 * @property {string} emotion Name of the most probable expression.
 * @property {number} confidence Its probability, 0 to 1.
 * @property {Record<string, number>} probs Probability of every expression, 0 to 1.
 * @property {string | null} smoothed_emotion What the person has shown lately; null in images.
 * @property {Record<string, number> | null} smoothed_probs
 * @property {string} label What to display: smoothed_emotion where there is one, else emotion.
 * @property {number} label_confidence Its probability, 0 to 1.
 * @property {number | null} valence How pleasant the expression is, -1 to 1.
 * @property {number | null} expressiveness 1 less the probability of neutral.
 * @property {Record<string, number | null>} [measures] With landmarks: where the head turns, how far eyes and
 *   mouth are open, and more.
 * @property {string | null} [measures_missing] Why there are none.
 * @property {boolean | null} [talking] Whether the mouth moves as in speech.
 * @property {[number, number, number][]} [mesh] With points: 468 of them, x, y, z in px.
 */
/**
 * @typedef {object} LoadOptions
 * @property {string | URL} [base] The folder with `settings.json` and `networks/`, on the site of the page;
 *   by default the one of this module.
 * @property {string} [model] Name of one of the folder's networks; its first by default.
 * @property {string} [head] Which of its outputs; the network's own choice by default.
 */
/**
 * @typedef {object} ReadOptions
 * @property {number} [minFace] Height of the smallest face, px; 40 by default.
 * @property {boolean} [landmarks] Find 468 points in each face, and measure with them; not by default.
 * @property {boolean} [points] With landmarks: give these points too (`mesh`).
 */
/**
 * @typedef {object} OfSessions
 * @property {boolean} [largest] Only the largest face.
 * @property {boolean} [cuts] Whether there are cuts to other scenes, as in a film and not from a camera.
 *
 * @typedef {ReadOptions & OfSessions} SessionOptions
 */
/**
 * @typedef {object} FrameResult
 * @property {number} frame Number of the frame, from 0.
 * @property {number} time Seconds.
 * @property {"face" | "no_face"} status
 * @property {number} width px
 * @property {number} height px
 * @property {Face[]} faces
 * @property {number} milliseconds For which it was computed.
 */
/** Networks in a worker of this page. */
export class Reader {
    /**
     * Load the networks, about 6.2 MB with the runtime.
     * @param {LoadOptions} [options]
     * @returns {Promise<Reader>}
     */
    static load(options?: LoadOptions): Promise<Reader>;
    /** @private @param {import("./device.js").Device} device */
    private constructor();
    /** @private */
    private device;
    /** Names of the expressions. @returns {string[]} */
    get labels(): string[];
    /** Name of the network. @returns {string} */
    get model(): string;
    /** Which of its outputs is used. @returns {string} */
    get head(): string;
    /** What the answers are and what not, to be shown beside them. @returns {string} */
    get notice(): string;
    /**
     * The faces of one picture, best first.
     * @param {Picture} picture
     * @param {ReadOptions} [options]
     * @returns {Promise<Face[]>}
     */
    read(picture: Picture, { minFace, landmarks, points }?: ReadOptions): Promise<Face[]>;
    /**
     * A video or a camera, frame by frame: who is who, and expressions that do not flicker.
     * @param {SessionOptions} [options]
     * @returns {Promise<Session>}
     */
    session({ minFace, points, ...options }?: SessionOptions): Promise<Session>;
    /** Give back the memory. Whatever is still being read fails. */
    close(): void;
}
/** One video or camera; `Reader.session` makes it. */
export class Session {
    /**
     * @param {any} device Of the reader.
     * @param {any} stream Of the device.
     * @param {boolean} points
     */
    constructor(device: any, stream: any, points: boolean);
    /** @private @type {import("./device.js").Device} */
    private device;
    /** @private @type {import("./device.js").DeviceStream} */
    private stream;
    /** @private */
    private points;
    /** @private */
    private canvas;
    /** @private */
    private count;
    /**
     * The faces of the next frame.
     * @param {Picture} picture
     * @param {number} [time] Seconds, which never go back; now by default.
     * @returns {Promise<FrameResult>}
     */
    read(picture: Picture, time?: number): Promise<FrameResult>;
    /** Forget who was seen. */
    close(): Promise<void>;
}
export type Picture = Blob | ImageData | ImageBitmap | HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas;
/**
 * A face, with the names and values that all answers of mien have.
 */
export type Face = {
    /**
     * Number of the frame, from 0.
     */
    frame: number;
    /**
     * Seconds.
     */
    time: number;
    /**
     * x1, y1, x2, y2 in px of the picture.
     */
    box: [number, number, number, number];
    /**
     * How sure the detector is that this is a face, 0 to 1.
     */
    detection_score: number;
    /**
     * Left eye, right eye, nose, left and right corner of the
     * mouth, px.
     */
    landmarks: [number, number][] | null;
    /**
     * Number of the person in this session; null in images.
     */
    track: number | null;
    /**
     * Name of the most probable expression.
     */
    emotion: string;
    /**
     * Its probability, 0 to 1.
     */
    confidence: number;
    /**
     * Probability of every expression, 0 to 1.
     */
    probs: Record<string, number>;
    /**
     * What the person has shown lately; null in images.
     */
    smoothed_emotion: string | null;
    smoothed_probs: Record<string, number> | null;
    /**
     * What to display: smoothed_emotion where there is one, else emotion.
     */
    label: string;
    /**
     * Its probability, 0 to 1.
     */
    label_confidence: number;
    /**
     * How pleasant the expression is, -1 to 1.
     */
    valence: number | null;
    /**
     * 1 less the probability of neutral.
     */
    expressiveness: number | null;
    /**
     * With landmarks: where the head turns, how far eyes and
     * mouth are open, and more.
     */
    measures?: Record<string, number | null> | undefined;
    /**
     * Why there are none.
     */
    measures_missing?: string | null | undefined;
    /**
     * Whether the mouth moves as in speech.
     */
    talking?: boolean | null | undefined;
    /**
     * With points: 468 of them, x, y, z in px.
     */
    mesh?: [number, number, number][] | undefined;
};
export type LoadOptions = {
    /**
     * The folder with `settings.json` and `networks/`, on the site of the page;
     * by default the one of this module.
     */
    base?: string | URL | undefined;
    /**
     * Name of one of the folder's networks; its first by default.
     */
    model?: string | undefined;
    /**
     * Which of its outputs; the network's own choice by default.
     */
    head?: string | undefined;
};
export type ReadOptions = {
    /**
     * Height of the smallest face, px; 40 by default.
     */
    minFace?: number | undefined;
    /**
     * Find 468 points in each face, and measure with them; not by default.
     */
    landmarks?: boolean | undefined;
    /**
     * With landmarks: give these points too (`mesh`).
     */
    points?: boolean | undefined;
};
export type OfSessions = {
    /**
     * Only the largest face.
     */
    largest?: boolean | undefined;
    /**
     * Whether there are cuts to other scenes, as in a film and not from a camera.
     */
    cuts?: boolean | undefined;
};
export type SessionOptions = ReadOptions & OfSessions;
export type FrameResult = {
    /**
     * Number of the frame, from 0.
     */
    frame: number;
    /**
     * Seconds.
     */
    time: number;
    status: "face" | "no_face";
    /**
     * px
     */
    width: number;
    /**
     * px
     */
    height: number;
    faces: Face[];
    /**
     * For which it was computed.
     */
    milliseconds: number;
};
