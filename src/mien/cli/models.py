"""``mien models``: what can be done with model files."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.adopt import adopt
from mien.cli.compare import compare
from mien.cli.console import Console, say, say_json
from mien.cli.progress import tracked_on
from mien.cli.table import Table, TableColumn
from mien.cli.train import export, open_private
from mien.cli.training_options import (
    Data,
    Mix,
    Threads,
    Votes,
    open_as_trained,
    open_faces,
    training_extra,
)
from mien.core.formatting import counted, precise
from mien.core.labels import NOTICE
from mien.core.names import spelled
from mien.core.output_names import refuse_sources

if TYPE_CHECKING:
    from mien.inference.card import Card, Score
    from mien.models.quantization import Compared


def teacher_cache(
    data: Data,
    teachers: Annotated[
        list[str],
        typer.Argument(metavar="TEACHER...", help="Folders of finished runs, model files, or names."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where they go, about 65 MB each; what is there stays."
        ),
    ],
    count: Annotated[int, typer.Option(min=1, help="How many views of every image.")] = 16,
    split_policy: Annotated[
        str, typer.Option(help="Which images: clean, or official, which serves students of both.")
    ] = "clean",
    out_of_fold: Annotated[
        bool,
        typer.Option(
            "--out-of-fold",
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

    Example: mien models teacher-cache fer2013.csv medium -o views
    """
    with training_extra():
        import torch

        from mien.training.distillation import DistillationPlan, agreement, make_views
    if threads is not None:
        torch.set_num_threads(threads)
    notes = Console(stderr=True)
    faces, plan = open_faces(data, votes), DistillationPlan(count, split_policy, out_of_fold=out_of_fold)
    made = make_views(
        [_teacher(name) for name in teachers], faces, output, plan, device=device, track=tracked_on(notes)
    )
    notes.print(
        f"{counted(len(made), 'view')} of {counted(len(made.rows), 'image')} in {output}, digest {made.digest[:16]}"
    )
    agreed = ", ".join(f"{precise(share)} ({head})" for head, share in agreement(made, faces).items())
    notes.print(f"about the images as they are, teachers say what the label says in {agreed}")


def _teacher(name: str) -> Path:
    from mien.inference.weights import network_path

    return Path(name) if Path(name).is_dir() else network_path(name)


File = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A file that mien train or mien models export wrote.")
]


def calibrate(network: File, data: Data, votes: Votes = None, mix: Mix = None) -> None:
    """Fit temperatures and blend of a finished file anew, on images that it has not learned from.

    The weights stay. Those images are the validation set without copies of training images; of data without splits, what its
    training held out. Scores of outputs whose answers change are taken off the card: mien models test
    measures them.

    Example: mien models calibrate mine.onnx faces/
    """
    with training_extra():
        from mien.training.calibrated_file import calibrate as calibrate_file
    say(f"wrote {network}: {_fitted(calibrate_file(network, open_as_trained([network], data, votes, mix)))}")


def average(
    networks: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL", help="Files that mien train or mien models export wrote."),
    ],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the new file goes.")],
    votes: Votes = None,
    mix: Mix = None,
    share: Annotated[
        list[float] | None,
        typer.Option(
            help="Of a model in the mean; once for each, in their order. Without any, all count alike."
        ),
    ] = None,
) -> None:
    """Write a model whose weights are the mean of others' that began with the same weights (mien train
    --initial).

    Before and after further training, or several such trainings with other seeds: often better than each of
    them. Calibrated anew, on images that they have not learned from.

    Example: mien models average before.onnx after.onnx faces/ -o mean.onnx
    """
    with training_extra():
        from mien.models.weight_averaging import average as average_files
    refuse_sources([output], networks, "-o")
    say(
        f"wrote {output}: {_fitted(average_files(networks, open_as_trained(networks, data, votes, mix), output, share or ()))}"
    )


def join(
    networks: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL", help="Files that mien train or mien models export wrote."),
    ],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the new file goes.")],
    votes: Votes = None,
    mix: Mix = None,
) -> None:
    """Write several models as one, which answers with their geometric mean: an ensemble in a file.

    Models that learned apart, with other seeds, shapes or images, err apart, and together less than each;
    the price is the time of all. Calibrated anew, on images that they have not learned from.

    Example: mien models ensemble one.onnx two.onnx faces/ -o both.onnx
    """
    with training_extra():
        from mien.models.ensemble import join as join_files
    refuse_sources([output], networks, "-o")
    say(
        f"wrote {output}: {_fitted(join_files(networks, open_as_trained(networks, data, votes, mix), output))}"
    )


