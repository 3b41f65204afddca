"""One script, run with the package fer and, its imports changed, with mien: the same keys, types and shapes.

The package has an environment of its own, which ``python -m benchmarks.suite.frames`` makes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.integration

PEER = Path(__file__).parents[2] / "benchmarks" / ".peers" / "fer"

SCRIPT = """
import json
import sys

import cv2
from fer.fer import FER
from fer.classes import Video

image, clip, out = sys.argv[1:]

detector = FER()
img = cv2.imread(image)
faces = detector.detect_emotions(img)
name, score = detector.top_emotion(img)
video = Video(clip)
raw = video.analyze(detector, display=False, save_frames=False, save_video=False, frequency=6)
frame = video.to_pandas(raw)
first = video.get_first_face(frame)
emotions = video.get_emotions(first)
sums = {column: sum(emotions[column]) for column in emotions.columns}
several = Video(clip, first_face_only=False)
table = several.analyze(detector, output="pandas", save_frames=False, save_video=False, max_results=3)

with open(out, "w") as file:
    json.dump({
        "face keys": [sorted(face) for face in faces],
        "box": [[int(side) for side in face["box"]] for face in faces],
        "emotions": [list(face["emotions"]) for face in faces],
        "types": [sorted({type(value).__name__ for value in face["emotions"].values()}) for face in faces],
        "find_faces": [[int(side) for side in box] for box in detector.find_faces(img)],
        "top": [name, type(score).__name__],
        "raw": [type(raw).__name__, len(raw), list(raw[0])],
        "raw boxes": [[int(side) for side in row["box0"]] for row in raw],
        "columns": list(frame.columns),
        "first columns": list(first.columns),
        "emotion columns": list(emotions.columns),
        "dtypes": sorted({str(dtype) for dtype in emotions.dtypes}),
        "length": len(emotions),
        "sums": sums,
        "table": [type(table).__name__, len(table), list(table.columns)],
        "first of table": list(several.get_first_face(table).columns),
    }, file)
"""

# OpenCV without a display, which the environment has, refuses two calls that fer makes even when it shows
# nothing.
WITHOUT_DISPLAY = "import cv2\ncv2.waitKey = lambda *given: 0\ncv2.destroyAllWindows = lambda *given: None\n"

IMPORTS = {
    "from fer.fer import FER": "from mien.compat.fer import FER",
    "from fer.classes import Video": "from mien.compat.fer import Video",
}


@pytest.fixture(scope="module")
def peer() -> Path:
    python = PEER / "bin" / "python"
    if not (PEER / ".ready").is_file():
        pytest.skip(f"{PEER} is not there: .venv/bin/python -m benchmarks.suite.frames makes it")
    return python


def run(python: Path, script: str, image: Path, clip: Path, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    (folder / "script.py").write_text(script)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    command = [str(python), "script.py", str(image), str(clip), "out.json"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return told


def overlap(first: list[int], second: list[int]) -> float:
    sides = [
        min(a + c, b + d) - max(a, b)
        for a, b, c, d in zip(first[:2], second[:2], first[2:], second[2:], strict=True)
    ]
    shared = max(0, sides[0]) * max(0, sides[1])
    return shared / (first[2] * first[3] + second[2] * second[3] - shared)


def test_a_script_moves_over_by_changing_its_imports(
    peer: Path, shared_media: Path, astronaut: np.ndarray, tmp_path: Path
) -> None:
    pytest.importorskip("pandas", reason="mien[pandas] is not installed")
    pytest.importorskip("cv2", reason="mien[haar] is not installed: the script reads its image with OpenCV")
    moved = SCRIPT
    for old, new in IMPORTS.items():
        assert old in moved
        moved = moved.replace(old, new)
    image, clip = tmp_path / "astronaut.png", shared_media / "one_face.mp4"
    Image.fromarray(astronaut).save(image)
    theirs = run(peer, WITHOUT_DISPLAY + SCRIPT, image, clip, tmp_path / "theirs")
    ours = run(Path(sys.executable), moved, image, clip, tmp_path / "ours")
    same = ("face keys", "emotions", "types", "top", "emotion columns", "dtypes")
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert ours["raw"][:2] == theirs["raw"][:2]
    assert ours["table"][:2] == theirs["table"][:2]
    assert ours["length"] == theirs["length"] == ours["raw"][1]
    assert len(ours["find_faces"]) == len(theirs["find_faces"])
    for key, extra in [
        ("columns", ["track", "frame", "time"]),
        ("first columns", ["track", "frame", "time"]),
        ("first of table", ["track", "frame", "time"]),
    ]:
        assert ours[key] == [*theirs[key], *extra]
    assert ours["raw"][2] == [*theirs["raw"][2], "track0", "frame", "time"]
    assert ours["table"][2] == [*theirs["table"][2], "track0", "frame", "time"]
    boxes = [
        *zip(ours["box"], theirs["box"], strict=True),
        *zip(ours["raw boxes"], theirs["raw boxes"], strict=True),
    ]
    assert min(overlap(first, second) for first, second in boxes) > 0.5
    # Who shows what differs between two networks; that a sequence of results sums to its length does not.
    assert sum(ours["sums"].values()) == pytest.approx(ours["length"], abs=0.01)
    assert sum(theirs["sums"].values()) == pytest.approx(theirs["length"], abs=0.5)
    left = {path.name for path in (tmp_path / "ours").iterdir()}
    assert left == {"script.py", "out.json"}, "nothing is written unless asked for"
