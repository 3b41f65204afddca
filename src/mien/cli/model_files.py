"""``mien models calibrate``, ``average``, ``join`` and ``quantize``: finished network files, fitted anew, brought
together and made smaller."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from mien.cli.console import Console, say
from mien.cli.extras import training_extra
from mien.cli.training_options import Data, Votes, open_faces

if TYPE_CHECKING:
    from mien.inference.card import Card
    from mien.models.quantization import Compared

File = Annotated[
    Path, typer.Argument(metavar="NETWORK", help="A file that mien train or mien models export wrote.")
]


def calibrate(network: File, data: Data, votes: Votes = None) -> None:
    """Fit a finished file anew, on images of PublicTest that are not in Training: temperatures and blend.

    The weights stay. Scores of outputs whose answers change are taken off the card: mien models test
    measures them.
    """
    with training_extra():
        from mien.training.calibrated_file import calibrate as calibrate_file
    say(f"wrote {network}: {_fitted(calibrate_file(network, open_faces(data, votes)))}")


def average(
    networks: Annotated[
        list[Path],
        typer.Argument(metavar="NETWORK", help="Files that mien train or mien models export wrote."),
    ],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the new file goes.")],
    votes: Votes = None,
    share: Annotated[
        list[float] | None,
        typer.Option(
            help="Of a network in the mean; once for each, in their order. Without any, all count alike."
        ),
    ] = None,
) -> None:
    """Write a network whose weights are the mean of others' that began with the same weights (mien train
    --initial).

    Before and after further training, or several such trainings with other seeds: often better than each of
    them. Calibrated anew, on images of PublicTest that are not in Training.
    """
    with training_extra():
        from mien.models.weight_averaging import average as average_files
    say(f"wrote {output}: {_fitted(average_files(networks, open_faces(data, votes), output, share or ()))}")


def join(
    networks: Annotated[
        list[Path],
        typer.Argument(metavar="NETWORK", help="Files that mien train or mien models export wrote."),
    ],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the new file goes.")],
    votes: Votes = None,
) -> None:
    """Write several networks as one, which answers with their geometric mean: an ensemble in a file.

    Networks that learned apart, with other seeds, shapes or images, err apart, and together less than each;
    the price is the time of all. Calibrated anew, on images of PublicTest that are not in Training.
    """
    with training_extra():
        from mien.models.ensemble import join as join_files
    say(f"wrote {output}: {_fitted(join_files(networks, open_faces(data, votes), output))}")


def quantize(
    network: File,
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the new file goes.")],
    votes: Votes = None,
    seed: Annotated[
        int, typer.Option(help="Of the choice of training images that show the ranges of values.")
    ] = 1,
) -> None:
    """Write a network with 8-bit convolutions: a quarter of the size, about twice as fast, calibrated anew.

    Shows how often both files are right, and how often they agree, on images of PublicTest that are not in
    Training.
    """
    with training_extra():
        from mien.models.quantization import compare
        from mien.models.quantization import quantize as quantize_file
    faces = open_faces(data, votes)
    card = quantize_file(network, faces, output, seed)
    console = Console()
    console.print(
        f"wrote {output}: {output.stat().st_size / 1e6:.2f} MB instead of {network.stat().st_size / 1e6:.2f}, {_fitted(card)}"
    )
    console.print(_table(compare(network, output, faces)))


def _fitted(card: Card) -> str:
    told = f"sha256 {card.sha256[:16]}, temperatures {card.temperatures}, blend {card.blend}"
    return f"{told}; {card.uncalibrated}" if card.uncalibrated else told


def _table(found: list[Compared]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("head", "labels", "n", "float32", "int8", "difference", "same answer"):
        table.add_column(name, justify="left" if name in ("head", "labels") else "right")
    for row in found:
        values = (
            f"{row.before:.2%}",
            f"{row.after:.2%}",
            f"{100 * (row.after - row.before):+.2f}",
            f"{row.same:.1%}",
        )
        table.add_row(row.head, row.labels, f"{row.n:,}", *values)
    return table
