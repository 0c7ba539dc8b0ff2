"""`longhand recipes`: whole experiments, from their plan to their tables and pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser
from longhand.cli.sweep_progress import sweep_progress
from longhand.errors import UserError

_EPILOG = """\
The plan (recipes/recursion/plans/ablation.yaml) was registered before the results in docs/recursion.md. Finished
runs are kept, a line of JSON each: the same command goes on where an interrupted one ended, and several at the same
time may share a folder if their --tasks or --seeds differ. --analyse reads what is there and runs nothing.

examples:
  longhand recipes recursion-ablation --smoke
  longhand recipes recursion-ablation --out runs/recursion --tasks C --processes 2
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser("recipes", help="repeat an experiment of the documentation")
    recipes = parser.add_subparsers(dest="recipe", metavar="RECIPE", required=True)
    ablation = recipes.add_parser(
        "recursion-ablation", help="does recursion help small models that calculate?", epilog=_EPILOG,
        description="Train every arm of a plan on every task with every seed, ask all the same problems, and compare\n"
        "them in pairs: at equal training FLOPs, and at equal examples.",
    )  # fmt: skip
    ablation.add_argument("--plan", type=Path, metavar="FILE", help="a plan of your own [the registered one]")
    ablation.add_argument("--out", type=Path, metavar="DIR", help="where everything is written [runs/recursion-<plan>]")
    ablation.add_argument("--seeds", type=int, nargs="+", metavar="N", help="some of its seeds [all]")
    ablation.add_argument("--tasks", nargs="+", metavar="TASK", help="some of its tasks, C, A or M [all]")
    ablation.add_argument("--arms", nargs="+", metavar="ARM", help="some of its arms, a0 to a11 [all]")
    ablation.add_argument("--processes", type=int, default=1, metavar="N", help="processes, one thread each")
    ablation.add_argument("--smoke", action="store_true", help="seconds instead of an hour: does it run?")
    ablation.add_argument("--analyse", action="store_true", help="run nothing; compare and draw what is there")
    ablation.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing, compare, draw, and say where it is."""
    from longhand.plots.recursion import draw_recursion
    from longhand.recipes.recursion.page import tables
    from longhand.recipes.recursion.plan import REGISTERED, SMOKE, load_plan
    from longhand.recipes.recursion.record import RUNS, read_runs
    from longhand.recipes.recursion.results import write_results
    from longhand.recipes.recursion.run import run_experiment

    path = arguments.plan or (SMOKE if arguments.smoke else REGISTERED)
    plan = load_plan(path)
    for given, known, what in (
        (arguments.seeds, plan.seeds, "seed"),
        (arguments.tasks, tuple(plan.tasks), "task"),
        (arguments.arms, tuple(dict.fromkeys(arm for task in plan.tasks.values() for arm in task.arms)), "arm"),
    ):
        for word in given or ():
            if word not in known:
                raise UserError(f"{path.name} has no {what} {word!r}; it has {', '.join(map(str, known))}")
    if arguments.processes < 1:
        raise UserError(f"--processes is {arguments.processes}; give at least 1")
    out = arguments.out or Path("runs") / f"recursion-{path.stem}"
    if not arguments.analyse:
        with sweep_progress("runs", unit=None) as progress:
            run_experiment(
                plan, out, tasks=arguments.tasks, arms=arguments.arms, seeds=arguments.seeds,
                processes=arguments.processes, progress=progress,
            )  # fmt: skip
    runs = read_runs(out / RUNS, plan)
    if not runs:
        raise UserError(f"there are no runs in {out}; leave --analyse out to make them")
    results = write_results(out / "recursion.json", plan, runs)
    print(tables(results))
    for picture in draw_recursion(results, out):
        print(f"wrote {picture}")
    print(f"wrote {out / 'recursion.json'} of {len(runs)} runs")
    return 0
