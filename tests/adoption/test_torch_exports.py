"""Networks of well-known kinds, as PyTorch exports them: adopted, they answer as in PyTorch wherever mien uses them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import mien
from mien.core.labels import Labels
from mien.inference.card import read_card
from mien.inference.config import PipelineConfig
from mien.media import VideoWriter, open_media
from mien.models.adoption import Told, look_at
from tests.adoption.making_models import COLOURS, noisy
from tests.commands import run_mien

pytestmark = pytest.mark.slow

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIDE = 224
ALIKE = 1e-4


def squeezing(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(channels, 8, 1),
        nn.ReLU(),
        nn.Conv2d(8, channels, 1),
        nn.Hardsigmoid(),
    )


class Inverted(nn.Module):
    """A block of MobileNetV3 (Howard et al. 2019): wider, a convolution for each channel, squeezed and excited, narrower."""

    def __init__(self, given: int, wide: int, taken: int, stride: int) -> None:
        super().__init__()
        self.widened = nn.Sequential(
            nn.Conv2d(given, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.Hardswish(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.Hardswish(),
        )
        self.excited = squeezing(wide)
        self.narrowed = nn.Sequential(nn.Conv2d(wide, taken, 1, bias=False), nn.BatchNorm2d(taken))
        self.same = stride == 1 and given == taken

    def forward(self, x: Tensor) -> Tensor:
        y = self.widened(x)
        y = self.narrowed(y * self.excited(y))
        return x + y if self.same else y


def mobile(classes: int) -> nn.Module:
    """MobileNetV3, with few channels."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish()),
        Inverted(8, 16, 8, 2),
        Inverted(8, 24, 12, 2),
        Inverted(12, 32, 12, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Sequential(nn.Linear(12, 32), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(32, classes)),
    )


class Residual(nn.Module):
    """A block of ResNet (He et al. 2016)."""

    def __init__(self, given: int, taken: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(given, taken, 3, stride, 1, bias=False),
            nn.BatchNorm2d(taken),
            nn.ReLU(),
            nn.Conv2d(taken, taken, 3, 1, 1, bias=False),
            nn.BatchNorm2d(taken),
        )
        self.beside = nn.Sequential(nn.Conv2d(given, taken, 1, stride, bias=False), nn.BatchNorm2d(taken))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.inner(x) + self.beside(x))


def residual(classes: int) -> nn.Module:
    """ResNet, with few channels."""
    return nn.Sequential(
        nn.Sequential(
            nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        ),
        Residual(8, 12, 2),
        Residual(12, 16, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, classes),
    )


def brought(images: NDArray[np.uint8]) -> Tensor:
    """``(n, h, w, 3)`` images as such networks were trained on."""
    pixels = torch.from_numpy(images.astype(np.float32) / 255)
    return ((pixels - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2).contiguous()


def trained(make: Callable[[int], nn.Module]) -> nn.Module:
    """A network that tells colours apart."""
    torch.manual_seed(3)
    chance = np.random.default_rng(3)
    network = make(len(COLOURS)).train()
    steps = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(25):
        truth = chance.integers(0, len(COLOURS), 16)
        images = np.stack([noisy(list(COLOURS.values())[column], chance, 32) for column in truth])
        scores = network(brought(images))
        loss = nn.functional.cross_entropy(scores, torch.from_numpy(truth), label_smoothing=0.2)
        steps.zero_grad()
        loss.backward()
        steps.step()
    return network.eval()


def answers(network: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What PyTorch says."""
    with torch.inference_mode():
        return torch.softmax(network(brought(images)), 1).numpy()


@dataclass(frozen=True)
class Export:
    """A way to export a network: which exporter, whether for any number of images, and in how many files."""

    dynamo: bool = True
    free: bool = True
    one_file: bool = True

    def write(self, network: nn.Module, path: Path) -> Path:
        given = {} if self.one_file or not self.dynamo else {"external_data": True}
        if self.dynamo and self.one_file:
            given = {"external_data": False}
        if self.free and self.dynamo:
            given["dynamic_shapes"] = ({0: torch.export.Dim("n", min=1)},)  # type: ignore[assignment]
        if self.free and not self.dynamo:
            given["dynamic_axes"] = {"images": {0: "n"}, "scores": {0: "n"}}  # type: ignore[assignment]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The exporters warn about their own internals.
            torch.onnx.export(
                network,
                (torch.zeros(2 if self.free else 1, 3, SIDE, SIDE),),
                str(path),
                dynamo=self.dynamo,
                input_names=["images"],
                output_names=["scores"],
                verbose=False,
                **given,  # type: ignore[arg-type]
            )
        return path


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    return {"mobile": trained(mobile), "residual": trained(residual)}


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    """``(n, 224, 224, 3)``: each is the whole of what the network sees; colours between those of the classes too."""
    chance = np.random.default_rng(8)
    colours = np.array(list(COLOURS.values()))
    shares = np.concatenate([np.eye(3), chance.dirichlet(np.ones(3), 9)])
    images = [noisy(tuple(colour), chance, SIDE) for colour in shares @ colours]
    return np.stack(images)


def adopt(source: Path) -> Path:
    path = source.with_name(f"{source.stem}-adopted.onnx")
    look_at(source, Told(Labels(tuple(COLOURS)), colour="rgb", mean=MEAN, std=STD)).write(path)
    return path


WAYS = {
    "any number": Export(),
    "one at a time": Export(free=False),
    "TorchScript, any number": Export(dynamo=False),
    "TorchScript, one at a time": Export(dynamo=False, free=False),
    "weights beside it": Export(one_file=False),
}


Written = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def written(networks: dict[str, nn.Module], tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The file of a kind of network, exported in a way, once: it takes seconds."""

    @cache
    def write(kind: str, way: str) -> Path:
        return WAYS[way].write(networks[kind], tmp_path_factory.mktemp("exported") / "other.onnx")

    return write


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        *(("mobile", way) for way in WAYS if way != "weights beside it"),
        ("residual", "weights beside it"),
        ("residual", "TorchScript, one at a time"),
    ],
)
def test_images_get_the_answers_of_pytorch(
    kind: str, way: str, networks: dict[str, nn.Module], written: Written, pictures: NDArray[np.uint8]
) -> None:
    source = written(kind, way)
    assert source.with_name("other.onnx.data").exists() == (not WAYS[way].one_file)
    pipeline = mien.Pipeline("whole", adopt(source), threads=1)
    expected = answers(networks[kind], pictures)
    assert expected.std(axis=0).min() > 0.05, "answers depend on what is seen"
    got = np.concatenate([faces.probs for faces in pipeline(list(pictures))])
    assert np.abs(got - expected).max() < ALIKE
    assert pipeline.classifier.crop_faces(pictures[0], pipeline(pictures[0])).shape == (1, 3, SIDE, SIDE)


