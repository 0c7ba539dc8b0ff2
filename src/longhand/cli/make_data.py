"""`longhand data make`: write a data set."""

from __future__ import annotations

import argparse
import sys

from longhand.cli.output import print_table, write_result
from longhand.data.make import make_dataset
from longhand.data.profiles.registry import PROFILES
from longhand.errors import UserError

_EPILOG = """\
profiles (longhand data make --profile NAME --help lists their options):
{profiles}

example:
  longhand data make --profile mini --out data/mini --n-samples 5000 --max 99
"""


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    # Its options depend on the profile, so that `run` builds the parser that reads them (and prints the help).
    parser = verbs.add_parser("make", help="write a data set", add_help=False)
    parser.set_defaults(run=run, takes_overrides=True)


def run(arguments: argparse.Namespace) -> int:
    """Write the files of one profile and print what was written."""
    given = vars(_parser(_chosen_profile(arguments.rest)).parse_args(arguments.rest))
    fixed = {name: given.pop(name) for name in ("profile", "out", "format", "overwrite", "output_file")}
    if fixed["out"] is None:
        raise UserError("say where to write: --out DIR")
    try:
        options = PROFILES[fixed["profile"]].options(**given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"--{str(first['loc'][0]).replace('_', '-')} {first['input']!r}: {first['msg']}") from error
    summary = make_dataset(
        fixed["profile"], fixed["out"], options, file_format=fixed["format"], overwrite=fixed["overwrite"]
    )
    print_table(
        f"{fixed['profile']} in {fixed['out']}",
        ["file", "rows", "sha256"],
        [[name, f"{entry['rows']:,}", entry["sha256"][:16]] for name, entry in summary["files"].items()],
    )
    for warning in summary.get("warnings", []):
        print(f"note: {warning}", file=sys.stderr)
    write_result(fixed["output_file"], summary)
    return 0


def _chosen_profile(words: Sequence[str]) -> Profile | None:
    names = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    names.add_argument("--profile")
    name = names.parse_known_args(list(words))[0].profile
    return PROFILES.get(name)


def _parser(profile: Profile | None) -> argparse.ArgumentParser:
    profiles = "\n".join(f"  {name:<12}{entry.summary}" for name, entry in PROFILES.items())
    parser = argparse.ArgumentParser(
        prog="longhand data make",
        description="Write training, validation and test files with a manifest.",
        epilog=_EPILOG.format(profiles=profiles),
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--profile", required=True, choices=list(PROFILES), help="which data set")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write; it must not hold a data set yet")
    parser.add_argument("--format", choices=["csv", "jsonl", "json", "txt"], help="shape of the files [the profile's own]")
    parser.add_argument("--overwrite", action="store_true", help="replace a data set that is already there")
    add_output_file(parser)
    if profile is not None:
        add_options(parser.add_argument_group(f"options of {profile.name}"), profile.options, profile.aliases)
        for flag in profile.aliases.get("out", ()):
            parser.add_argument(flag, dest="out", type=Path, help=argparse.SUPPRESS)
    return parser
