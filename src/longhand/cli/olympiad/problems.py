"""`longhand olympiad problems`: generated word problems as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser
from longhand.cli.olympiad.flags import DATASETS, add_flag

_EPILOG = """\
train and test share neither the kinds of story nor the ranges of their numbers.

example:
  longhand olympiad problems --schema gsm8k --split test --n 200 --out data/words/test.jsonl
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "problems", help="write generated word problems", epilog=_EPILOG,
        description="Write word problems with their solutions, each step of which was calculated exactly.",
    )  # fmt: skip
    add_flag(parser, "--schema", "--dataset", choices=DATASETS, default="gsm8k", help="whose columns")
    splits = ["train", "test", "new-templates", "new-numbers"]
    add_flag(parser, "--split", choices=splits, default="train", help="which stories and numbers")
    add_flag(parser, "--n", "--num-samples", type=int, default=1000, metavar="N", help="how many")
    add_flag(parser, "--seed", type=int, default=0, metavar="N", help="seed of the stories")
    add_flag(parser, "--out", type=Path, required=True, metavar="F", help="a .jsonl or .parquet file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file, whole or not at all."""
    from longhand.olympiad.word_problems.generate import write_problems

    n = write_problems(arguments.out, arguments.n, arguments.seed, arguments.split, arguments.schema)
    print(f"wrote {arguments.out}: {n:,} {arguments.split} problems with the columns of {arguments.schema}")
    return 0
