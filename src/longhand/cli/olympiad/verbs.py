"""`longhand olympiad`: the verbs below it."""

from __future__ import annotations

import argparse

from longhand.cli.arguments import Parser
from longhand.cli.olympiad import evaluate, gateway, model, pack, problems, train

_EPILOG = """\
from nothing, in this order (docs/olympiad.md):
  longhand olympiad model --out models/tiny-qwen2
  longhand olympiad problems --split train --n 2000 --out data/words/train.jsonl
  longhand olympiad train --model models/tiny-qwen2 --data data/words --output-dir runs/trm
  longhand olympiad evaluate --checkpoint runs/trm --data data/words
  longhand olympiad gateway --model models/tiny-qwen2 --checkpoint runs/trm --data test.csv
  longhand olympiad pack --model models/tiny-qwen2 --checkpoint runs/trm --username NAME
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb and those below it to the command line."""
    parser = verbs.add_parser(
        "olympiad", help="word problems and contests", epilog=_EPILOG,
        description="Train, measure and pack language models for word problems. Nothing is downloaded: models and data"
        "\nare directories on this disk.",
    )  # fmt: skip
    below = parser.add_subparsers(dest="olympiad_verb", metavar="COMMAND", required=True)
    for module in (model, problems, train, evaluate, gateway, pack):
        module.add_parser(below)
