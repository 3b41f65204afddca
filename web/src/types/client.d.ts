/** The service did not do what it was asked for, or is not there; `message` is one line, mostly its own. */
export class ServiceError extends Error {
    /**
     * @param {string} message
     * @param {string} kind The service's short word; where none came `unreachable`, `too_slow`,
     * `broken_off`, `redirected`, `not_mien` or `other_version`.
     * @param {number | null} status Of HTTP; null where no answer came.
     */
    constructor(message: string, kind: string, status?: number | null);
    kind: string;
    status: number | null;
}
/** Asks a service. A page may ask only the service that it comes from: others refuse it. */
export class Client {
    /**
     * @param {string} [url] Of the service, with a path where it is behind a prefix.
     * @param {object} [options]
     * @param {string | null} [options.token] What the service was started with.
     * @param {number} [options.timeout] Seconds after which a request without an answer fails.
     * @param {number} [options.retries] How often a request is sent again where the service has no room.
     * @param {typeof globalThis.WebSocket} [options.WebSocket] For streams in Node 20, which has none.
     */
    constructor(url?: string, { token, timeout, retries, WebSocket }?: {
        token?: string | null | undefined;
        timeout?: number | undefined;
        retries?: number | undefined;
        WebSocket?: {
            new (url: string | URL, protocols?: string | string[]): WebSocket;
            prototype: WebSocket;
            readonly CONNECTING: 0;
            readonly OPEN: 1;
            readonly CLOSING: 2;
            readonly CLOSED: 3;
        } | undefined;
    });
    url: string;
    timeout: number;
    retries: number;
    WebSocket: {
        new (url: string | URL, protocols?: string | string[]): WebSocket;
        prototype: WebSocket;
        readonly CONNECTING: 0;
        readonly OPEN: 1;
        readonly CLOSING: 2;
        readonly CLOSED: 3;
    };
    /** @type {string | null} */
    token: string | null;
    /**
     * Read one image, or several with one request; in the answer they are in the order given.
     * @param {Sendable | Sendable[]} images A File is called by its name.
     * @param {ImageOptions} [options]
     * @returns {Promise<Images>}
     */
    images(images: Sendable | Sendable[], options?: ImageOptions): Promise<Images>;
    /**
     * Hand in a video, to be read when it is its turn.
     * @param {Sendable} video A File is called by its name.
     * @param {Omit<VideoOptions, "results"> & { results?: string | string[] }} [options]
     * @returns {Promise<Job>}
     */
    video(video: Sendable, options?: Omit<VideoOptions, "results"> & {
        results?: string | string[];
    }): Promise<Job>;
    /** A video that was handed in before. @param {string} id */
    job(id: string): Job;
    /**
     * Open a stream, whose frames are read as they come and in which people are followed.
     * @param {StreamOptions} [options]
     * @returns {Promise<FrameStream>}
     */
    stream(options?: StreamOptions): Promise<FrameStream>;
    /** What the service reads with, and what may be chosen. @returns {Promise<ModelList>} */
    models(): Promise<ModelList>;
    /** Whether the service is up, and its version; no token is needed. @returns {Promise<Health>} */
    health(): Promise<Health>;
    /**
     * An answer that went well, with its body still to be read; for what has no method here.
     * @param {string} path Below the address of the service.
     * @param {RequestInit} [request]
     * @returns {Promise<Response>}
     */
    ask(path: string, request?: RequestInit): Promise<Response>;
    #private;
}
/** A video of the service's queue. */
export class Job {
    /**
     * @param {Client} client
     * @param {string} id
     * @param {(kind: "VideoJob", path: string) => Promise<any>} told
     */
    constructor(client: Client, id: string, told: (kind: "VideoJob", path: string) => Promise<any>);
    client: Client;
    id: string;
    /** How far it is. @returns {Promise<VideoJob>} */
    state(): Promise<VideoJob>;
    /**
     * Its states as they change, the last with the state `done` or `failed`.
     * @param {AbortSignal} [signal] Ends it before.
     * @returns {AsyncGenerator<VideoJob, void, void>}
     */
    progress(signal?: AbortSignal): AsyncGenerator<VideoJob, void, void>;
    /** Its state once it is done; an error where it failed. @returns {Promise<VideoJob>} */
    wait(): Promise<VideoJob>;
    /** A result, such as `result.csv`. @param {string} name @returns {Promise<Blob>} */
    result(name: string): Promise<Blob>;
    /** Stop it, and delete it and its results; nothing happens where it is gone already. */
    cancel(): Promise<void>;
    #private;
}
/** Frames of one camera or clip: people are followed from frame to frame. */
export class FrameStream {
    /**
     * A stream whose first message was answered.
     * @param {WebSocket} socket
     * @param {StreamOptions} options
     * @param {string} url
     */
    static opened(socket: WebSocket, options: StreamOptions, url: string): Promise<FrameStream>;
    /** @param {WebSocket} socket @param {string} url */
    constructor(socket: WebSocket, url: string);
    /** @type {StreamReady} */
    ready: StreamReady;
    socket: WebSocket;
    /**
     * Read a frame. Of those that are sent while one is being read, the service skips all but the newest.
     * @param {Sendable} image A JPEG, PNG, WebP, ...
     * @param {number} time Seconds since whenever; later than that of the frame before.
     * @returns {Promise<StreamedFrame>}
     */
    read(image: Sendable, time: number): Promise<StreamedFrame>;
    /** Make the next frame the first of another stream: everyone is forgotten. */
    reset(): void;
    /** End the stream. */
    close(): void;
    #private;
}
export type Cause = {
    status: number;
    kind: string;
    message: string;
};
export type Face = {
    frame: number;
    time: number;
    box: [number, number, number, number];
    detection_score: number;
    landmarks: Array<[number, number]> | null;
    track: number | null;
    emotion: string | null;
    confidence: number | null;
    probs: Record<string, number> | null;
    smoothed_emotion: string | null;
    smoothed_probs: Record<string, number> | null;
    label: string | null;
    label_confidence: number | null;
    valence: number | null;
    expressiveness: number | null;
    measures: Record<string, number | null> | null;
    measures_missing: string | null;
    talking: boolean | null;
    mesh: Array<[number, number, number]> | null;
};
export type Health = {
    status: "ok" | "degraded";
    version: string;
    reason: string | null;
};
export type Image = {
    source: string;
    status: "face" | "no_face" | "error";
    width: number | null;
    height: number | null;
    faces: Array<Face>;
    error: Cause | null;
};
export type Images = {
    notice: string;
    model: string;
    digest: string;
    head: string;
    detector: string;
    images: Array<Image>;
};
export type Label = {
    name: string;
    colour: string;
    icon: string;
    valence: number | null;
};
export type ModelList = {
    notice: string;
    model: string;
    digest: string;
    head: string;
    detector: string;
    version: string;
    detectors: Array<string>;
    landmarks: boolean;
    models: Array<NetworkFile>;
};
export type NetworkFile = {
    name: string;
    version: string;
    kind: "expression" | "detector" | "landmarks";
    offered: boolean;
    url: string | null;
    bytes: number;
    sha256: string;
    digest: string;
    heads: Record<string, Array<Label>>;
    size: number | null;
    crop: Record<string, number> | null;
    temperatures: Record<string, number>;
    card: Record<string, any>;
};
export type VideoJob = {
    notice: string;
    model: string;
    digest: string;
    head: string;
    detector: string;
    id: string;
    name: string;
    state: "waiting" | "running" | "done" | "failed";
    stage: string;
    frames: number;
    expected: number | null;
    progress: number | null;
    options: Record<string, any>;
    created: number;
    ended: number | null;
    expires: number | null;
    error: Cause | null;
    results: Record<string, string>;
};
export type ImageOptions = {
    model?: string | undefined;
    head?: string | undefined;
    detector?: string | undefined;
    min_face?: number | undefined;
    largest?: boolean | undefined;
    landmarks?: boolean | undefined;
    points?: boolean | undefined;
};
export type VideoOptions = {
    model?: string | undefined;
    head?: string | undefined;
    detector?: string | undefined;
    interval?: number | undefined;
    fps?: number | undefined;
    largest?: boolean | undefined;
    min_face?: number | undefined;
    tau?: number | undefined;
    baseline?: string | number | undefined;
    results?: string | undefined;
    thumbnails?: boolean | undefined;
    blur?: string | undefined;
    landmarks?: boolean | undefined;
    start?: number | undefined;
    end?: number | undefined;
};
export type StreamOptions = {
    model?: string | undefined;
    head?: string | undefined;
    detector?: string | undefined;
    min_face?: number | undefined;
    largest?: boolean | undefined;
    landmarks?: boolean | undefined;
    points?: boolean | undefined;
    cuts?: boolean | undefined;
    tau?: number | undefined;
    baseline?: number | undefined;
};
/**
 * An image or video as a file has it.
 */
export type Sendable = Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;
export type StreamReady = {
    notice: string;
    model: string;
    digest: string;
    head: string;
    detector: string;
    labels: string[];
};
export type StreamedFrame = {
    frame: number;
    time: number | null;
    status: "face" | "no_face" | "error" | "skipped";
    width?: number | undefined;
    height?: number | undefined;
    faces: Face[];
    error?: Cause | undefined;
};
