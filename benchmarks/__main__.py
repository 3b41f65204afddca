"""All benchmarks, one after the other: ``python -m benchmarks [--only NAME ...] [--quick] [--again]``.

Results go to docs/benchmarks/results.json, and from there to docs/benchmarks.md with its charts. What is
there already for this code and this machine is kept. About 25 minutes on two quiet cores; with ``--quick``, a
trial whose results stay in out/benchmarks/quick, less than five.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.lib import report, runner
from benchmarks.lib.catalogue import ENTRIES


def main(arguments: list[str] | None = None) -> None:
    """Run, and make the page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[entry.name for entry in ENTRIES],
        metavar="NAME",
        help=", ".join(one.name for one in ENTRIES),
    )
    parser.add_argument("--quick", action="store_true", help="a trial with tiny settings, kept apart")
    parser.add_argument("--again", action="store_true", help="measure anew what is there already")
    options = parser.parse_args(arguments)
    chosen = [entry for entry in ENTRIES if options.only is None or entry.name in options.only]
    out = runner.OUT / "quick" if options.quick else runner.OUT
    results, page = (
        (out / "benchmarks" / "results.json", out / "benchmarks.md")
        if options.quick
        else (runner.RESULTS, report.PAGE)
    )
    began = time.monotonic()
    records = runner.run(chosen, results, quick=options.quick, again=options.again, out=out)
    report.write(records, page)
    failed = [entry.name for entry in chosen if records[entry.name]["status"] == "failed"]
    missed = [figure.name for figure in report.drawings(records).get(report.LIMITS, []) if not figure.kept]
    print(f"\n{len(chosen)} benchmarks in {(time.monotonic() - began) / 60:.1f} minutes; {results}, {page}")
    print(f"limits missed: {'; '.join(missed) or 'none'}")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
