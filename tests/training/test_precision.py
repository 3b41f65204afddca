"""The precision of a run: as the recipe says, else as the device computes; and it stays."""

from __future__ import annotations

import platform
import re
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien import InputError
from mien.training import run
from mien.training.callbacks import Silence
from mien.training.recipe import Recipe
from mien.training.run import Hardware, has_bfloat16, train
from tests.training.stripes import RECIPE, stripes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch and Lightning warn about their own parts
CPU = Hardware(accelerator="cpu", threads=1)
SHORT = replace(RECIPE, epochs=2, precision="auto")


class StoppedError(Exception):
    """Stands for whatever ends a run before its end."""


class Stopping(Silence):
    """Stops a run in its second epoch."""

    def step(self, epoch: int, step: int, steps: int) -> None:
        if epoch == 2:
            raise StoppedError


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]


def same(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return all(torch.equal(values, second[name]) for name, values in first.items())


@pytest.fixture(scope="module", params=["32", "bf16-mixed"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose recipe says the precision."""
    folder = tmp_path_factory.mktemp(request.param)
    train(stripes(), replace(SHORT, precision=request.param), folder, hardware=CPU)
    return folder


def test_a_run_keeps_the_precision_that_it_began_with(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun on a processor that computes in it, a run goes on on one that does not to the same bits, and the
    other way round."""
    expected = Recipe.load(told / "recipe.json").precision
    monkeypatch.setattr(run, "has_bfloat16", lambda device: expected == "bf16-mixed")
    with pytest.raises(StoppedError):
        train(stripes(), SHORT, tmp_path, Stopping(), CPU)
    monkeypatch.setattr(run, "has_bfloat16", lambda device: expected != "bf16-mixed")
    train(stripes(), SHORT, tmp_path, hardware=CPU)
    assert Recipe.load(tmp_path / "recipe.json") == replace(SHORT, precision=expected)
    assert same(tmp_path, told)


def test_what_the_recipe_says_is_done(told: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On any processor; a run of another precision is another run."""
    expected = Recipe.load(told / "recipe.json").precision
    other = {"32": "bf16-mixed", "bf16-mixed": "32"}[expected]
    monkeypatch.setattr(run, "has_bfloat16", lambda device: expected != "bf16-mixed")
    train(stripes(), replace(SHORT, precision=expected), tmp_path, hardware=CPU)
    assert same(tmp_path, told)
    with pytest.raises(InputError, match="a run of another recipe"):
        train(stripes(), replace(SHORT, precision=other), tmp_path, hardware=CPU)


def test_precisions_differ_in_their_bits(tmp_path: Path) -> None:
    """Or the tests above would say nothing."""
    for precision in ("32", "bf16-mixed"):
        train(stripes(), replace(SHORT, epochs=1, precision=precision), tmp_path / precision, hardware=CPU)
    assert not same(tmp_path / "32", tmp_path / "bf16-mixed")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors tell their abilities otherwise")
def test_the_processor_is_asked() -> None:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        pytest.skip("/proc/cpuinfo is not there: another system than Linux")
    flags = set(re.findall(r"\w*bf16\b", cpuinfo.read_text(encoding="ascii")))
    assert has_bfloat16("cpu") == bool(flags & {"avx512_bf16", "amx_bf16"})


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"neon": True, "bf16": True}, True),
        ({"neon": True, "bf16": False}, False),
    ],
)
def test_abilities_of_processors(
    capabilities: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert has_bfloat16("cpu") is expected
    assert has_bfloat16("mps") is False
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert has_bfloat16("cpu") is False, "without oneDNN there is nothing that uses it"
