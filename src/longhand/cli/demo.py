"""`longhand demo`: from nothing to a model checked on every problem of its domain."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser, add_output_file
from longhand.cli.output import program, write_result
from longhand.cli.sweep_progress import sweep_progress


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "demo", help="train a model from nothing and check it on every problem",
        description="Generate three-digit sums and differences, train a transformer on a fifth of them, ask it all\n"
        "1,500,500, and write report, pictures and checkpoint. Exit code 0 only if no answer was wrong.",
    )  # fmt: skip
    parser.add_argument("--config", default="demo", metavar="FILE", help="what to train")
    parser.add_argument(
        "--output-dir", type=Path, metavar="DIR", help="where everything is written [runs/<config name>]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of weights and batches")
    parser.add_argument(
        "--processes", type=int, metavar="N", help="processes, one thread each [one per core, at most 8]"
    )
    parser.add_argument("--resume", metavar="auto|PATH", help="go on with an interrupted demo")
    parser.add_argument("--overwrite", action="store_true", help="replace a run that is already there")
    add_output_file(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the recipe, print the report and what to type next; exit code 1 if an answer was wrong."""
    from longhand.runtime import prepare_workers

    if arguments.processes != 1:
        prepare_workers()
    from longhand.recipes.demo import demo, use_all_cores
    from longhand.shipped import config_path
    from longhand.training.run_config import load_run_config

    path = config_path(arguments.config)
    out = arguments.output_dir or Path("runs") / path.stem
    config = load_run_config(path, {"training.seed": str(arguments.seed)})
    config = use_all_cores(config, arguments.processes)
    with sweep_progress() as progress:
        result = demo(config, out, resume=arguments.resume, overwrite=arguments.overwrite, progress=progress)

    report, seconds = result.report, result.seconds
    print(f"\n{report.to_text()}\n")
    print(f"training took {seconds['train']:.0f} s, the sweep of {report.total:,} problems {seconds['sweep']:.0f} s")
    print(f"wrote {out}/: the model, report.json, metrics.jsonl, loss.png, accuracy.png")
    if result.passed:
        print(f"\nall {report.total:,} answers are right. Now try:")
    else:
        print(f"\n{report.errors:,} answers are wrong; {out / 'failures.jsonl'} lists them. Look closer:")
    print(f'  {program()} solve {out} "951+11=" "100-99="')
    print(f"  {program()} info {out}")
    print(f"  {program()} evaluate {out} --suite carries")
    write_result(arguments.output_file, result.to_dict())
    return 0 if result.passed else 1
