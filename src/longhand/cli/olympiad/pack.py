"""`longhand olympiad pack`: everything a notebook without internet needs, and only if asked an upload."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser
from longhand.cli.olympiad.contest_model import add_contest_model_flags, contest_model, packed_directory
from longhand.cli.olympiad.flags import add_flag

_EPILOG = """\
Nothing leaves this machine without --upload, which uses the program kaggle and its credentials.

example:
  longhand olympiad pack --model models/tiny-qwen2 --checkpoint runs/trm --username somebody --output-dir bundle
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "pack", help="pack a model with its code for a contest", epilog=_EPILOG,
        description="Write a folder with code, weights, tokenizer, notebook, licences and hashes, and show what an\n"
        "upload would do.",
    )  # fmt: skip
    add_contest_model_flags(parser)
    add_flag(parser, "--username", required=True, metavar="NAME", help="yours at Kaggle")
    add_flag(parser, "--dataset-name", default="longhand-contest", metavar="NAME", help="of the data set at Kaggle")
    add_flag(parser, "--title", default="longhand contest", metavar="TEXT", help="of the data set at Kaggle")
    add_flag(
        parser, "--output-dir", "--out", type=Path, default=Path("kaggle_dataset"), metavar="DIR",
        help="a new folder, or a bundle that nobody changed since",
    )  # fmt: skip
    add_flag(parser, "--zip", type=Path, metavar="F", help="also write all of it as one archive")
    add_flag(parser, "--wheels", type=Path, metavar="DIR", help="wheels of what the host does not have")
    add_flag(parser, "--gpu", action="store_true", help="ask for a GPU in the notebook")
    add_flag(parser, "--allow", nargs="+", default=[], metavar="FILE", help="files whose secrets are known to be none")
    parser.add_argument(
        "--upload", action=argparse.BooleanOptionalAction, default=False, help="upload it, as a private data set"
    )
    parser.add_argument("--no_upload", dest="upload", action="store_false", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the folder, show the plan, and upload only if that was asked for."""
    from longhand.olympiad.contest.bundle import BundleSpec, pack
    from longhand.olympiad.contest.upload import upload

    model = contest_model(arguments)
    with packed_directory(model) as directory:
        spec = BundleSpec(
            directory,
            arguments.username,
            name=arguments.dataset_name,
            title=arguments.title,
            solver=model.solver,
            arguments=model.arguments,
            selector=arguments.select,
            wheels=arguments.wheels,
            gpu=arguments.gpu,
            allow=arguments.allow,
        )
        pack(spec, arguments.output_dir, arguments.zip)
    upload(arguments.output_dir, really=arguments.upload, allow=arguments.allow)
    return 0
