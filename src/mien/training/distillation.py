"""What teachers say about many views of every training image, kept on disk so that students of any size may
learn from it.

A view is every training image, changed at random by a seed that is the view's number; the teachers are
asked about exactly these faces, and students are shown exactly these faces (Beyer et al. 2022, "Knowledge
distillation: a good teacher is patient and consistent", https://arxiv.org/abs/2106.05237). Their answer is
the geometric mean of their probabilities.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.progress import ProgressCallback, no_progress
from mien.data.dataset import FaceDataset
from mien.inference.onnx_session import open_network
from mien.training.augment import augment
from mien.training.calibration import BLEND
from mien.training.recipe import VIEWED, Augmentation, Recipe, Split
from mien.training.run import has_bfloat16, load_run
from mien.training.splits import cut, head_truth

MANIFEST = "views.json"
_BATCH = 512
_LEAST = 1e-7


@dataclass(frozen=True)
class DistillationPlan:
    """Everything that decides what the views are.

    Args:
        count: How many views.
        policy: Which images, see `mien.training.recipe.Split`.
        augmentation: How they are changed.
        seed: Of the first view; the others count on.
        out_of_fold: Ask a teacher only about images that it has not learned from. About the others it knows
            the label, with its errors.
    """

    count: int = 16
    policy: str = "clean"
    augmentation: Augmentation = field(default_factory=lambda: VIEWED)
    seed: int = 1000
    out_of_fold: bool = False

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"expected at least 1 view; got {self.count}")


class TeacherCache:
    """Views on disk, read as they are needed.

    Args:
        folder: Where `make_views` put them.

    Attributes:
        rows: ``(n,)`` row in the original file of each image.
        heads: Classes of each head.
        digest: Of all that decides what they are.

    Raises:
        InputError: They are not there, or not all of them.
    """

    def __init__(self, folder: Path) -> None:
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            self.digest: str = manifest["digest"]
            self.heads: dict[str, tuple[str, ...]] = {
                head: tuple(names) for head, names in manifest["heads"].items()
            }
            self.rows: NDArray[np.int64] = np.array(manifest["rows"], np.int64)
            self._paths = [_path(folder, number) for number in range(manifest["plan"]["count"])]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder}: expected views made by mien models teacher-cache; got {error}"
            ) from None
        missing = [path.name for path in self._paths if not path.is_file()]
        if missing:
            raise InputError(
                f"{folder}: expected {counted(len(self._paths), 'view')}; "
                f"{counted(len(missing), 'is', 'are')} missing, such as {missing[0]}: run mien models teacher-cache again"
            )
        self._open: dict[int, Mapping[str, NDArray[Any]]] = {}
        self._means: dict[str, NDArray[np.float32]] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def places(self, images: FaceDataset) -> NDArray[np.int64]:
        """Where images are within ``rows``; there may be views of more images than a student learns from.

        Returns:
            ``(n,)`` positions.

        Raises:
            InputError: There are no views of some of them.
        """
        order = np.argsort(self.rows)
        places: NDArray[np.int64] = order[
            np.searchsorted(self.rows, images.rows, sorter=order).clip(max=len(order) - 1)
        ]
        unchanged = self._view(0)["images"][
            places
        ]  # View 0 has the images as they are: rows alone would not tell two data sets apart.
        viewed = (self.rows[places] == images.rows) & (unchanged == images.images).all(axis=(1, 2))
        if missing := len(viewed) - int(viewed.sum()):
            told = f"expected views of all images that are learned from; {missing:,} of {len(viewed):,} have none"
            raise InputError(
                f"{told}: make them from the same data with the same split, or with --split-policy official, which has all of Training"
            )
        return places

    def batch(
        self, numbers: NDArray[np.int64], images: NDArray[np.int64], steadiness: float = 0.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Some images, each in a view of its own.

        Args:
            numbers: ``(n,)`` which view of each.
            images: ``(n,)`` position of each image within ``rows``.
            steadiness: Share of the geometric mean over all views of an image in what was said about it.

        Returns:
            ``(n, 1, h, w)`` uint8 faces, and per head the teachers' ``(n, k)`` log-probabilities.
        """
        faces = np.stack(
            [
                self._view(number)["images"][image]
                for number, image in zip(numbers.tolist(), images.tolist(), strict=True)
            ]
        )
        said = {
            head: np.stack(
                [
                    self._view(number)[head][image]
                    for number, image in zip(numbers.tolist(), images.tolist(), strict=True)
                ]
            )
            for head in self.heads
        }
        answers = {head: torch.from_numpy(values).float() for head, values in said.items()}
        if steadiness:
            means = {head: torch.from_numpy(self._mean(head)[images]) for head in self.heads}
            answers = {
                head: torch.lerp(values, means[head], steadiness).log_softmax(dim=1)
                for head, values in answers.items()
            }
        return torch.from_numpy(faces)[:, None], answers

    def _mean(self, head: str) -> NDArray[np.float32]:
        """``(n, k)`` mean over all views of the log-probabilities."""
        if head not in self._means:
            self._means[head] = np.mean(
                [self._view(number)[head].astype(np.float32) for number in range(len(self))], axis=0
            )
        return self._means[head]

    def _view(self, number: int) -> Mapping[str, NDArray[Any]]:
        if number not in self._open:
            with np.load(self._paths[number]) as file:
                self._open[number] = {name: file[name] for name in file.files}
        return self._open[number]


