"""Arguments of another type than their annotation are refused in one line, whatever they are and however large."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mien import (
    AsyncPipeline,
    InputError,
    MienError,
    Pipeline,
    Sampling,
    Session,
    Smoothing,
    Tracking,
    analyze,
)
from mien.agreement.options import AgreementOptions
from mien.audience.options import AudienceOptions
from mien.clips.aggregate import ClipRule
from mien.core.arguments import checked
from mien.core.names import quoted
from mien.evaluation import EvaluateOptions
from mien.explain.run import ExplainOptions
from mien.inference.detectors import create_detector, detector_name
from mien.media.live import LiveOptions
from mien.studies.comparison import CompareRules
from mien.studies.windows import WindowRule
from mien.video.runner import VideoOptions

ZEROS = np.zeros((40, 40, 3), np.uint8)
BOOL, WHOLE, NUMBER = "expected True or False; got ", "expected a whole number", "expected a number"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"largest": "maybe"}, f"largest: {BOOL}'maybe'"),
        ({"largest": 1}, f"largest: {BOOL}1"),
        ({"landmarks": None}, f"landmarks: {BOOL}None"),
        ({"model": 5}, "model: expected text or a path; got 5"),
        ({"model": b"small"}, "model: expected text or a path; got b'small'"),
        ({"device": None}, "device: expected auto, cpu, cuda, tensorrt, migraphx, directml, openvino or coreml; got None"),
        ({"tta": 2}, "tta: expected one, flip or ten-crop; got 2"),
        ({"detector": 3}, "detector: expected mtcnn, blaze, auto, haar, whole or a Detector; got 3"),
        ({"head": 0}, "head: expected text or None; got 0"),
        ({"head": 10**20}, "head: expected text or None; got 1" + "0" * 20),
        ({"min_face": "large"}, f"min_face: {WHOLE} or None; got 'large'"),
        ({"min_face": 30.5}, f"min_face: {WHOLE} or None; got 30.5"),
        ({"threads": True}, f"threads: {WHOLE} or None; got True"),
        ({"min_confidence": "half"}, f"min_confidence: {NUMBER} or None; got 'half'"),
        ({"valence": [1]}, "valence: expected a mapping (text: a number) or None; got [1]"),
        ({"valence": {"happy": "very"}}, "valence: expected a mapping (text: a number) or None; got {'happy': 'very'}"),
        ({"valence": {"happy": None}}, "valence: expected a mapping (text: a number) or None; got {'happy': None}"),
        ({"valence": {"happy": True}}, "valence: expected a mapping (text: a number) or None; got {'happy': True}"),
        ({"min_face": 10**30}, "min_face: expected a number that is not so large; got 1" + "0" * 30),
        ({"min_face": 10**5000}, "min_face: expected a number that is not so large; got a number of thousands of digits"),
        ({"min_face": 10**7}, "expected min_face of 1,000,000 px or less; got 10000000"),
        ({"threads": 10**30}, "threads: expected a number that is not so large; got 1" + "0" * 30),
        ({"threads": 10**6}, "threads: expected 1 to 1,024; got 1000000"),
    ],
)  # fmt: skip
def test_a_pipeline_says_what_it_expected(wrong: dict[str, Any], told: str) -> None:
    for made in (Pipeline, lambda **options: analyze(ZEROS, **options)):
        with pytest.raises(InputError) as caught:
            made(**wrong)
        assert str(caught.value) == told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"pipeline": "small"}, "pipeline: expected a Pipeline or None; got 'small'"),
        ({"tracking": None}, "tracking: expected a Tracking, True or False; got None"),
        ({"smoothing": 0.3}, "smoothing: expected a Smoothing or None; got 0.3"),
        ({"interval": "1"}, "interval: expected a number or None; got '1'"),
        ({"hidden_frames": "no"}, f"hidden_frames: {BOOL}'no'"),
        ({"max_pixels": 1e6}, "max_pixels: expected a whole number or None; got 1000000.0"),
        ({"channels": 3}, "channels: expected rgb or bgr; got 3"),
        ({"talking": True}, "talking: expected mark, skip or None; got True"),
    ],
)  # fmt: skip
def test_analyze_says_what_it_expected(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        analyze(ZEROS, **wrong)
    assert str(caught.value) == told


def test_records_and_sessions_say_what_they_expected(pipeline: Pipeline) -> None:
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (Tracking, {"keep": "often"}, "keep: expected a number; got 'often'"),
        (Tracking, {"cuts": 0}, "cuts: expected True or False; got 0"),
        (Smoothing, {"evidence": 10**400}, f"evidence: expected a number that is not so large; got {quoted(10**400)}"),
        (Smoothing, {"baseline": 10**400}, f"baseline: expected a number that is not so large; got {quoted(10**400)}"),
        (Smoothing, {"baseline": np.float32(-1)}, "expected baseline as seconds above 0, 'median' or None; got -1.0"),
        (Smoothing, {"baseline": np.int64(-1)}, "expected baseline as seconds above 0, 'median' or None; got -1"),
        (Smoothing, {"tau": np.inf}, "expected a finite tau; got inf"),
        (Smoothing, {"evidence": np.inf}, "expected a finite evidence; got inf"),
        (Smoothing, {"baseline": np.inf}, "expected baseline as seconds above 0, 'median' or None; got inf"),
        (Smoothing, {"tau": None}, "tau: expected a number; got None"),
        (Smoothing, {"baseline": "mean"}, "baseline: expected a number, median or None; got 'mean': did you mean median?"),
        (Sampling, {"hidden_frames": "no"}, "hidden_frames: expected True or False; got 'no'"),
        (VideoOptions, {"max_pixels": "all"}, "max_pixels: expected a whole number or None; got 'all'"),
        (Session, {"pipeline": None}, "pipeline: expected a Pipeline; got None"),
        (Session, {"pipeline": pipeline, "talking": "skipp"}, "talking: expected mark or skip; got 'skipp': did you mean skip?"),
        (AsyncPipeline, {"concurrency": "two"}, "concurrency: expected a whole number; got 'two'"),
    ]  # fmt: skip
    for made, wrong, told in cases:
        with pytest.raises(InputError) as caught:
            made(**wrong)
        assert str(caught.value) == told


@pytest.mark.parametrize(
    "options",
    [
        AgreementOptions,
        AudienceOptions,
        ClipRule,
        CompareRules,
        EvaluateOptions,
        ExplainOptions,
        LiveOptions,
        Sampling,
        Smoothing,
        Tracking,
        VideoOptions,
        WindowRule,
    ],
)
def test_each_option_says_what_it_expected(options: Any) -> None:
    for field in fields(options):
        if field.name == "track":  # Anything may be one that can be called, which nobody sees beforehand.
            continue
        with pytest.raises(InputError, match=f"^{field.name}: expected "):
            options(**{field.name: object()})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"start": -1}, "start: expected seconds from 0 on; got -1"),
        ({"start": 5, "end": 4}, "expected a span that ends after it begins; got 5 to 4 s: give a later end"),
        ({"seed": -1}, "seed: expected 0 or more; got -1"),
        ({"min_group": 4.5}, "min_group: expected a whole number; got 4.5"),
        ({"duration": math.inf}, "duration: expected seconds above 0; got inf"),
    ],
)
def test_an_audience_is_asked_for_in_range(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        AudienceOptions(**wrong)
    assert str(caught.value) == told


def test_what_stands_for_a_type_is_taken(pipeline: Pipeline) -> None:
    """Numbers and truth of numpy, whole numbers for numbers, and a detector of one's own."""

    class Own:
        def detect(self, images: Any) -> Any:
            return pipeline.detector.detect(images)

    options: Any = {
        "threads": np.int32(1),
        "largest": np.True_,
        "min_face": np.int64(50),
        "min_confidence": np.float32(0.5),
    }
    made = Pipeline("whole", valence={"happy": 1}, **options)
    assert made.largest
    assert len(Pipeline(Own())(ZEROS)) == 0
    assert Tracking(keep=1).keep == 1
    for true in (np.True_, np.False_):
        assert len(analyze(ZEROS, pipeline=made, tracking=true).faces) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.float32, np.float16, np.float64, Fraction, int])
