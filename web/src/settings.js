/**
 * What the server tells the page (`/v1/page`): types alone. `mien.server.web_page` makes it, out of the list
 * in `mien.server.page_constants`.
 *
 * @typedef {object} Settings
 * @property {string} version
 * @property {string} notice What mien's answers are and are not.
 * @property {string} report_style The stylesheet of all reports.
 * @property {boolean} device Whether this browser can read expressions itself.
 * @property {{covered: boolean} | null} source The server's own source, where it has one, and whether faces
 *   are covered there.
 * @property {boolean} photos Whether the server shows photos that rules have saved.
 * @property {string[]} labels Expressions, in the order of all probabilities.
 * @property {number[] | null} valences How pleasant each of them is, -1 to 1; null where that is not known.
 * @property {Record<string, string>} colours `#rrggbb` by name.
 * @property {Record<string, string>} icons A sign for each class that the page has no picture of.
 * @property {{name: string, below: number | null}} uncertain What is shown instead of an expression that is
 *   less probable.
 * @property {Sentiment | null} sentiment Null where nobody has said how pleasant each class is.
 * @property {Model} model
 * @property {DetectorOptions} detector
 * @property {TrackingOptions} tracking
 * @property {SmoothingOptions} smoothing
 * @property {LandmarkOptions} landmarks
 * @property {{device: {mesh: string, eyes: string} | null, server: boolean}} landmarks_at Where the points of
 *   faces can be found: on the device with the networks of these addresses, on the server.
 * @property {string[]} keys Of a row as JSON.
 * @property {string[]} columns Of a row as CSV.
 * @property {Record<string, string>} [integrity] Digests of networks by their address, which browsers check.
 * @property {Record<string, string>} [words] What is shown in place of English words.
 *
 * @typedef {object} Sentiment
 * @property {string} mapping
 * @property {string[]} names
 * @property {Record<string, string>} colours
 * @property {number[][]} weights A row per expression, a column per name.
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {string} version
 * @property {string} summary
 * @property {string} licence
 * @property {string} limits
 * @property {string} url Below the folder of the service, or of `mien web`.
 * @property {string} head Which of its outputs is used.
 * @property {{height: number, channels: number, low: number, high: number}} input
 * @property {{side: number, right: number, down: number}} crop
 *
 * @typedef {object} DetectorOptions
 * @property {number} WINDOW px
 * @property {number} STRIDE px
 * @property {number} LARGEST_LEVEL px in all.
 * @property {number} MOST_WINDOWS
 * @property {number} min_face px
 * @property {number} factor
 * @property {number} min_detection_score
 * @property {number[]} thresholds Of the three networks.
 * @property {string[]} networks
 *
 * @typedef {object} SpacingOptions
 * @property {number} KEPT
 * @property {number} PATIENCE
 *
 * @typedef {object} PersonOptions
 * @property {number} COARSE
 * @property {number} NOISE
 * @property {number} FASTEST
 * @property {number} STEADY
 * @property {number} TREND
 * @property {number} FADING
 * @property {number} WIDEST
 *
 * @typedef {object} SceneOptions
 * @property {number} ACROSS
 * @property {number} MOVED
 * @property {number} CUT
 * @property {number} CUT_DIFFERENCE
 *
 * @typedef {object} TrackerOptions
 * @property {number} lost_after s
 * @property {number} full_every s
 * @property {number} calm_every s
 * @property {number} keep
 * @property {number} start
 * @property {boolean} cuts
 * @property {number} SOON
 * @property {number} ALERT
 * @property {number} UNSURE
 * @property {number} AGAIN
 * @property {number} ASTRAY
 * @property {number} GROWN
 * @property {number} SAME
 * @property {number} REACH
 * @property {number} TURNED
 * @property {number} MOMENT
 * @property {number} STILL_REACH
 *
 * @typedef {TrackerOptions & PersonOptions & SceneOptions & SpacingOptions} TrackingOptions
 *
 * @typedef {object} EvidenceOptions
 * @property {number} evidence nats times seconds
 * @property {number} FLOOR
 * @property {number} PLAIN
 * @property {number} LIGHTEST
 * @property {number} CLEAR
 * @property {number} SPARSE
 * @property {number} SINGLE
 * @property {number} BARE
 *
 * @typedef {{tau: number, gap: number, FIRST: number, REACH: number, CHANGE: number} & EvidenceOptions &
 *   SpacingOptions} SmoothingOptions
 *
 * @typedef {object} MeshOptions
 * @property {number} SIDE px
 * @property {number} WIDER
 * @property {number} TURNED radians
 * @property {number} LOOKS
 * @property {number} LEFT_EYE
 * @property {number} RIGHT_EYE
 * @property {number} EYE_SIDE px
 * @property {number} EYE_WIDER
 * @property {number[][][]} LIDS Of each eye the outer and inner corner, and the points of the lids.
 * @property {number[]} LIDS_FOUND The same points among those of the network for eyes.
 *
 * @typedef {object} MeasureOptions
 * @property {number[]} RIGID Points that move with the skull.
 * @property {number[][]} CANONICAL Where these are in a face seen from the front.
 * @property {number} MOST_TURNED degrees
 * @property {number} LEAST_SURE
 * @property {number} LEAST_SIZE px
 * @property {number} LEAST_INSIDE
 * @property {number} LEAST s
 * @property {number} MOST s
 * @property {number[]} MOVING Points whose movement counts.
 * @property {string[]} measures
 * @property {string[]} reasons
 * @property {string[]} keys Of a row as JSON.
 * @property {string[]} columns Of a row as CSV.
 *
 * @typedef {object} BlinkOptions
 * @property {number} CLOSED
 * @property {number} OPEN
 * @property {number} LONGEST s
 * @property {number} REMEMBERED s
 * @property {number} FIRST s
 * @property {number} COARSEST s
 *
 * @typedef {object} TalkingOptions
 * @property {number} WINDOW s
 * @property {number} TURNS
 * @property {number} SWING
 * @property {number} DEPTH
 * @property {number} LEAST_RATE frames a second
 * @property {number} LEAST_FACE px
 * @property {number} BREAK s
 * @property {number} HELD s
 *
 * @typedef {MeshOptions & MeasureOptions & BlinkOptions & TalkingOptions & SpacingOptions} LandmarkOptions
 */

export {};
