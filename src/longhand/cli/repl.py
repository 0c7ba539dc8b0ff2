"""`longhand repl`: talk with a model."""

from __future__ import annotations

import argparse

from longhand.cli.arguments import Parser, add_device_argument, add_model_argument, add_model_size_argument

_EPILOG = """\
modes: normal        the model completes what you type, shows its chain of thought, and is judged by exact arithmetic
       probability   the model shows what is likely at every step, and you choose

The beginning of a problem (7+) is completed too. Lines may come through a pipe; the transcript is then plain text.

examples:
  longhand repl models/add-sub-3
  printf '99+21=\\n100-99=\\n' | longhand repl models/add-sub-3
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "repl", help="talk with a model", epilog=_EPILOG,
        description="Type problems, or the beginnings of problems, and watch a model complete them.",
    )  # fmt: skip
    add_model_argument(parser)
    parser.add_argument("--mode", choices=["normal", "probability"], default="normal", help="see below [normal]")
    parser.add_argument("--temperature", type=float, default=0.0, metavar="X", help="0 is greedy decoding")
    parser.add_argument(
        "--max-new-tokens", type=int, metavar="N", help="tokens to write at most [what the model needs]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of sampling")
    add_device_argument(parser)
    add_model_size_argument(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Talk until the user has had enough."""
    from longhand.cli.model_size import check_model_size
    from longhand.repl.session import Settings, run_session
    from longhand.runtime import chosen_device
    from longhand.solvers.load import load

    check_model_size(arguments.model, arguments.model_size)
    settings = Settings(
        temperature=arguments.temperature,
        max_new_tokens=arguments.max_new_tokens,
        seed=arguments.seed,
        stepwise=arguments.mode == "probability",
    )
    solver = load(arguments.model, device=chosen_device(arguments.device))
    run_session(solver, settings, name=str(arguments.model))
    return 0
