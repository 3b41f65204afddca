"""One sentence says what is measured, in the same words everywhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageDraw

from mien import Faces
from mien.core.labels import NOTICE
from mien.media.draw import draw

ROOT = Path(__file__).parents[1]
FILES = [*sorted((ROOT / "src/mien").rglob("*.py")), *sorted((ROOT / "src/mien").rglob("*.html"))] + [
    path for path in sorted((ROOT / "web/src").rglob("*")) if path.suffix in (".js", ".html")
]


def test_nothing_says_it_in_other_words() -> None:
    others = {}
    for path in FILES:
        if "vendor" in path.parts or "page" in path.relative_to(ROOT).parts[:-1]:
            continue
        text = path.read_text(encoding="utf-8")
        if "feel" not in text:
            continue
        text = re.sub(r"[\s#*/]+", " ", text).replace(NOTICE, "").replace("what anybody feels", "")
        if found := re.findall(r"[^.]{0,60}\b(?:feels?|feelings?)\b", text):
            others[str(path)] = found
    assert others == {}


def test_it_has_one_name_in_answers() -> None:
    """``notice`` in JSON of commands, actions and the service."""
    names = {
        f"{path.relative_to(ROOT / 'src/mien')}: {key.value!s}"
        for path in FILES
        if path.suffix == ".py" and "NOTICE" in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(value, ast.Name | ast.JoinedStr)
        if "NOTICE" in ast.unparse(value)
    }
    # Home Assistant has no better place for it than the model of a device, formats of other programs no place but a description.
    others = {name for name in names if not name.endswith(": notice")}
    assert len(names) > len(others)
    assert others == {
        "rules/actions/mqtt.py: model",
        "outputs/bids.py: Description",
        "outputs/boris.py: description",
        "outputs/boris.py: project_description",
        "outputs/tables/workbook.py: comments",
    }


def test_the_page_says_it_before_the_camera_starts() -> None:
    page = (ROOT / "web/src/index.html").read_text(encoding="utf-8")
    assert NOTICE in " ".join(page.split())


@pytest.mark.parametrize("size", [(640, 360), (400, 360), (360, 360), (150, 400), (121, 1000)])
def test_it_stands_whole_on_an_image(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """In as many lines as it needs, the lowest at the edge."""
    faces = Faces([[1, 1, 9, 9]], [0.9], [0], [0.0])
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    out = draw(image, faces)
    with monkeypatch.context() as patch:
        patch.setattr("mien.media.draw._draw_note", lambda *_: (0, 0, 0, 0))
        rows = (out != draw(image, faces)).any(axis=2)
    assert rows[-1].any()
    assert out[:, -1].max() <= 90, "no letter touches the right edge"
    written: list[str] = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "multiline_text", lambda _, at, text, **__: written.append(text))
    draw(image, faces)
    assert " ".join(written[0].split()) == NOTICE
    assert (len(written[0].splitlines()) == 1) == (size[0] >= 400)