def quantize(
    network: File,
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the new file goes.")],
    votes: Votes = None,
    mix: Mix = None,
    seed: Annotated[
        int, typer.Option(help="Of the choice of training images that show the ranges of values.")
    ] = 1,
) -> None:
    """Write a model with 8-bit convolutions: a quarter of the size, about twice as fast, calibrated anew.

    Shows how often both files are right, and how often they agree, on images that they have not learned from.

    Example: mien models quantize mine.onnx faces/ -o mine-int8.onnx
    """
    with training_extra():
        from mien.models.quantization import compare
        from mien.models.quantization import quantize as quantize_file
    refuse_sources([output], [network], "-o")
    faces = open_as_trained([network], data, votes, mix)
    card = quantize_file(network, faces, output, seed)
    console = Console()
    console.print(
        f"wrote {output}: {output.stat().st_size / 1e6:.2f} MB instead of {network.stat().st_size / 1e6:.2f}, {_fitted(card)}"
    )
    console.print(_table(compare(network, output, faces)))


def _fitted(card: Card) -> str:
    told = f"sha256 {card.sha256[:16]}, temperatures {card.temperatures}, blend {card.blend}, adjustment {card.adjustment}"
    return f"{told}; {card.uncalibrated}" if card.uncalibrated else told


def _table(found: list[Compared]) -> Table:
    from mien.evaluation.ground_truth import TOLD

    table = Table(
        TableColumn("head", "text"),
        TableColumn("labels", "text"),
        TableColumn("n", drop=1),
        "float32",
        "int8",
        "difference",
        "same answer",
    )
    for row in found:
        values = (
            precise(row.before, 2),
            precise(row.after, 2),
            f"{100 * (row.after - row.before):+.2f}",
            precise(row.same),
        )
        table.add_row(row.head, TOLD[row.labels], f"{row.n:,}", *values)
    return table


models = typer.Typer(
    name="models",
    help="Show, write, combine and test model files.",
    no_args_is_help=True,
)


class CardFormat(StrEnum):
    table = "table"
    json = "json"
    markdown = "markdown"


def list_models(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Models by name, or ONNX files; all that mien has."),
    ] = None,
    form: Annotated[
        CardFormat, typer.Option("--format", help="A card for people, JSON, or a page (MODELS.md is one).")
    ] = CardFormat.table,
) -> None:
    """Show the cards of models: what they read, what they learned from, how good they are, and what they
    are not for.

    Example: mien models list small
    """
    from mien.inference.card import read_card
    from mien.inference.weights import network_path, shipped

    cards = [(path, read_card(path)) for path in (map(network_path, names) if names else shipped().values())]
    if form is CardFormat.json:
        covers = "all bytes of the file outside its metadata, where this card is"
        say_json(
            [
                {
                    "file": spelled(path),
                    "file_sha256": file_digest(path),
                    **card.model_dump(mode="json"),
                    "sha256_covers": covers,
                }
                for path, card in cards
            ]
        )
        return
    if form is CardFormat.markdown:
        say(page(cards))
        return
    console = Console()
    for path, card in cards:
        _show(console, path, card)


models.command("list")(list_models)
models.command()(adopt)
models.command()(export)
models.command()(quantize)
models.command()(calibrate)
models.command("ensemble")(join)
models.command()(average)
models.command()(compare)
models.command()(teacher_cache)
models.command("test")(open_private)


def _show(console: Console, path: Path, card: Card) -> None:
    console.print(f"{card.name} {card.version}", style="bold")
    facts = Table(TableColumn(kind="text", style="dim"), TableColumn(kind="words"))
    for name, value in _facts(path, card):
        if value:
            facts.add_row(name, value)
    console.print(facts)
    if card.scores:
        console.print(_scores(card))
    console.print()


def _facts(path: Path, card: Card) -> list[tuple[str, str]]:
    return [*facts(path, card), ("file", spelled(path)), *_digests(path, card)]