@dataclass(frozen=True, eq=False)
class Teacher:
    """One that is asked.

    Args:
        ask: From ``(n, 1, h, w)`` float faces to per head ``(n, k)`` logits or log-probabilities.
        classes: Names of the classes of each head.
        digest: Of its weights.
        recipe: How it was trained, which says what it has learned from; a network file does not say so.
    """

    ask: Callable[[Tensor], Mapping[str, Tensor]]
    classes: Mapping[str, tuple[str, ...]]
    digest: str
    recipe: Recipe | None = None


def open_teacher(path: Path, device: str = "cpu") -> Teacher:
    """A teacher from the folder of a finished run, or from a network file, whose calibrated answers count.

    Raises:
        InputError: There is no finished run.
        NetworkError: The file is damaged, or has no card.
    """
    if not path.is_file():
        run = load_run(path)
        return Teacher(run.network.eval().to(device), run.classes, _weights_digest(run.network), run.recipe)
    file = open_network(path, threads=torch.get_num_threads())
    heads = {head: tuple(names) for head, names in file.card.heads.items() if head != BLEND}

    def ask(faces: Tensor) -> dict[str, Tensor]:
        answers = file.run({"faces": faces.float().cpu().contiguous().numpy()})
        return {
            head: torch.from_numpy(answers[head]).clamp(min=_LEAST).log().to(faces.device) for head in heads
        }

    return Teacher(ask, heads, file.card.sha256)


def make_views(
    teachers: Sequence[Path],
    data: FaceDataset,
    folder: Path,
    plan: DistillationPlan,
    *,
    device: str = "auto",
    track: ProgressCallback = no_progress,
) -> TeacherCache:
    """Show every view to the teachers and keep what they say; what is there already stays.

    Args:
        teachers: Folders of finished runs, or network files.
        data: What they learned from.
        folder: Gets a file per view.
        plan: Which views.
        device: ``cpu``, ``cuda``, or ``auto``.
        track: Shows how far it is.

    Raises:
        InputError: No teachers, teachers of different classes, a folder with other views, or images that
            all teachers have learned from where they should not have.
    """
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    asked = [open_teacher(path, where) for path in teachers]
    images = cut(data, Recipe(heads=("fer2013",), split=Split(plan.policy))).training
    manifest = _manifest(teachers, asked, images, plan)
    about = (
        _out_of_fold(teachers, asked, data, images)
        if plan.out_of_fold
        else np.ones((len(asked), len(images)), np.bool_)
    )
    _prepare(folder, manifest)
    for number in track(range(plan.count), "views", plan.count):
        path = _path(folder, number)
        if not path.is_file():
            faces = _changed(images, plan, number)
            columns = {"images": faces.numpy(), **_said(asked, about, faces, where)}
            with translate_os_errors(path), atomic_write(path) as aside, open(aside, "wb") as file:
                np.savez(file, **columns)  # type: ignore[arg-type]
    return TeacherCache(folder)


def agreement(views: TeacherCache, data: FaceDataset) -> dict[str, float]:
    """Per head, in which share of the images as they are the teachers say what the label says (FER+: its
    majority).

    Teachers that have learned from the images know their labels; how much they would say about new ones,
    out-of-fold views tell.
    """
    images = data.take(np.isin(data.rows, views.rows))
    places = views.places(images)
    _, said = views.batch(np.zeros_like(places), places)
    truths = head_truth(images, Recipe(heads=tuple(views.heads)))
    return {
        head: float((said[head].argmax(dim=1) == truth)[truth >= 0].float().mean())
        for head, truth in truths.items()
    }


