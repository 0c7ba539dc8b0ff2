"""`longhand data make`: write a data set."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from longhand.cli.arguments import Parser, add_options, add_output_file
from longhand.cli.output import print_table, write_result
from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.data.profiles.profile import Profile

_EPILOG = """\
profiles (longhand data make --profile NAME --help lists their options):
{profiles}

example:
  longhand data make --profile mini --out data/mini --n-samples 5000 --max 99
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    # Its options depend on the profile, so `run` builds the parser that reads them (and prints the help).
    parser = verbs.add_parser("make", help="write a data set", add_help=False)
    parser.set_defaults(run=run, takes_overrides=True)


def run(arguments: argparse.Namespace) -> int:
    """Write the files of one profile and print what was written."""
    from longhand.data.make import make_dataset

    given = vars(_parser(_chosen_profile(arguments.rest)).parse_args(arguments.rest))
    name, out, shape, overwrite, output_file = (
        given.pop(key) for key in ("profile", "out", "format", "overwrite", "output_file")
    )
    if out is None:
        raise UserError(f"say where to write the data: --out DIR, for example --out data/{name}")
    summary = make_dataset(name, out, given, file_format=shape, overwrite=overwrite)
    print_table(
        f"{name} in {out}",
        ["file", "rows", "sha256"],
        [[file, f"{entry['rows']:,}", entry["sha256"][:16]] for file, entry in summary["files"].items()],
    )
    for warning in summary["warnings"]:
        print(f"note: {warning}", file=sys.stderr)
    write_result(output_file, summary)
    return 0


def _chosen_profile(words: Sequence[str]) -> Profile | None:
    from longhand.data.profiles.registry import PROFILES

    names = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    names.add_argument("--profile")
    return PROFILES.get(names.parse_known_args(list(words))[0].profile)


def _parser(profile: Profile | None) -> argparse.ArgumentParser:
    from longhand.data.profiles.registry import PROFILES

    profiles = "\n".join(f"  {name:<12}{entry.summary}" for name, entry in PROFILES.items())
    parser = Parser(
        prog="longhand data make",
        description="Write training, validation and test files with a manifest.",
        epilog=_EPILOG.format(profiles=profiles),
    )
    parser.add_argument("--profile", required=True, choices=list(PROFILES), help="which data set")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write; it must not hold a data set yet")
    parser.add_argument("--format", choices=["csv", "jsonl", "json", "txt"], help="shape of the files [profile's own]")
    parser.add_argument("--overwrite", action="store_true", help="replace a data set that is already there")
    add_output_file(parser)
    if profile is not None:
        add_options(parser.add_argument_group(f"options of {profile.name}"), profile.options, profile.aliases)
        for flag in profile.aliases.get("out", ()):
            parser.add_argument(flag, dest="out", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser
