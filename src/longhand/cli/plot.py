"""`longhand plot`: draw the curves of a run from its files."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "plot", help="draw the curves of a run",
        description="Draw loss and held-out accuracy of a run from its metrics.jsonl.",
        epilog="example:\n  longhand plot runs/demo --format svg",
    )  # fmt: skip
    parser.add_argument("run_dir", type=Path, metavar="RUN", help="run directory")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the pictures [the run directory]")
    parser.add_argument("--format", choices=["png", "svg", "pdf"], default="png", help="kind of picture")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the pictures and say where."""
    from longhand.plots.curves import draw_curves

    out = arguments.out or arguments.run_dir
    for path in draw_curves(arguments.run_dir / "metrics.jsonl", out, suffix=arguments.format):
        print(f"wrote {path}")
    return 0
