"""What the service answers: the types behind its OpenAPI document. A face has the fields of
`mien.core.face.Face`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien import __version__
from mien.core.face import Face
from mien.core.labels import NOTICE

READER = {
    "notice": NOTICE,
    "model": "small-int8",
    "digest": "76885d3daeb9b8905f19b5df23b0a9c8813c1f5be9c2f8bfb1fbe1dea5068dce",
    "head": "expression",
    "detector": "mtcnn",
}
"""How an example says what read."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Read(_Answer):
    """What every answer with results begins with."""

    notice: str = Field(NOTICE, description="What the results are, and what not.")
    model: str = Field(description="The model that reads.")
    digest: str = Field(description="SHA-256 of the model's weights, as its card and reports have it.")
    head: str = Field(description="Which of the model's outputs is used.")
    detector: str = Field(description="What finds faces.")


class Cause(_Answer):
    """Why something was not done.

    Args:
        status: HTTP status.
        kind: A short stable word for programs.
        message: What was expected, what came and what to do.
    """

    status: int
    kind: str
    message: str


class Problem(_Answer):
    """The one shape of every error."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": {
                    "status": 415,
                    "kind": "unsupported",
                    "message": "notes.txt: expected an image; got a text file",
                }
            }
        }
    )

    error: Cause


class Image(_Answer):
    """One image, read.

    Args:
        source: Its name, as sent.
        status: Whether it shows faces, none, or could not be read.
        width: px, upright; None where it could not be read.
        height: px.
        faces: Best first.
        error: Why it could not be read, or None.
    """

    source: str
    status: Literal["face", "no_face", "error"]
    width: int | None = None
    height: int | None = None
    faces: list[Face] = []
    error: Cause | None = None


_FACE: dict[str, Any] = {
    "frame": 0,
    "time": 0.0,
    "box": [178.85, 61.82, 267.26, 173.41],
    "detection_score": 0.999014,
    "landmarks": [[204.13, 100.88], [246.97, 102.88], [224.8, 128.28], [201.58, 139.46], [246.4, 140.94]],
    "track": None,
    "emotion": "happy",
    "confidence": 0.987148,
    "probs": {
        "angry": 0.000835,
        "disgust": 0.000398,
        "fear": 0.000601,
        "happy": 0.987148,
        "neutral": 0.007106,
        "sad": 0.001738,
        "surprise": 0.002173,
    },
    "smoothed_emotion": None,
    "smoothed_probs": None,
    "label": "happy",
    "label_confidence": 0.987148,
    "valence": 0.983576,
    "expressiveness": 0.992894,
    "measures": {
        "yaw": -1.5095,
        "pitch": 5.4831,
        "roll": 3.1704,
        "left_eye_opening": 0.3503,
        "right_eye_opening": 0.3309,
        "mouth_opening": 0.1307,
        "mouth_width": 0.7262,
        "smile": 0.0778,
        "lip_height": 0.1552,
        "left_inner_brow_raise": 0.2151,
        "right_inner_brow_raise": 0.2167,
        "left_outer_brow_raise": 0.1565,
        "right_outer_brow_raise": 0.1623,
        "jaw_drop": 0.7911,
        "asymmetry": 0.0058,
        "movement": None,
    },
    "measures_missing": None,
    "talking": None,
    "mesh": None,
}
"""The astronaut of scikit-image, as ``?landmarks=true`` gives her."""


class Images(_Read):
    """The answer to `POST /v1/images`.

    Args:
        images: In the order sent.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                **READER,
                "images": [
                    {
                        "source": "astronaut.png",
                        "status": "face",
                        "width": 512,
                        "height": 512,
                        "faces": [_FACE],
                        "error": None,
                    }
                ],
            }
        }
    )

    images: list[Image]


class Label(_Answer):
    """A class of a model.

    Args:
        name: As in `probs`.
        colour: What charts and the page draw it in, ``#rrggbb``.
        icon: A sign that stands for it, or empty where the page draws a small face.
        valence: How pleasant it is, -1 to 1; None where nobody says.
    """

    name: str
    colour: str
    icon: str
    valence: float | None


