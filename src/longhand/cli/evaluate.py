"""`longhand evaluate`: how often a model is right, and where it is wrong."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from longhand.cli.arguments import (
    Parser,
    add_device_argument,
    add_model_argument,
    add_model_size_argument,
    add_output_file,
)
from longhand.cli.output import write_result
from longhand.cli.sweep_progress import sweep_progress
from longhand.errors import UserError

_EPILOG = """\
suites: exhaustive   every problem of the model's domain
        test         the problems that were neither trained nor validated on
        carries      long carry and borrow chains (99+1, 100-99, x9+1, x00-x99)
        FILE         a data file or folder of any of the known shapes

examples:
  longhand evaluate runs/demo --output-file report.json
  longhand evaluate runs/demo --suite data/poc/test.csv --samples samples.jsonl --report boxed
"""

SMALL_SUITE = 20_000
"""Problems up to which starting further processes takes longer than asking."""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "evaluate", help="measure how often a model is right", epilog=_EPILOG,
        description="Ask a model every problem of a suite and print exact match by operator and by length.",
    )  # fmt: skip
    add_model_argument(parser)
    parser.add_argument("--suite", metavar="SUITE", help="what to ask, see below [exhaustive; without a domain, test]")
    parser.add_argument(
        "--style", choices=["expression", "question", "spaced"], default="expression",
        help="ask 951+11=, What is 951 + 11? or 951 + 11 = [expression]",
    )  # fmt: skip
    parser.add_argument("--n-samples", type=int, metavar="N", help="ask N problems drawn from the suite [0: all]")
    parser.add_argument(
        "--beam", type=int, default=1, metavar="N", help="search for the likeliest text with N beams, beside greedy [1]"
    )
    parser.add_argument("--samples", type=Path, metavar="F", help="write every problem and answer to this JSONL file")
    parser.add_argument("--failures", type=Path, metavar="F", help="write the wrong answers to this JSONL file")
    parser.add_argument("--report", choices=["table", "boxed"], default="table", help="how to print the report [table]")
    parser.add_argument(
        "--record", action="store_true", help="write an exhaustive result into the model's own metrics and card"
    )
    parser.add_argument("--processes", type=int, metavar="N", help="processes, one thread each [one per core]")
    add_device_argument(parser)
    add_model_size_argument(parser)
    add_output_file(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the report; exit code 0 whatever it says."""
    from longhand.cli.model_size import check_model_size
    from longhand.evaluation.beam_effect import BeamEffect
    from longhand.evaluation.boxed import boxed
    from longhand.evaluation.evaluate import evaluate
    from longhand.evaluation.published_names import published_names
    from longhand.evaluation.report import Report
    from longhand.evaluation.suites import open_suite, some_of
    from longhand.evaluation.sweep import sweep
    from longhand.registry.find import find_model, refuse_version
    from longhand.runs.checkpoint import load_checkpoint
    from longhand.runtime import available_cores, chosen_device
    from longhand.solvers.load import load

    if arguments.record and (arguments.beam > 1 or arguments.n_samples):
        raise UserError("--record keeps the greedy answers to every problem; leave out --beam and --n-samples")
    if arguments.record:
        refuse_version(arguments.model)
    check_model_size(arguments.model, arguments.model_size)
    path, device = find_model(arguments.model), chosen_device(arguments.device)
    checkpoint = load_checkpoint(path)
    name = arguments.suite or ("test" if checkpoint.domain is None else "exhaustive")
    suite = open_suite(name, domain=checkpoint.domain, format=checkpoint.format, training=checkpoint.training)
    if arguments.n_samples:
        suite = some_of(suite, arguments.n_samples)

    def measure(**asking: Any) -> Report:
        with sweep_progress() as progress:
            asking |= {"style": arguments.style, "progress": progress}
            if arguments.processes is None and (len(suite) <= SMALL_SUITE or device != "cpu"):
                return evaluate(load(path, device=device), suite, **asking)
            processes = arguments.processes or available_cores()
            return sweep(partial(load, path, device=device, threads=1), suite, processes=processes, **asking)

    greedy = measure() if arguments.beam > 1 else None
    report = measure(beam=arguments.beam, samples=arguments.samples, failures=arguments.failures)
    print(f"\n{boxed(report) if arguments.report == 'boxed' else report.to_text()}")
    found = {"model": str(arguments.model), **published_names(report), **report.to_dict()}
    if greedy is not None:
        effect = BeamEffect(greedy, report)
        print(effect.to_text())
        found |= effect.to_dict()
    if arguments.record:
        from longhand.recipes.demo import record_sweep

        record_sweep(path, report, arguments.style)
    write_result(arguments.output_file, found)
    return 0
