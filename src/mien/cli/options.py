"""Options that several commands share, as dataclasses whose fields are options: what reads, how videos are
followed, live sources, and what is written."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from mien.cli.option_values import valences
from mien.cli.span_options import OVER_TIME, SpanOptions, parse_baseline
from mien.core.errors import InputError
from mien.inference.config import PipelineConfig
from mien.outputs.formats import kinds_of_files

if TYPE_CHECKING:
    from mien.inference.pipeline import Pipeline
    from mien.media import Sampling
    from mien.media.live import LiveOptions
    from mien.outputs.spec import OutputSpec
    from mien.video.runner import VideoOptions


def grouped(command: Callable[..., Any]) -> Callable[..., Any]:
    """Make a command for Typer out of a function that takes dataclasses: every field of them becomes an
    option.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Size:
    ...     width: int = 3
    ...     height: int = 4
    >>> @grouped
    ... def area(name: str, size: Size) -> str:
    ...     return f"{name} {size.width * size.height}"
    >>> list(inspect.signature(area).parameters), area(name="a", width=5)
    (['name', 'width', 'height'], 'a 20')
    """
    hints = get_type_hints(command, include_extras=True)
    hints.pop("return", None)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        parameters += (
            _options(groups[name]) if name in groups else [parameter.replace(annotation=hints[name])]
        )

    def call(**values: Any) -> Any:
        taken = {}
        for name, kind in groups.items():
            given = {field.name: values.pop(field.name) for field in fields(kind) if field.name in values}
            taken[name] = kind(**given)
        return command(**values, **taken)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _options(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]


CorrectionsFile = Annotated[
    Path | None,
    typer.Option(
        "--corrections",
        metavar="FILE",
        help="Who is who, corrected by hand: the file that mien people takes.",
        show_default=False,
    ),
]


class StreamFormat(StrEnum):
    """What goes to standard output while something is live."""

    text = "text"
    jsonl = "jsonl"


class ListFormat(StrEnum):
    table = "table"
    json = "json"


class TestTimeAugmentation(StrEnum):
    """`mien.inference.tta.TTA`, known without importing numpy."""

    one = "one"
    flip = "flip"
    ten_crop = "ten-crop"


class Format(StrEnum):
    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


_NETWORKS, _OUTPUT = "Detector and model", "Output"


@dataclass(frozen=True)
class ModelOptions:
    """What finds faces and what classifies them."""

    detector: Annotated[
        str,
        typer.Option(
            help="mtcnn, blaze (faces that fill the frame), auto (both), haar (mien\\[haar]), or whole for images that are a face already.",
            rich_help_panel=_NETWORKS,
        ),
    ] = PipelineConfig.detector
    min_face: Annotated[
        int | None,
        typer.Option(help="Height in px of the smallest face to look for.", min=1, rich_help_panel=_NETWORKS),
    ] = None
    min_detection_score: Annotated[
        float | None,
        typer.Option(
            help="Ignore faces of which the detector is less sure, 0 to 1: by default 0.8 for mtcnn, 0.6 for blaze; for haar it is no probability.",
            min=0,
            max=1,
            show_default=False,
            rich_help_panel=_NETWORKS,
        ),
    ] = None
    largest: Annotated[
        bool,
        typer.Option(
            "--largest", help="Keep only the biggest face of each frame.", rich_help_panel=_NETWORKS
        ),
    ] = False
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="A model by name (mien models list), or an ONNX file that mien wrote.",
            rich_help_panel=_NETWORKS,
        ),
    ] = PipelineConfig.model
    head: Annotated[
        str | None,
        typer.Option(
            help="Which output head to use (mien models list).",
            show_default=False,
            rich_help_panel=_NETWORKS,
        ),
    ] = None
    min_confidence: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Show uncertain in place of an expression that is less probable; below 0.5 an answer is more likely wrong than right.",
            show_default=False,
            rich_help_panel=_NETWORKS,
        ),
    ] = None
    tta: Annotated[
        TestTimeAugmentation,
        typer.Option(
            help="Test-time augmentation: how often a face is looked at; flip: it and its mirror image.",
            rich_help_panel=_NETWORKS,
        ),
    ] = TestTimeAugmentation.one
    threads: Annotated[
        int | None, typer.Option(help="Threads for each model.", min=1, rich_help_panel=_NETWORKS)
    ] = None
    device: Annotated[
        str,
        typer.Option(
            help="What runs the models: auto, cpu, cuda, ... as ONNX Runtime has it here.",
            rich_help_panel=_NETWORKS,
        ),
    ] = PipelineConfig.device

    def config(self) -> PipelineConfig:
        """The same as plain values."""
        return PipelineConfig(**{**vars(self), "tta": self.tta.value})

    def pipeline(self) -> Pipeline:
        """Open the models."""
        from mien.inference.pipeline import Pipeline

        return Pipeline.open(self.config())


@dataclass(frozen=True)
class NetworkOptions(ModelOptions):
    """The same where single faces are told of, and what is measured of each."""

    landmarks: Annotated[
        bool,
        typer.Option(
            "--landmarks",
            help="Measure also where heads turn, how far eyes and mouths open, and other movements of each face.",
            rich_help_panel=_NETWORKS,
        ),
    ] = False
    valence: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=NUMBER,...",
            help="How pleasant expressions are, from -1 to 1, in place of happy=1, surprise and neutral 0, others -1.",
            show_default=False,
            rich_help_panel=_NETWORKS,
        ),
    ] = None

    def config(self) -> PipelineConfig:
        """The same as plain values."""
        return replace(super().config(), valence=valences(self.valence))


MaxPixels = Annotated[
    int | None,
    typer.Option(
        help="Most pixels of an image or frame; 128 million of an image and 35 million of a frame by default.",
        min=1,
        show_default=False,
        rich_help_panel="Limits",
    ),
]


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is read over time."""

    interval: Annotated[
        float | None,
        typer.Option(help="Seconds between the frames that are analyzed.", rich_help_panel=OVER_TIME),
    ] = None
    fps: Annotated[
        float | None,
        typer.Option(help="Analyze at most so many frames a second.", rich_help_panel=OVER_TIME),
    ] = None
    tau: Annotated[
        float | None,
        typer.Option(
            help="Time constant of smoothing in seconds, 0.35 by default.", rich_help_panel=OVER_TIME
        ),
    ] = None
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS|median",
            help="Calibrate to each person: their neutral face is the one of the first SECONDS, or their usual one (median).",
            show_default=False,
            rich_help_panel=OVER_TIME,
        ),
    ] = None

    def video_options(self) -> VideoOptions:
        """How it is read.

        Raises:
            InputError: An option is impossible.
        """
        from mien.media import Sampling
        from mien.tracking.options import Smoothing, Tracking
        from mien.video.runner import VideoOptions

        given: dict[str, Any] = {} if self.tau is None else {"tau": self.tau}
        smoothing = Smoothing(**given, baseline=parse_baseline(self.baseline))
        return VideoOptions(Sampling(interval=self.interval, fps=self.fps), Tracking(), smoothing)