class NetworkFile(_Answer):
    """A network that the service has.

    Args:
        name: Its name.
        version: Its version.
        kind: ``expression``, ``detector`` for a part of the face detector, or ``landmarks``.
        offered: Whether a client may choose it: `model` of images, videos and streams.
        url: Where the file can be had, or None where it is not one that comes with mien.
        bytes: Size of the file.
        sha256: Of the whole file, for checking a download.
        digest: SHA-256 of the weights, as answers with results have it.
        heads: The classes of each output, in order; the first output is its default. Empty for the other kinds.
        size: Side in px of the square that it sees, or None where any size will do.
        crop: The square of the image that it sees, from the box of a face; or None.
        temperatures: What the logits of each output are divided by to calibrate them.
        card: All that the file says of itself.
    """

    name: str
    version: str
    kind: Literal["expression", "detector", "landmarks"]
    offered: bool
    url: str | None
    bytes: int
    sha256: str
    digest: str
    heads: dict[str, list[Label]]
    size: int | None
    crop: dict[str, float] | None
    temperatures: dict[str, float]
    card: dict[str, Any]


class ModelList(_Read):
    """The answer to `GET /v1/models`: the defaults, and what may be chosen in their place.

    Args:
        version: Of mien.
        detectors: Names of the detectors that a client may choose, the default first.
        landmarks: Whether a client may ask for landmarks.
        models: All networks, the default first.
    """

    version: str
    detectors: list[str]
    landmarks: bool
    models: list[NetworkFile]


class PhotoFile(_Answer):
    """A photo that a rule has saved.

    Args:
        name: Of its file: when it was taken, the rule, six letters of the event's id.
        url: Where it is.
    """

    name: str
    url: str


class PhotoList(_Answer):
    """The photos that rules have saved.

    Args:
        photos: The newest first.
    """

    photos: list[PhotoFile]


class Source(_Read):
    """The live source that the service itself looks at.

    Args:
        source: What it is; neither a path nor anything that opens it.
        state: `resting`: nobody looks, it is closed; `opening`; `live`; `retrying`: lost, and opened again
            and again; `ended`: a video came to its end; `failed`: lost for good.
        message: Why, or None.
        viewers: How many look.
        covered: Whether faces are covered before frames leave the service.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                **READER,
                "source": "camera:0",
                "state": "live",
                "message": None,
                "viewers": 2,
                "covered": False,
            }
        }
    )

    source: str
    state: Literal["resting", "opening", "live", "retrying", "ended", "failed"]
    message: str | None
    viewers: int
    covered: bool


class Health(_Answer):
    """The answer to `GET /healthz`.

    Args:
        status: ``degraded``: images and streams are read, but videos are not taken or read as they should
            be; it ends by itself.
        version: Of mien.
        reason: Why it is degraded, or None.
    """

    status: Literal["ok", "degraded"] = "ok"
    version: str = Field(examples=[__version__])
    reason: str | None = None


class Login(BaseModel):
    """The body of `POST /v1/login`.

    Args:
        token: What the service was started with.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"token": "a-long-secret-of-your-own"}}
    )

    token: str = Field(min_length=1, max_length=256)


class VideoJob(_Read):
    """A video that was handed in.

    Args:
        id: By which it is asked for.
        name: As sent.
        state: ``waiting``, ``running``, ``done`` or ``failed``.
        stage: What is being done: ``waiting``, ``analyzing``, ``writing``, ``drawing``, ``faces``, ``done`` or
            ``failed``.
        frames: Frames of this stage so far; of a video that is done, those that were read.
        expected: About how many there will be, or None.
        progress: Share of the whole work that is done, 0 to 1; None where nobody can tell.
        options: What was asked for.
        created: Seconds since 1970.
        ended: Seconds since 1970, or None.
        expires: When everything of it will be deleted, in seconds since 1970, or None.
        error: Why it failed, or None.
        results: Where each result is, by name.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                **READER,
                "id": "0123456789abcdef0123456789abcdef",
                "name": "talk.mp4",
                "state": "running",
                "stage": "analyzing",
                "frames": 250,
                "expected": 1000,
                "progress": 0.083,
                "options": {"largest": False, "fps": 5.0, "thumbnails": False, "landmarks": False},
                "created": 1795200000.0,
                "ended": None,
                "expires": None,
                "error": None,
                "results": {},
            }
        }
    )

    id: str
    name: str
    state: Literal["waiting", "running", "done", "failed"]
    stage: str
    frames: int
    expected: int | None
    progress: float | None
    options: dict[str, Any]
    created: float
    ended: float | None
    expires: float | None
    error: Cause | None
    results: dict[str, str]
