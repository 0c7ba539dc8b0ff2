"""`longhand bench`: this code and others side by side."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from longhand.cli.arguments import Parser
from longhand.cli.bench_output import bench_progress, print_result
from longhand.errors import UserError

KINDS = ("train", "decode", "sweep", "data", "scaling", "all", "serve")

_EPILOG = """\
what:  train     a training step against plain eager PyTorch, the Hugging Face Trainer, Lightning
       decode    greedy answers with the same weights against generate() and a decoder without a cache
       sweep     an exhaustive evaluation with one process and with two
       data      problems made and written as token ids
       scaling   seconds against width, depth, batch, row length and number of problems
       all       all of these

Everybody computes in one thread, in a process of its own; all are measured in turn, round after round.
--against takes names (eager, eager-bf16, hugging-face, lightning, longhand-reference) and files: a .py file with a
function train_contender(spec) that returns a function which takes so many steps, or decode_contender(spec) that
returns one from prompts to ids. See longhand.bench.spec for what a spec says.

examples:
  longhand bench train --widths 128 --batches 64 512
  longhand bench decode --against hugging-face my_decoder.py --clock cpu
  longhand bench all --output-dir results
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "bench", help="measure speed against other programs", epilog=_EPILOG,
        description="Measure this code and named peers side by side, write every sample as JSON, and draw pictures.",
    )  # fmt: skip
    parser.add_argument("kind", nargs="?", default="train", choices=KINDS, metavar="WHAT", help="see below [train]")
    parser.add_argument(
        "--against", nargs="+", action="extend", metavar="NAME", help="whom to measure instead of the usual peers"
    )
    parser.add_argument("--widths", nargs="+", type=_count, metavar="N", help="widths of the model (channels)")
    parser.add_argument("--batches", nargs="+", type=_count, metavar="N", help="rows per step, or prompts at a time")
    parser.add_argument("--layers", type=_count, default=4, metavar="N", help="blocks of the model (count)")
    parser.add_argument("--problems", type=_count, default=1_000_000, metavar="N", help="problems of a sweep (count)")
    parser.add_argument("--repeats", type=_count, metavar="N", help="rounds, of which the median counts [5]")
    parser.add_argument("--seconds", type=_seconds, metavar="X", help="length of a sample, about (seconds) [0.5]")
    parser.add_argument(
        "--clock", choices=["wall", "cpu"], default="wall", help="what to count; cpu where others use the machine too"
    )
    parser.add_argument("--quick", action="store_true", help="tiny shapes and two rounds: does it run?")
    parser.add_argument(
        "--output-dir", type=Path, default=Path("runs/bench"), metavar="DIR", help="where JSON and pictures go"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, write; a contender that cannot be measured is a row that says why."""
    if arguments.kind == "serve":
        raise UserError("bench serve will come with the server itself; choose train, decode, sweep, data or scaling")
    from longhand.bench.comparisons import Plan
    from longhand.bench.contenders.registry import choose
    from longhand.bench.measure import Settings
    from longhand.bench.result import write_result
    from longhand.bench.run import BENCHMARKS, run_benchmark
    from longhand.plots.bench import draw

    kinds = list(BENCHMARKS) if arguments.kind == "all" else [arguments.kind]
    if arguments.against is not None:
        if arguments.kind not in ("train", "decode"):
            raise UserError(f"bench {arguments.kind} takes no --against; only train and decode have peers to choose")
        choose(arguments.kind, arguments.against)
    repeats, seconds = (2, 0.02) if arguments.quick else (5, 0.5)
    with bench_progress() as say:
        for kind in kinds:
            plan = Plan(
                settings=Settings(arguments.repeats or repeats, arguments.seconds or seconds),
                clock=arguments.clock,
                against=None if arguments.against is None else tuple(arguments.against),
                widths=None if arguments.widths is None else tuple(arguments.widths),
                batches=None if arguments.batches is None else tuple(arguments.batches),
                layers=arguments.layers,
                problems=arguments.problems,
                quick=arguments.quick,
                command=shlex.join(["longhand", *sys.argv[1:]]),
                say=lambda text, kind=kind: say(f"{kind}: {text}"),  # type: ignore[misc]
            )
            result = run_benchmark(kind, plan)
            path = arguments.output_dir / f"{kind}.json"
            write_result(path, result)
            print_result(result, [path, *draw(result.to_dict(), arguments.output_dir)])
    return 0


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return number