def _changed(images: FaceDataset, plan: DistillationPlan, number: int) -> Tensor:
    """``(n, h, w)`` uint8 faces of a view; view 0 has the images as they are."""
    faces = torch.from_numpy(images.images)
    if number == 0:
        return faces
    generator = torch.Generator().manual_seed(plan.seed + number)
    parts = [augment(part[:, None].float(), plan.augmentation, generator) for part in faces.split(_BATCH)]
    return torch.cat(parts)[:, 0].round().clamp(0, 255).to(torch.uint8)


def _out_of_fold(
    paths: Sequence[Path], teachers: Sequence[Teacher], data: FaceDataset, images: FaceDataset
) -> NDArray[np.bool_]:
    """``(t, n)`` which teachers have learned from neither an image nor an exact copy of it."""
    masks = []
    for path, teacher in zip(paths, teachers, strict=True):
        if teacher.recipe is None:
            raise InputError(
                f"{path}: expected the folder of a finished run, which says what was learned from; got a network file"
            )
        if teacher.recipe.initial or teacher.recipe.distillation.views:
            # Through other networks' weights or answers it knows images that its own recipe does not tell
            # of.
            raise InputError(
                f"{path}: expected a run from random weights and labels alone; got one with --initial or --teacher-cache: it may know more"
            )
        masks.append(~images.copied_from(cut(data, teacher.recipe).training))
    known = ~np.any(masks, axis=0)
    if known.any():
        raise InputError(
            f"expected a teacher for every image that has not learned from it; {known.sum():,} of "
            f"{counted(len(known), 'image')} {'has' if known.sum() == 1 else 'have'} none: "
            "add teachers of the other folds (--set split.folds=4 --set split.fold=0 and so on)"
        )
    return np.stack(masks)


@torch.no_grad()
def _said(
    teachers: Sequence[Teacher], about: NDArray[np.bool_], faces: Tensor, device: str
) -> dict[str, NDArray[np.float16]]:
    """Per head ``(n, k)`` log-probabilities of the geometric mean of the teachers that are asked about each
    face."""
    sums = {head: torch.zeros(len(faces), len(names)) for head, names in teachers[0].classes.items()}
    for teacher, chosen in zip(teachers, about, strict=True):
        for rows in torch.from_numpy(np.flatnonzero(chosen)).split(_BATCH):
            shown = faces[rows][:, None].to(device).float().contiguous(memory_format=torch.channels_last)
            with torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(device)):
                answers = teacher.ask(shown)
            for head, total in sums.items():
                total[rows] += answers[head].float().log_softmax(dim=1).cpu()
    count = torch.from_numpy(about.sum(axis=0))[:, None]
    return {
        head: (total / count).log_softmax(dim=1).numpy().astype(np.float16) for head, total in sums.items()
    }


def _manifest(
    paths: Sequence[Path], teachers: Sequence[Teacher], images: FaceDataset, plan: DistillationPlan
) -> dict[str, Any]:
    if not teachers:
        raise InputError("expected one teacher or more: folders of finished runs, or network files; got none")
    first = {head: list(names) for head, names in teachers[0].classes.items()}
    for path, teacher in zip(paths, teachers, strict=True):
        if {head: list(names) for head, names in teacher.classes.items()} != first:
            raise InputError(
                f"expected teachers with the same classes; {path} has {dict(teacher.classes)}, {paths[0]} has {first}"
            )
    known = {
        "plan": asdict(plan),
        "teachers": [teacher.digest for teacher in teachers],
        "heads": first,
        "rows": images.rows.tolist(),
    }
    return {"digest": hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest(), **known}


def _weights_digest(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, values in network.state_dict().items():
        digest.update(name.encode() + values.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _prepare(folder: Path, manifest: dict[str, Any]) -> None:
    path = folder / MANIFEST
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")).get("digest") != manifest["digest"]:
            raise InputError(
                f"{folder} holds other views (see its {MANIFEST}): give another folder with --output"
            )
        return
    with translate_os_errors(path), atomic_write(path) as aside:
        aside.write_text(json.dumps(manifest) + "\n", encoding="utf-8", newline="\n")


def _path(folder: Path, number: int) -> Path:
    return folder / f"view-{number:03}.npz"
