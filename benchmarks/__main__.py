"""All benchmarks, one after the other: ``python -m benchmarks [CLIP]``; results in ``out/benchmarks/*.json``. About half an hour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.frames import CLIP

OUT = Path("out/benchmarks")
DATA = Path(__file__).parents[2] / "shared/fer2013/fer2013.parquet"


def main() -> None:
    clip = sys.argv[1] if len(sys.argv) > 1 else str(CLIP)
    OUT.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, source in (
        ("frames", clip),
        ("memory", clip),
        ("tracking", clip),
        ("overlap", clip),
        ("service", ""),
        ("explanation", ""),
        ("triggers", ""),
        ("leaderboard", str(DATA)),
        ("evaluation", str(DATA)),
        ("pipeline", str(DATA)),
    ):
        print(f"== {name} ==", flush=True)
        if source == str(DATA) and not DATA.is_file():
            print(f"left out: {DATA} is not there")
            continue
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *filter(None, [source]), "--json", str(OUT / f"{name}.json")], check=False)
        failed += [name] if done.returncode else []
        print(flush=True)
    raise SystemExit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
