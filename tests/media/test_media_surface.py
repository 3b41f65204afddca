"""The public names, and what importing them costs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import mien.media

pytestmark = pytest.mark.integration


def test_names_are_sorted_and_there() -> None:
    constants = [name for name in mien.media.__all__ if name.isupper()]
    classes = [name for name in mien.media.__all__ if name[0].isupper() and not name.isupper()]
    functions = [name for name in mien.media.__all__ if name.islower()]
    assert mien.media.__all__ == sorted(constants) + sorted(classes) + sorted(functions)
    for name in mien.media.__all__:
        assert getattr(mien.media, name) is not None
        assert name in dir(mien.media)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = mien.media.no_such_name


@pytest.mark.parametrize(
    "module",
    [
        "mien.core.frame",
        "mien.media.sampling",
        "mien.media.prefetch",
        "mien.media.folders",
        "mien.media.media",
    ],
)
def test_light_parts_load_neither_pillow_nor_pyav(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'av', 'PIL'}} & set(sys.modules)))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_an_image_does_not_load_pyav() -> None:
    code = "import sys, numpy; from mien.media import open_media; open_media(numpy.zeros((2, 2, 3), 'u1')); print('av' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")
