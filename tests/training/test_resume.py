"""A run that is killed at any moment ends where a run left alone ends."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from tests.soak import kills

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien import InputError
from mien.training.callbacks import Silence
from mien.training.recipe import Recipe, Schedule
from mien.training.run import Hardware, load_run, train
from tests.training.stripes import RECIPE, stripes, train_alone

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),
]  # torch and Lightning warn about their own parts
KILLS = kills(4)
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["mien.training.run"])
CPU = Hardware(accelerator="cpu", threads=1)
FULL = replace(
    RECIPE,
    epochs=4,
    ema=0.9,
    mixup=0.2,
    patience=5,
    keep="best",
    balance="sampling",
    schedule=Schedule("plateau", patience=0, warmup=0.2),
)


class KilledError(Exception):
    """Stands for a crash inside Python."""


class Stopping(Silence):
    """Stops a run at a step of an epoch, or after an epoch."""

    def __init__(self, epoch: int, step: int | None = None) -> None:
        self.at = (epoch, step)

    def step(self, epoch: int, step: int, steps: int) -> None:
        if (epoch, step) == self.at:
            raise KilledError

    def epoch(self, row: dict[str, float]) -> None:
        if (row["epoch"], None) == self.at:
            raise KilledError


def same(one: Path, other: Path) -> bool:
    """Whether two runs have the same history and the same weights, optimizer and schedules, to the bit."""
    first, second = (torch.load(folder / "last.ckpt", weights_only=True) for folder in (one, other))
    weights = all(
        torch.equal(values, second["state_dict"][name]) for name, values in first["state_dict"].items()
    )
    moments = [str(saved["optimizer_states"]) for saved in (first, second)]
    schedules = [str(saved["mien"]) for saved in (first, second)]
    history = [(folder / "history.csv").read_text(encoding="utf-8") for folder in (one, other)]
    best = [load_run(folder).network.state_dict() for folder in (one, other)]
    alike = all(torch.equal(values, best[1][name]) for name, values in best[0].items())
    return (
        weights
        and alike
        and moments[0] == moments[1]
        and schedules[0] == schedules[1]
        and history[0] == history[1]
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    train(stripes(), FULL, folder, hardware=CPU)
    return folder


@pytest.mark.parametrize(("epoch", "step"), [(1, 3), (2, 1), (2, None), (3, 10)])
def test_a_crash_changes_nothing(alone: Path, tmp_path: Path, epoch: int, step: int | None) -> None:
    with pytest.raises(KilledError):
        train(stripes(), FULL, tmp_path, Stopping(epoch, step), CPU)
    with pytest.raises(InputError, match="train first" if epoch == 1 else r"of 4 epochs are done"):
        load_run(tmp_path)
    train(stripes(), FULL, tmp_path, hardware=CPU)
    assert same(alone, tmp_path)


def started(folder: Path) -> ForkServerProcess:
    """A training in a process that begins with all packages loaded."""
    process = FORKS.Process(target=train_alone, args=(folder, FULL))
    process.start()
    return process


@pytest.mark.timeout(120 + 40 * KILLS)
def test_killed_again_and_again(alone: Path, tmp_path: Path) -> None:
    """Runs are killed a few times each at random moments, until they come to their end."""
    folder, chance, count = tmp_path / "run", random.Random(3), 0
    while count < KILLS:
        shutil.rmtree(folder, ignore_errors=True)
        for _ in range(8):
            process = started(folder)
            process.join(chance.uniform(0.0, 1.8))
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            count += 1
        process = started(folder)
        process.join()
        assert process.exitcode == 0
        assert same(alone, folder)
        assert not list(folder.glob(".*part*"))


def test_a_finished_run_is_left_alone(alone: Path) -> None:
    before = (alone / "last.ckpt").stat().st_mtime_ns
    train(stripes(), FULL, alone, hardware=CPU)
    assert (alone / "last.ckpt").stat().st_mtime_ns == before


def test_a_run_that_was_stopped_early_does_not_go_on(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=30, patience=1, monitor="validation_accuracy")
    train(stripes(), recipe, tmp_path, hardware=CPU)
    epochs = len(load_run(tmp_path).history)
    assert epochs < 30
    train(stripes(), recipe, tmp_path, hardware=CPU)
    assert len(load_run(tmp_path).history) == epochs


def test_another_recipe_does_not_go_on_with_a_run(alone: Path) -> None:
    with pytest.raises(InputError, match="a run of another recipe"):
        train(stripes(), replace(FULL, seed=2), alone, hardware=CPU)
    assert Recipe.load(alone / "recipe.json") == FULL


def test_a_checkpoint_of_another_network_is_refused(alone: Path, tmp_path: Path) -> None:
    other = replace(FULL, options={"widths": [4, 4], "blocks": 1})
    other.save(tmp_path / "recipe.json")
    (tmp_path / "last.ckpt").write_bytes((alone / "last.ckpt").read_bytes())
    with pytest.raises(InputError, match="a checkpoint of another network"):
        train(stripes(), other, tmp_path, hardware=CPU)
    (tmp_path / "last.ckpt").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="expected a checkpoint of mien train"):
        train(stripes(), other, tmp_path, hardware=CPU)


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lightning.pytorch import Trainer

    whole = Trainer.save_checkpoint

    def full(trainer: Trainer, path: Path, *args: object) -> None:
        if trainer.current_epoch == 2:
            Path(path).write_bytes(b"half of it")
            raise OSError(28, "No space left on device")
        whole(trainer, path)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save_checkpoint", full)
        with pytest.raises(
            InputError, match=r"last\.ckpt: cannot be written: No space left on device: make room"
        ):
            train(stripes(), FULL, tmp_path, hardware=CPU)
    assert len(torch.load(tmp_path / "last.ckpt", weights_only=True)["callbacks"]) == 2
    train(stripes(), FULL, tmp_path, hardware=CPU)
    assert len(load_run(tmp_path).history) == 4
