"""`longhand olympiad model`: a small Qwen2-shaped model with a tokenizer, to try everything on."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser, add_options
from longhand.cli.olympiad.flags import add_flag
from longhand.errors import UserError


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    from longhand.olympiad.small_model_sizes import SmallModel

    parser = verbs.add_parser(
        "model", help="make a small model to try everything on",
        description="Make a Qwen2-shaped model with random weights, and a tokenizer learnt from generated problems.\n"
        "It knows nothing; what is trained on it shows that the commands work, and nothing about larger models.\n"
        "With --from-run, write what a run made of its model, to train a head on.",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new directory")
    add_flag(parser, "--from-run", type=Path, metavar="DIR", help="the result of train --method whole, or of layers")
    add_options(parser, SmallModel, {"kv_heads": ["--kv_heads"]})
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the directory."""
    from longhand.olympiad.export import export_model
    from longhand.olympiad.small_model import write_small_model
    from longhand.olympiad.small_model_sizes import SmallModel
    from longhand.training.config_errors import validated

    given = {key: value for key, value in vars(arguments).items() if key in SmallModel.model_fields}
    if arguments.from_run is not None:
        if given:
            raise UserError(f"--{sorted(given)[0].replace('_', '-')} is as it was in the run; leave it out")
        print(f"wrote {arguments.out}: {export_model(arguments.from_run, arguments.out):,} weights, and a tokenizer")
        return 0
    n_parameters = write_small_model(arguments.out, validated(SmallModel, given, "longhand olympiad model"))
    print(f"wrote {arguments.out}: {n_parameters:,} random weights, and a tokenizer")
    return 0
