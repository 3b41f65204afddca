"""``python -m mien.train``: train a network, export it, open the test set."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from mien.card import write_card
from mien.data import load_fer2013
from mien.errors import MienError
from mien.runtime import open_network
from mien.train.export import export
from mien.train.loop import Epoch, train
from mien.train.recipe import Recipe
from mien.train.scores import expected_calibration_error, score_private

app = typer.Typer(help="From FER-2013 to the network that mien ships.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Data = Annotated[Path, typer.Option(help="FER-2013 with FER+ votes as Parquet.")]


@app.command()
def fit(
    data: Data,
    run: Annotated[Path, typer.Option(help="Folder of the run; one that was stopped goes on.")] = Path("runs/small"),
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the network file goes.")] = Path("src/mien/networks/small.onnx"),
    epochs: Annotated[int, typer.Option(min=1)] = Recipe.epochs,
    seed: int = Recipe.seed,
    track: Annotated[str, typer.Option(help="clean ships; official also learns from copies of test pictures.")] = Recipe.track,
    threads: Annotated[int | None, typer.Option(help="CPU threads; all cores by default.", min=1)] = None,
) -> None:
    """Train, calibrate on PublicTest, and write an ONNX file with a card. PrivateTest stays closed."""
    if threads is not None:
        torch.set_num_threads(threads)
    console = Console(stderr=True, highlight=False)
    recipe = Recipe(epochs=epochs, seed=seed, track=track)

    def show(epoch: Epoch) -> None:
        scores = f"PublicTest leak-free: FER-2013 {epoch.fer2013:.2%}, FER+ {epoch.ferplus:.2%}"
        console.print(f"epoch {epoch.epoch}/{recipe.epochs}  loss {epoch.loss:.3f}  {scores}")

    faces = load_fer2013(data)
    train(faces, recipe, run, show)
    command = f"python -m mien.train fit --data fer2013.parquet --epochs {epochs} --seed {seed} --track {track}"
    card = export(run, faces, output, command)
    console.print(f"wrote {output}: {card.parameters:,} weights, temperatures {card.temperatures}")


@app.command()
def open_private(
    data: Data,
    network: Annotated[Path, typer.Option(help="The network file; its card gets the scores.")] = Path("src/mien/networks/small.onnx"),
    log: Annotated[Path, typer.Option(help="Where the opening is written down.")] = Path("docs/private-test.log"),
) -> None:
    """Score a finished network on PrivateTest, write it into its card, and log that the test set was opened."""
    faces = load_fer2013(data)
    opened = open_network(network)
    scores = score_private(opened, faces)
    card = write_card(network, opened.card.model_copy(update={"scores": tuple(scores)}))
    test = faces.split("PrivateTest")
    calibration = ", ".join(f"{head} {expected_calibration_error(opened, test, head):.4f}" for head in ("fer2013", "ferplus"))
    found = "; ".join(f"{score.data}, {score.labels}, {score.note}: {score.accuracy:.2%} of {score.n}" for score in scores)
    line = f"{datetime.now(UTC):%Y-%m-%d %H:%M} {network.name} sha256 {card.sha256[:16]}: {found}; expected calibration error: {calibration}"
    with open(log, "a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line)


if __name__ == "__main__":
    try:
        app()
    except MienError as error:
        Console(stderr=True, soft_wrap=True).print(f"mien.train: {error}", markup=False)
        raise SystemExit(2) from None