@pytest.fixture(scope="module")
def exported(written: Written) -> Path:
    return adopt(written("mobile", "any number"))


def test_videos_do(
    exported: Path, networks: dict[str, nn.Module], pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    with VideoWriter(tmp_path / "talk.mp4", SIDE, SIDE, rate=5) as movie:
        for number, image in enumerate(pictures):
            movie.write(image, number / 5)
    with open_media(tmp_path / "talk.mp4") as media:
        frames = np.stack([frame.image for frame in media])
    found = mien.analyze(tmp_path / "talk.mp4", model=exported, detector="whole")
    rows = np.array([[row["probs"][name] for name in COLOURS] for row in found.rows()])
    assert len(rows) == len(pictures)
    assert np.abs(rows - answers(networks["mobile"], frames)).max() < ALIKE


def test_batches_do(
    exported: Path, networks: dict[str, nn.Module], pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for number, image in enumerate(pictures):
        Image.fromarray(image).save(tmp_path / "in" / f"{number:02}.png")
    words = ("--model", exported, "--detector", "whole", "--format", "jsonl", "--workers", 1)
    run = run_mien("batch", tmp_path / "in", "-o", tmp_path / "out", *words)
    assert run.returncode == 0, run.stderr
    lines = (tmp_path / "out" / "shard-0000000.jsonl").read_text().splitlines()
    rows = np.array([[json.loads(line)["probs"][name] for name in COLOURS] for line in lines])
    assert np.abs(rows - answers(networks["mobile"], pictures)).max() < ALIKE


def test_the_service_does(
    exported: Path, networks: dict[str, nn.Module], pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    from tests.server.service import encoded, serving

    config = PipelineConfig(model=str(exported), detector="whole", threads=1)
    with serving(tmp_path / "service", networks=config) as service:
        sent = [("file", (f"{number}.png", encoded(image))) for number, image in enumerate(pictures)]
        answer = service.client.post("/v1/images", files=sent)
    assert answer.status_code == 200, answer.text
    faces: list[Any] = [image["faces"][0] for image in answer.json()["images"]]
    rows = np.array([[face["probs"][name] for name in COLOURS] for face in faces])
    assert np.abs(rows - answers(networks["mobile"], pictures)).max() < ALIKE


def test_its_weights_of_8_bits_tell_the_same(exported: Path, labelled: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.onnx"
    run = run_mien("models", "quantize", exported, labelled, "-o", small)
    assert run.returncode == 0, run.stderr
    assert read_card(small).precision == "int8"
    assert small.stat().st_size < exported.stat().st_size
    judged = mien.Pipeline("whole", small, threads=1)
    chance = np.random.default_rng(2)
    for name, colour in COLOURS.items():
        [face] = judged(noisy(colour, chance, SIDE))
        assert face.label == name
