"""`longhand certify`: prove a model, or check the proof it has."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from longhand.cli.arguments import Parser, add_model_argument, add_output_file
from longhand.cli.output import program, write_result
from longhand.cli.sweep_progress import sweep_progress
from longhand.errors import UserError

_EPILOG = """\
examples:
  longhand certify runs/certified-add            write certificate.json beside the weights
  longhand certify runs/demo                     the same for a finite domain, by asking all of it
  longhand certify certified-add-3 --check       check the one that is there
  python -m longhand.certify.check models/certified-add-3     the same; NumPy and one file are all it takes
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "certify", help="prove a model, or check its proof", epilog=_EPILOG,
        description="Windowed models: run the network on every window there is, in float64, which proves it for\n"
        "numbers of any length. Others: ask every problem of the domain. Either writes certificate.json; exit code 1\n"
        "if something is wrong.",
    )  # fmt: skip
    add_model_argument(parser)
    parser.add_argument("--check", action="store_true", help="check the certificate that is there, writing nothing")
    parser.add_argument("--processes", type=int, metavar="N", help="processes that ask [one per core]")
    add_output_file(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Certify, or check; 1 if there is no proof or it does not hold."""
    from longhand.registry.find import find_model, refuse_version
    from longhand.runs.certificate import NotCertifiedError
    from longhand.runs.checkpoint import find_checkpoint, load_checkpoint

    if not arguments.check:
        refuse_version(arguments.model)
    directory = find_checkpoint(find_model(arguments.model))
    try:
        if arguments.check:
            return _check(directory, arguments.processes)
        windowed = load_checkpoint(directory, with_certificate=False).model.get("block") == "window"
        report = _prove(directory) if windowed else _ask_everything(directory, arguments.processes)
    except NotCertifiedError as failed:
        print(str(failed))
        write_result(arguments.output_file, failed.report)
        return 1
    print(f"proved: {report['claim']}")
    print(f"wrote {directory / 'certificate.json'}; check it:  {program()} certify {directory} --check")
    write_result(arguments.output_file, report)
    return 0


def _prove(directory: Path) -> dict[str, Any]:
    from longhand.certify.record import certify_model

    report = certify_model(directory)
    print(f"{report['windows']['count']:,} windows in {report['seconds']:.1f} s")
    for obligation in report["obligations"]:
        print(f"  {obligation['id']:<4}{obligation['name']:<42}{obligation['evidence']}")
    return report


def _ask_everything(directory: Path, processes: int | None) -> dict[str, Any]:
    from longhand.evaluation.exhaustive import certify_exhaustively
    from longhand.runtime import available_cores

    with sweep_progress() as progress:
        return certify_exhaustively(directory, processes=processes or available_cores(), progress=progress)


def _check(directory: Path, processes: int | None) -> int:
    from longhand.certify import check
    from longhand.evaluation.exhaustive import check_exhaustively
    from longhand.runs.certificate import CERTIFICATE
    from longhand.runs.checkpoint import load_checkpoint
    from longhand.runtime import available_cores

    if not (directory / CERTIFICATE).is_file():
        raise UserError(f"{directory} has no {CERTIFICATE}; write one: {program()} certify {directory}")
    certificate = load_checkpoint(directory).certificate
    assert certificate is not None
    if certificate.domain is None:
        return check.main([str(directory)])
    with sweep_progress() as progress:
        claim = check_exhaustively(directory, processes=processes or available_cores(), progress=progress)
    print(f"{directory}: holds. {claim[0].upper()}{claim[1:]}")
    return 0
