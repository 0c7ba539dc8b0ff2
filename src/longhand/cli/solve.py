"""`longhand solve`: ask a model."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import TYPE_CHECKING

from longhand.cli.arguments import Parser, add_model_argument, add_output_file
from longhand.cli.output import print_json, write_result
from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.solvers.base import Completion
    from longhand.solvers.judged import Judged

_EPILOG = """\
examples:
  longhand solve runs/demo "951+11=" "100-99="
  printf '12+34=\\n7+8=\\n' | longhand solve runs/demo --json
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "solve", help="ask a model", epilog=_EPILOG,
        description="Answer problems with a model; each answer is judged by exact arithmetic.",
    )  # fmt: skip
    add_model_argument(parser)
    parser.add_argument("prompts", nargs="*", metavar="PROMPT", help="problems; none: one a line from standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--temperature", type=float, default=0.0, metavar="X", help="0 is greedy decoding")
    parser.add_argument("--top-k", type=int, metavar="N", help="sample among the N most likely tokens only")
    parser.add_argument("--beam", type=int, default=1, metavar="N", help="beam width; 1 is no beam")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of sampling")
    add_output_file(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print an answer and a verdict for every prompt; exit code 0 whatever the verdicts are."""
    from longhand.solvers.judged import judge_completion
    from longhand.solvers.load import load

    prompts = arguments.prompts or [line.strip() for line in sys.stdin if line.strip()]
    if not prompts:
        raise UserError('nothing to solve: give problems as arguments ("951+11=") or one a line on standard input')
    solver = load(arguments.model)
    completions = solver.solve(
        prompts,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        beam=arguments.beam,
        seed=arguments.seed,
    )
    results = []
    for completion in completions:
        result = dataclasses.asdict(completion)
        judged = judge_completion(solver, completion)
        result |= {
            "verdict": None if judged is None else str(judged.verdict),
            "expected": None if judged is None else judged.problem.answer,
            "in_domain": None if judged is None else judged.in_domain,
            "certified": None if judged is None else judged.certified,
        }
        results.append(result)
        if arguments.json:
            print_json(result)
        else:
            print(_line(completion, judged))
    write_result(arguments.output_file, results)
    return 0


def _line(completion: Completion, judged: Judged | None) -> str:
    if judged is None:
        return completion.prompt + completion.text
    asked = completion.prompt.rstrip("= ") if judged.is_whole else judged.problem.expression
    said = completion.answer if completion.answer is not None else f"{completion.text!r}"
    line = f"{asked}{' ' if asked.endswith('?') else '='}{said}   {judged.verdict}"
    if judged.verdict != "correct":
        line += f", it is {judged.problem.answer}"
    if judged.certified:
        line += "   (certified)"
    elif judged.in_domain is False:
        line += "   (outside the domain this model was trained on)"
    return line
