"""`longhand data check`: recompute every row of a data set and look for leaks between its splits."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from longhand.cli.arguments import Parser, add_output_file
from longhand.cli.output import print_table, write_result


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "check", help="recompute every row, report leaks",
        description="Recompute every row of a data set exactly, and count the problems of the validation and test "
        "files\nthat the training file also holds: as written, with operands exchanged, or as the inverse fact.",
    )  # fmt: skip
    parser.add_argument("directory", type=Path, metavar="DIR", help="folder with train, val and test files")
    add_output_file(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; exit code 0 only if every row is right."""
    from longhand.data.check import check

    report = check(arguments.directory)
    print_table(
        f"{arguments.directory}: every row recomputed",
        ["split", "rows", "wrong"],
        [[name, f"{split['rows']:,}", split["wrong"]] for name, split in report["splits"].items()],
    )
    print_table(
        "Leaks: problems also in the training file",
        ["split", "exact", "commuted", "inverse"],
        [[name, leak["exact"], leak["commuted"], leak["inverse"]] for name, leak in report["leaks"].items()],
    )
    for wrong in report["wrong_rows"][:10]:
        print(f"wrong: {wrong}")
    for name in report["changed_files"]:
        print(f"changed: {name} is not the file the manifest describes")
    for warning in report["warnings"]:
        print(f"note: {warning}", file=sys.stderr)
    write_result(arguments.output_file, report)
    return 0 if report["ok"] else 1
