"""mien as a contender of the leaderboard: ``python read_crops_mien.py SOURCE TARGET.json NETWORK``."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from crop_rounds import compete, install_bytes
from numpy.typing import NDArray

import mien
from mien.core.labels import Labels
from mien.inference.pipeline import Pipeline


def main() -> None:
    source, target, name = sys.argv[1:]
    pipeline = Pipeline(model=name, largest=True, threads=1)
    network = pipeline.classifier.network
    spec, labels = network.card.input, {head: Labels(names) for head, names in network.card.heads.items()}

    def named(crops: NDArray[np.float32]) -> dict[str, str]:
        probs = network.run({spec.name: spec.fed(crops)})
        return {head: names[int(probs[head][0].argmax())] for head, names in labels.items()}

    def classify(crop: NDArray[np.uint8]) -> dict[str, str]:
        return named(crop[None, None].astype(np.float32))

    def read(picture: NDArray[np.uint8]) -> dict[str, str | None]:
        image = np.repeat(picture[..., None], 3, axis=2)
        faces = pipeline.detector.detect([image])[0].largest()
        return dict(named(pipeline.classifier.cut(image, faces))) if len(faces) else dict.fromkeys(labels)

    folder = Path(mien.__file__).parent
    own = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    facts = {
        "mien": mien.__version__,
        "onnxruntime": version("onnxruntime"),
        "weights_bytes": network.path.stat().st_size,
        "install_bytes": own + install_bytes("mien"),
        "weights": network.card.parameters,
        "network": f"{network.card.name} {network.card.version}, sha256 {network.card.sha256[:16]}",
    }
    compete(Path(source), Path(target), classify, read, facts)


if __name__ == "__main__":
    main()