@dataclass(frozen=True)
class TimeOptions(StreamOptions, SpanOptions):
    """How videos are read over time."""

    hidden_frames: Annotated[
        bool,
        typer.Option(
            "--hidden-frames",
            help="Read also what the edit list of an MP4 or MOV hides from players, such as ends that were trimmed off.",
            rich_help_panel=OVER_TIME,
        ),
    ] = False
    no_track: Annotated[
        bool,
        typer.Option(
            "--no-track",
            help="Do not follow people from frame to frame; nothing is smoothed then.",
            rich_help_panel=OVER_TIME,
        ),
    ] = False
    max_pixels: MaxPixels = None
    decode_seconds: Annotated[
        float,
        typer.Option(
            help="Most seconds of processor time that decoding one image may take.",
            show_default=True,
            rich_help_panel="Limits",
        ),
    ] = 20

    def video_options(self) -> VideoOptions:
        """How they are read; see `StreamOptions.video_options`.

        Raises:
            InputError: An option is impossible, or asks for what is not done without following people.
        """
        for value, option in ((self.tau, "--tau"), (self.baseline, "--baseline")):
            if self.no_track and value is not None:
                raise InputError(
                    f"{option}: expected people who are followed; got --no-track: leave one of both out"
                )
        video_options = super().video_options()
        start, end = self.span()
        sampling = replace(video_options.sampling, hidden_frames=self.hidden_frames, start=start, end=end)
        video_options = replace(
            video_options, sampling=sampling, max_pixels=self.max_pixels, decode_seconds=self.decode_seconds
        )
        return replace(video_options, tracking=None) if self.no_track else video_options


