"""`longhand plot`: draw runs and reports from their files."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser
from longhand.errors import UserError

_EPILOG = """\
examples:
  longhand plot runs/demo --format svg
  longhand evaluate runs/poc --suite data/poc/test.csv --output-file poc.json
  longhand plot poc.json other.json --out pictures
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "plot", help="draw the curves of a run, and what evaluations found", epilog=_EPILOG,
        description="Draw loss and accuracy of a run from its metrics.jsonl, and exact match by length of the answer\n"
        "from reports; of several reports also one bar each.",
    )  # fmt: skip
    parser.add_argument("paths", type=Path, nargs="+", metavar="RUN|REPORT", help="a run directory, or report files")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the pictures [beside their files]")
    parser.add_argument("--format", choices=["png", "svg", "pdf"], default="png", help="kind of picture")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the pictures and say where."""
    from longhand.plots.curves import draw_curves
    from longhand.plots.evaluations import draw_evaluations

    reports = [path for path in arguments.paths if path.suffix == ".json"]
    runs = [path for path in arguments.paths if path not in reports]
    if len(runs) > 1 or (runs and reports):
        raise UserError("longhand plot draws one run directory or any number of reports; give one or the others")
    written = []
    for run in runs:
        out = arguments.out or run
        written += draw_curves(run / "metrics.jsonl", out, suffix=arguments.format)
        reports = [run / "report.json"] if (run / "report.json").is_file() else []
    if reports:
        written += draw_evaluations(reports, arguments.out or reports[0].parent, suffix=arguments.format)
    for path in written:
        print(f"wrote {path}")
    return 0
