"""`longhand olympiad gateway`: a contest on this machine, from a csv of problems to submission.parquet."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from longhand.cli.arguments import Parser
from longhand.cli.olympiad.contest_model import ContestModel, add_contest_model_flags, contest_model
from longhand.cli.olympiad.flags import add_flag

_EPILOG = """\
The problems come one at a time, in the order and with the types that the contest has, and the model answers in a
process of its own within the time that is left. If the csv has a column answer, the score is printed; nobody shows it
to the model.

examples:
  longhand olympiad gateway --model add-sub-3 --data test.csv
  longhand olympiad gateway --model models/tiny-qwen2 --checkpoint runs/trm --data test.csv --votes 8 --runs 2
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    from longhand.olympiad.contest.budget import MARGIN
    from longhand.olympiad.contest.contract import RUN_SECONDS, SUBMISSION

    parser = verbs.add_parser(
        "gateway", help="answer a csv of problems as in the contest", epilog=_EPILOG,
        description="Ask a model the problems of a csv (id, problem, perhaps answer) under the rules of the contest.",
    )  # fmt: skip
    add_contest_model_flags(parser)
    add_flag(parser, "--data", "--csv", type=Path, required=True, metavar="F", help="id, problem, perhaps answer")
    add_flag(parser, "--out", type=Path, default=Path(SUBMISSION), metavar="F", help="the submission")
    add_flag(parser, "--seconds", type=float, default=RUN_SECONDS - MARGIN, metavar="X", help="for all together")
    add_flag(parser, "--runs", type=int, choices=[1, 2], default=1, help="2: a second run, in NAME-2.parquet")
    add_flag(parser, "--private", action="store_true", help="ask in the order of the file, as in the private run")
    add_flag(parser, "--log", type=Path, metavar="F", help="a line of JSON per problem")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the submission and print the score; exit code 1 if the model never answered."""
    from longhand.olympiad.contest.gateway import read_problems
    from longhand.olympiad.contest.submissions import score_two_runs

    model = contest_model(arguments)
    problems = read_problems(arguments.data)
    outs = [arguments.out, arguments.out.with_name(f"{arguments.out.stem}-2{arguments.out.suffix}")][: arguments.runs]
    answered = 0
    for number, out in enumerate(outs):
        answered += _run_once(arguments, model, problems.height, out, seed=arguments.seed + number)
        _print_score(arguments.data, out, problems)
    if arguments.runs == 2 and "answer" in problems.columns:
        both = score_two_runs(outs[0], outs[1], arguments.data)
        print(f"{both.total:g} of {problems.height} points in two runs")
    return 0 if answered else 1


def _run_once(arguments: argparse.Namespace, model: ContestModel, n: int, out: Path, *, seed: int) -> int:
    """One run; returns how many problems the model had an answer to."""
    from longhand.cli.sweep_progress import sweep_progress
    from longhand.olympiad.contest.budget import Budget
    from longhand.olympiad.contest.predictor import Predictor
    from longhand.olympiad.contest.server import InferenceServer
    from longhand.olympiad.selection import selector_of
    from longhand.runtime import chosen_device

    loading = model.loading()
    if "seed" in loading:
        loading |= {"seed": seed, "device": chosen_device(arguments.device)}
    start_up = min(900.0, arguments.seconds / 4)
    budget = Budget(limit=arguments.seconds, problems=n, start_up=start_up)
    with TemporaryDirectory(prefix="longhand-") as folder:
        log = arguments.log or Path(folder) / "log.jsonl"
        before = len(_lines(log))
        with (
            Predictor(
                model.solver,
                loading,
                budget=budget,
                selector=selector_of(arguments.select),
                load_seconds=max(start_up, 1.0),
                log=log,
            ) as predictor,
            sweep_progress("asking") as progress,
        ):
            server = InferenceServer(predictor.predict())
            server.run_local_gateway((arguments.data,), out=out, private=arguments.private, told=progress)
        facts = _lines(log)[before:]
    print(f"wrote {out}: {n} answers")
    unanswered = [one for one in facts if one["fallback"]]
    if unanswered:
        reasons = Counter(_reason(one) for one in unanswered)
        listed = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common(3))
        print(f"{len(unanswered)} of them are 0, as the model had none: {listed}")
    return n - len(unanswered)


def _reason(fact: dict[str, Any]) -> str:
    if fact.get("error"):
        return str(fact["error"])
    return "no answer in its text" if fact["outcome"] == "done" else str(fact["outcome"])


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []


def _print_score(csv: Path, out: Path, problems: Any) -> None:
    from longhand.evaluation.intervals import wilson_interval
    from longhand.olympiad.contest.submissions import read_submission

    given = read_submission(out)
    if "answer" not in problems.columns:
        return
    truth = dict(problems.select("id", "answer").iter_rows())
    right = sum(given[name] == answer for name, answer in truth.items())
    low, high = wilson_interval(right, len(truth))
    print(f"{right} of {len(truth)} right, {right / len(truth):.1%} (95% {low:.1%} to {high:.1%})")