@dataclass(frozen=True)
class OutputOptions:
    """What is written."""

    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="What goes to standard output; a table for people by default.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help=f"Write a file; give it again for more. By its ending: {kinds_of_files()}. "
            "In all but rows, {name} and {parent} stand for the names of a video and its folder.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    persons: Annotated[
        Path | None,
        typer.Option(
            help="Write a table of the people in videos (.csv .json .jsonl).", rich_help_panel=_OUTPUT
        ),
    ] = None
    annotate: Annotated[
        Path | None,
        typer.Option(
            help="Write the image, or an MP4, with boxes and labels; a folder for several.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    no_audio: Annotated[
        bool,
        typer.Option(
            "--no-audio",
            help="Leave the sound out of it, as --blur does: people are known by their voice.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False
    blur: Annotated[
        str | None,
        typer.Option(
            metavar="WHO",
            help="Cover faces in it: all, some people (2,3), or all but some (all but 1).",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    plots: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write charts of videos as PNG.", rich_help_panel=_OUTPUT),
    ] = None
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Show faces in the report.", rich_help_panel=_OUTPUT)
    ] = False
    transcript: Annotated[
        Path | None,
        typer.Option(
            help="What was said, for the report: WebVTT or another file of events.", rich_help_panel=_OUTPUT
        ),
    ] = None

    def asked(self) -> OutputSpec:
        """What is written.

        Raises:
            InputError: An ending is unknown, or two files are the same.
        """
        from mien.media.blur import Blur
        from mien.outputs.spec import OutputSpec

        covering = None if self.blur is None else Blur.parse(self.blur)
        return OutputSpec(
            tuple(self.output or ()),
            self.persons,
            self.annotate,
            self.plots,
            self.thumbnails,
            covering,
            sound=not self.no_audio,
            transcript=self.transcript,
        )


_SOURCE = "Source"


@dataclass(frozen=True)
class SourceOptions:
    """How a live source is opened."""

    size: Annotated[
        str | None,
        typer.Option(
            "--capture-size",
            metavar="WxH",
            help="Size in px asked of a camera, such as 1280x720.",
            show_default=False,
            rich_help_panel=_SOURCE,
        ),
    ] = None
    rate: Annotated[
        float | None,
        typer.Option(
            "--capture-fps",
            help="Frames per second asked of a camera, or taken of the screen (10).",
            show_default=False,
            rich_help_panel=_SOURCE,
        ),
    ] = None
    timeout: Annotated[
        float,
        typer.Option(
            help="Seconds without a sign of life after which a source is lost.", rich_help_panel=_SOURCE
        ),
    ] = 5.0
    max_pixels: MaxPixels = None
    udp: Annotated[
        bool,
        typer.Option(
            "--udp", help="RTSP over UDP, for cameras that know nothing else.", rich_help_panel=_SOURCE
        ),
    ] = False

    def options(self, sampling: Sampling) -> LiveOptions:
        """How the source is opened.

        Args:
            sampling: Which frames are looked at.

        Raises:
            InputError: An option is impossible.
        """
        from mien.media.live import LiveOptions

        given: dict[str, Any] = {
            "size": self._size(),
            "rate": self.rate,
            "transport": "udp" if self.udp else "tcp",
        }
        if self.max_pixels is not None:
            given["max_pixels"] = self.max_pixels
        return LiveOptions(sampling, timeout=self.timeout, **given)

    def _size(self) -> tuple[int, int] | None:

        if self.size is None:
            return None
        match = re.fullmatch(r"(\d+)x(\d+)", self.size)
        if match is None:
            raise InputError(
                f"expected --capture-size as width x height in px, such as 1280x720; got {self.size!r}"
            )
        return int(match[1]), int(match[2])
