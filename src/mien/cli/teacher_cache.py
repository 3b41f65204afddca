"""``mien models teacher-cache``: what teachers say about many views of the training images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.console import Console
from mien.cli.extras import training_extra
from mien.cli.progress import tracked_on
from mien.cli.training_options import Data, Threads, Votes, open_faces


def teacher_cache(
    data: Data,
    teachers: Annotated[
        list[str],
        typer.Argument(metavar="TEACHER...", help="Folders of finished runs, network files, or names."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where they go, about 65 MB each; what is there stays."
        ),
    ],
    count: Annotated[int, typer.Option(min=1, help="How many views of every image.")] = 16,
    split: Annotated[
        str, typer.Option(help="Which images: clean, or official, which serves students of both.")
    ] = "clean",
    held_out: Annotated[
        bool,
        typer.Option(
            "--held-out",
            help="Ask each teacher only about images that it has not learned from; runs of all folds are needed.",
        ),
    ] = False,
    votes: Votes = None,
    threads: Threads = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
) -> None:
    """Show teachers many views of every training image, and keep what they say for students to learn from.

    Stopped and started again with the same command, it goes on where it was. Then: mien train DATA --preset
    student-nano --teacher-cache FOLDER --run RUN.
    """
    with training_extra():
        import torch

        from mien.training.distillation import DistillationPlan, agreement, make_views
    if threads is not None:
        torch.set_num_threads(threads)
    notes = Console(stderr=True)
    faces, plan = open_faces(data, votes), DistillationPlan(count, split, held_out=held_out)
    made = make_views(
        [_teacher(name) for name in teachers], faces, output, plan, device=device, track=tracked_on(notes)
    )
    notes.print(f"{len(made)} views of {len(made.rows):,} images in {output}, digest {made.digest[:16]}")
    agreed = ", ".join(f"{share:.1%} ({head})" for head, share in agreement(made, faces).items())
    notes.print(f"about the images as they are, teachers say what the label says in {agreed}")


def _teacher(name: str) -> Path:
    from mien.inference.weights import network_path

    return Path(name) if Path(name).is_dir() else network_path(name)
