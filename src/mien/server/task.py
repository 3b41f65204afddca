"""What is to be done with a video, as the service writes it down for the process that does it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mien.core.errors import InputError, MediaError
from mien.core.names import quoted
from mien.inference.config import PipelineConfig
from mien.outputs.charts import CHARTS
from mien.outputs.formats import FORMATS, beside

if TYPE_CHECKING:
    from mien.media import Media
    from mien.video.runner import VideoOptions

COPY = "result.mp4"
RESULTS = (*(f"result{ending}" for ending in FORMATS), COPY)
PEOPLE = tuple(f"persons.{form}" for form in ("csv", "json", "jsonl"))
SMALLEST, HIGHEST = 16, 4000
"""px that a client may ask for as the height of the smallest face; the smaller, the more work."""
WANTED = (*RESULTS, *PEOPLE, *CHARTS)
"""Names of the results that a client may ask for."""
FILES = (*WANTED, *(more.name for name in RESULTS if (more := beside(Path(name))) is not None))
"""Names of all results: some come with a further file."""


@dataclass(frozen=True)
class Bounds:
    """How large a video may be.

    Args:
        pixels: Of a frame.
        seconds: Of the whole.
    """

    pixels: int
    seconds: float

    def check(self, media: Media) -> None:
        """Refuse by what the header says.

        Raises:
            MediaError: It is no video, or too large or long.
        """
        if media.kind == "image":
            raise MediaError(
                f"{media.name}: expected a video; got an image: send it to /v1/images", "unsupported"
            )
        if media.width * media.height > self.pixels:
            raise MediaError(
                f"{media.name}: expected frames of at most {self.pixels:,} pixels; got {media.width} x {media.height}",
                "too_large",
            )
        if media.duration is not None:
            self.check_time(media.name, media.duration)

    def check_time(self, name: str, seconds: float) -> None:
        """Refuse by how long it has been.

        Raises:
            MediaError: Too long.
        """
        if seconds > self.seconds:
            raise MediaError(
                f"{name}: expected a video of at most {self.seconds:g} s; got {seconds:.0f} s: cut it into parts",
                "too_long",
            )


@dataclass(frozen=True)
class VideoJobOptions:
    """What a client may ask for.

    Args:
        model: What reads, out of the models that the service offers; by default the service's own.
        head: Which output of the model; by default the service's own, or the first one of another model.
        detector: What finds faces, out of the detectors that the service offers.
        interval: Seconds between the frames that are looked at.
        fps: Look at no more than so many frames a second.
        largest: Keep only the biggest face of each frame.
        min_face: Height in px of the smallest face to look for; by default the service's own.
        tau: Time constant of smoothing in seconds.
        baseline: Calibrate: seconds of a neutral face when a person first appears, or ``median``.
        results: Which results to make, with commas between them; all by default.
        thumbnails: Show faces in the report.
        blur: Whose faces are covered in the annotated video: ``all``, some (``2,3``), or ``all but 1``.
        landmarks: Measure what moves in each face, where the service finds landmarks.
        start: Seconds from which on the video is read; times stay those of the whole.
        end: Seconds up to which it is read.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"allow_inf_nan": False}

    model: str | None = None
    head: str | None = None
    detector: str | None = None
    interval: float | None = None
    fps: float | None = None
    largest: bool = False
    min_face: int | None = None
    tau: float | None = None
    baseline: float | Literal["median"] | None = None
    results: str | None = None
    thumbnails: bool = False
    blur: str | None = None
    landmarks: bool = False
    start: float | None = None
    end: float | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names of the results to make.

        Raises:
            InputError: There is no such result.

        >>> VideoJobOptions(results="result.csv, persons.csv").wanted
        ('result.csv', 'persons.csv')
        """
        names = WANTED if self.results is None else tuple(name.strip() for name in self.results.split(","))
        if unknown := [name for name in names if name not in WANTED]:
            raise InputError(f"expected results out of {', '.join(WANTED)}; got {quoted(unknown[0])}")
        return names

    def video_options(self) -> VideoOptions:
        """How the video is read.

        Raises:
            InputError: An option is impossible.
        """
        from mien.media import Sampling
        from mien.tracking.options import Smoothing
        from mien.video.runner import VideoOptions

        if self.min_face is not None and not SMALLEST <= self.min_face <= HIGHEST:
            raise InputError(f"expected min_face from {SMALLEST} to {HIGHEST} px; got {self.min_face}")
        given: dict[str, Any] = {} if self.tau is None else {"tau": self.tau}
        return VideoOptions(
            Sampling(interval=self.interval, fps=self.fps, start=self.start, end=self.end),
            smoothing=Smoothing(**given, baseline=self.baseline),
        )


@dataclass(frozen=True)
class VideoTask:
    """What is done, with which networks, and how much of it at most."""

    name: str
    networks: PipelineConfig
    options: VideoJobOptions
    bounds: Bounds

    @property
    def chosen(self) -> PipelineConfig:
        """The service's networks, used as the client wants."""
        least = self.networks.min_face if self.options.min_face is None else self.options.min_face
        return replace(
            self.networks,
            min_face=least,
            largest=self.networks.largest or self.options.largest,
            landmarks=self.options.landmarks,
        )

    def save(self, folder: Path) -> None:
        """Write it down for the process."""
        with open(folder / "task.json", "w", encoding="utf-8", newline="\n") as file:
            (folder / "task.json").chmod(0o600)
            json.dump(asdict(self), file)

    @staticmethod
    def load(folder: Path) -> VideoTask:
        """As it was written down."""
        stored = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        return VideoTask(
            stored["name"],
            PipelineConfig(**stored["networks"]),
            VideoJobOptions(**stored["options"]),
            Bounds(**stored["bounds"]),
        )