def test_numbers_of_any_kind_become_pythons_own(kind: Any) -> None:
    sampling = Sampling(fps=kind(2), start=kind(0), end=kind(3))
    assert sampling == Sampling(fps=2, start=0, end=3)
    assert {type(value) for value in (sampling.fps, sampling.start, sampling.end)} <= {int, float}
    assert Sampling(interval=kind(2)).rate == 0.5
    assert Smoothing(baseline=kind(2)).baseline == 2
    assert (
        Pipeline("whole", valence={"happy": kind(1)}).labels == Pipeline("whole", valence={"happy": 1}).labels
    )
    assert AudienceOptions(window=kind(20), quorum=kind(8)).needed(5) == 8


def test_a_detector_without_a_name_is_called_as_its_class() -> None:
    class Own:
        def detect(self, images: Any) -> Any:
            return []

    assert detector_name(Own()) == "Own"
    assert detector_name(create_detector("whole")) == "whole"


def test_a_huge_value_is_not_repeated_whole(pipeline: Pipeline) -> None:
    huge = "x" * 10**6
    calls: list[Any] = [
        lambda: Pipeline(model=huge),
        lambda: Pipeline(detector=huge),  # type: ignore[arg-type]
        lambda: Pipeline(min_face=huge),  # type: ignore[arg-type]
        lambda: Pipeline(valence={huge: 0.5}),
        lambda: Pipeline(**{huge: 1}),  # type: ignore[arg-type]
        lambda: Pipeline(largest=huge.encode()),  # type: ignore[arg-type]
        lambda: Pipeline(largest=[huge] * 100),  # type: ignore[arg-type]
        lambda: Sampling(fps=huge),  # type: ignore[arg-type]
        lambda: analyze(huge, pipeline=pipeline),
        lambda: analyze(f"https://{huge}", pipeline=pipeline),
        lambda: pipeline(huge),
    ]
    for call in calls:
        with pytest.raises((MienError, TypeError)) as caught:
            call()
        told = str(caught.value)
        assert 20 < len(told) <= 2000
        assert "\n" not in told


def test_other_arguments_are_those_of_the_record_that_takes_them_along() -> None:
    @checked
    def read(path: str, *more: Any, times: int = 1) -> list[Any]:
        """Read."""
        return [path, *more, times]

    assert read("a", "b", times=2) == ["a", "b", 2]
    assert (read.__name__, read.__doc__) == ("read", "Read.")
    with pytest.raises(InputError, match="path: expected text; got 7"):
        read(7)  # type: ignore[arg-type]


@pytest.mark.integration
def test_nothing_heavy_is_loaded_to_check() -> None:
    loaded = "{'numpy', 'pydantic', 'onnxruntime', 'PIL'} & {*sys.modules}"
    code = f"import mien.core.arguments, sys; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
