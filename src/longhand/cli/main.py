"""The `longhand` command: finds the verb, runs it, and turns a user's mistake into one line and exit code 2."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from longhand.cli import (
    bench,
    certify,
    check_data,
    demo,
    evaluate,
    info,
    make_data,
    plot,
    recipes,
    registry,
    repl,
    serve,
    solve,
    train,
    vocab,
)
from longhand.cli.arguments import Parser
from longhand.cli.olympiad import verbs as olympiad
from longhand.cli.synonyms.registry import translate_command
from longhand.errors import UserError
from longhand.version import __version__

EXIT_OK, EXIT_USAGE, EXIT_INTERRUPTED = 0, 2, 130

_DESCRIPTION = "Train small transformers that do arithmetic, and check them on every problem of their domain."
_EPILOG = """\
start here:   longhand demo                         from nothing to a model checked on 1,500,500 problems
then ask it:  longhand solve runs/demo "951+11="
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="longhand", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"longhand {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    demo.add_parser(verbs)
    data = verbs.add_parser("data", help="make data sets and check them")
    data_verbs = data.add_subparsers(dest="data_verb", metavar="COMMAND", required=True)
    make_data.add_parser(data_verbs)
    check_data.add_parser(data_verbs)
    for module in (train, info, evaluate, certify, solve, repl, serve, registry, olympiad, vocab, plot, bench, recipes):
        module.add_parser(verbs)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 done but not passed, 2 a mistake, 130 interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        words, notes = translate_command(sys.argv[1:] if argv is None else list(argv))
        arguments, rest = build_parser().parse_known_args(words)
        if rest and not getattr(arguments, "takes_overrides", False):
            raise UserError(f"unknown argument {rest[0]!r}; see: longhand {arguments.verb} --help")
        arguments.rest = rest
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
        code: int = arguments.run(arguments)
        return code
    except UserError as error:
        print(f"longhand: {error}", file=sys.stderr)
        return EXIT_USAGE
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print("longhand: this needs PyTorch, which is not installed: pip install torch", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt as interruption:
        # A training says what it saved and how to go on.
        print(f"longhand: {str(interruption) or 'interrupted'}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone: that is its right. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