def _digests(path: Path, card: Card) -> list[tuple[str, str]]:
    """Of the file, and of what does not change with its card: the digest that the card, tables and logs
    name."""
    return [
        ("sha256 of the file", file_digest(path)),
        ("sha256 without the card", f"{card.sha256} (all bytes outside the metadata)"),
    ]


def file_digest(path: Path) -> str:
    """What ``sha256sum`` prints for a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def facts(path: Path, card: Card) -> list[tuple[str, str]]:
    """What a card says, apart from the scores; some of it may be empty."""
    size = f"{card.parameters:,} weights, {card.macs / 1e6:.1f} million multiplications a face, {path.stat().st_size / 1e6:.2f} MB, {card.precision}"
    heads = "\n".join(f"{head}: {', '.join(names)}" for head, names in card.heads.items())
    temperatures = ", ".join(f"{head} {value:g}" for head, value in card.temperatures.items())
    seen = f"{card.input.width}x{card.input.height}, {'gray' if card.input.channels == 1 else 'RGB'}. {card.input.note}"
    return [
        ("what", card.summary),
        ("size", size),
        ("results", heads),
        ("sees", seen),
        ("trained on", card.training),
        ("split", card.split),
        ("temperatures", temperatures),
        ("calibration", card.uncalibrated),
        ("quantised from", card.parent and f"sha256 without the card {card.parent}"),
        ("licence", card.licence),
        ("rights", card.rights),
        ("not for", card.limits),
        ("made with", card.made_with),
    ]


_COLUMNS = ("data", "labels", "n", "accuracy", "95 % interval", "balanced", "calibration error", "how")
_NUMBERS = ("n", "accuracy", "balanced", "calibration error")


def _row(score: Score) -> tuple[str, ...]:
    interval = f"{precise(score.low)} to {precise(score.high)}"
    error = "" if score.expected_calibration_error is None else f"{score.expected_calibration_error:.3f}"
    balanced = "" if score.balanced_accuracy is None else precise(score.balanced_accuracy)
    return (
        score.data,
        score.labels,
        f"{score.n:,}",
        precise(score.accuracy),
        interval,
        balanced,
        error,
        score.note,
    )


def _scores(card: Card) -> Table:
    drop = {"95 % interval": 1, "balanced": 2, "calibration error": 3}
    words = ("data", "labels", "how")
    table = Table(
        *(TableColumn(name, "words" if name in words else "number", drop.get(name, 0)) for name in _COLUMNS)
    )
    for score in card.scores:
        table.add_row(*_row(score))
    return table


_PAGE = f"""# The models that come with mien

Made from the cards inside the files by `make models`; `mien models list` prints the same. {NOTICE}
How they were made: [docs/how-trained.md](docs/how-trained.md). What their scores are worth: [docs/accuracy.md](docs/accuracy.md)."""


def page(cards: list[tuple[Path, Card]]) -> str:
    """The cards as Markdown."""
    sizes = "\n".join(
        f"| [`{path.stem}`](#{path.stem}) | {card.precision} | {card.parameters:,} | {card.macs / 1e6:.1f} | {path.stat().st_size / 1e6:.2f} | "
        f"{', '.join(f'`{head}`' for head in card.heads)} |"
        for path, card in cards
    )
    table = f"| model | precision | weights | MMAC | MB | results |\n|---|---|--:|--:|--:|---|\n{sizes}"
    return "\n\n".join([_PAGE, table, *(_section(path, card) for path, card in cards)])


def _section(path: Path, card: Card) -> str:
    lines = [
        f"- **{name}**: {value.replace(chr(10), '; ')}"
        for name, value in [*facts(path, card), *_digests(path, card)]
        if value
    ]
    header = (
        f"| {' | '.join(_COLUMNS)} |\n|{'|'.join('--:' if name in _NUMBERS else '---' for name in _COLUMNS)}|"
    )
    rows = "\n".join(f"| {' | '.join(_row(score))} |" for score in card.scores)
    scores = (
        f"{header}\n{rows}"
        if rows
        else "Not scored on the test set yet: `mien models test` does that once, and logs it."
    )
    return f"## {path.stem}\n\n{chr(10).join(lines)}\n\n{scores}"
