"""A run of ``mien train``, or one of its checkpoints, as something to judge; torch is imported here only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import MissingExtraError
from mien.core.labels import Labels
from mien.evaluation.predictor import Predictor, chosen_head

_UNCALIBRATED = (
    "a checkpoint answers without the temperatures and the blend that mien models export fits: "
    "its calibration is not that of the exported file"
)


def open_checkpoint(path: Path, head: str | None = None, threads: int | None = None) -> Predictor:
    """The network of a finished run, given its folder, or of one checkpoint file in it, of a run that may go
    on.

    Raises:
        InputError: It is not a run or checkpoint of ``mien train``, or has no such head.
        MissingExtraError: torch or Lightning is not installed.
    """
    try:
        import torch

        from mien.training.run import load_checkpoint, load_run
    except ModuleNotFoundError as error:
        raise MissingExtraError("Checkpoints", "train", (error.name or "torch").split(".")[0]) from None
    if threads is not None:
        torch.set_num_threads(threads)
    run = load_run(path) if path.is_dir() else load_checkpoint(path)
    result = chosen_head(head, tuple(run.classes), str(path))

    @torch.no_grad()
    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        faces = torch.from_numpy(np.array(images))[:, None].float()
        return run.network(faces)[result].softmax(dim=1).numpy()  # type: ignore[no-any-return]

    return Predictor(str(path), result, Labels(run.classes[result]), predict, remarks=(_UNCALIBRATED,))
