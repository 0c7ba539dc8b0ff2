"""`longhand certify`: prove a model, or check the proof it has."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from longhand.cli.arguments import Parser, add_model_argument, add_output_file
from longhand.cli.output import write_result

_EPILOG = """\
examples:
  longhand certify runs/certified-add            write certificate.json beside the weights
  longhand certify certified-add-3 --check       check the one that is there
  python -m longhand.certify.check models/certified-add-3     the same; NumPy and one file are all it takes
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "certify", help="prove a model right for numbers of any length", epilog=_EPILOG,
        description="List every window of a windowed model, run the network on each of them in float64, and write a"
        " certificate. Exit code 1 if it is wrong about one.",
    )  # fmt: skip
    add_model_argument(parser)
    parser.add_argument("--check", action="store_true", help="check the certificate that is there, writing nothing")
    add_output_file(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Certify, or check; 1 if there is no proof or it does not hold."""
    from longhand.certify import check
    from longhand.certify.record import certify_model
    from longhand.certify.windowed import NotCertifiedError
    from longhand.runs.checkpoint import find_checkpoint
    from longhand.shipped import model_path

    directory = find_checkpoint(model_path(arguments.model))
    if arguments.check:
        return check.main([str(directory)])
    try:
        report = certify_model(directory)
    except NotCertifiedError as failed:
        print(str(failed))
        write_result(arguments.output_file, failed.report)
        return 1
    _show(report, directory)
    write_result(arguments.output_file, report)
    return 0


def _show(report: dict[str, Any], directory: Path) -> None:
    print(f"{report['windows']['count']:,} windows in {report['seconds']:.1f} s")
    for obligation in report["obligations"]:
        print(f"  {obligation['id']:<4}{obligation['name']:<42}{obligation['evidence']}")
    print(f"proved: {report['claim']}")
    print(f"wrote {directory / 'certificate.json'}; check it:  python -m longhand.certify.check {directory}")
