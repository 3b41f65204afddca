"""Writes the golden vectors anew: ``make vectors``. What changed in the files, changed in Python; the page has to follow."""

from __future__ import annotations

import json
from pathlib import Path

from tests.vectors.vector_answers import ANSWERS
from tests.vectors.vector_inputs import VECTORS

FOLDER = Path(__file__).parent


def main() -> None:
    for name, vectors in VECTORS.items():
        cases = [
            json.dumps({"input": given, "expected": ANSWERS[name](given)}, separators=(",", ":"))
            for given in vectors.inputs()
        ]
        text = f'{{"tolerance": {vectors.tolerance}, "cases": [\n' + ",\n".join(cases) + "\n]}\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
