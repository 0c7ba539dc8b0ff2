"""`longhand solve`: ask a model."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from longhand.cli.arguments import Parser, add_model_argument, add_output_file
from longhand.cli.output import print_json, write_result
from longhand.errors import UserError

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
    from longhand.arithmetic.expression import parse_expression
    from longhand.arithmetic.verdict import judge
    from longhand.shipped import model_path
    from longhand.solvers.load import load

    prompts = arguments.prompts or [line.strip() for line in sys.stdin if line.strip()]
    if not prompts:
        raise UserError('nothing to solve: give problems as arguments ("951+11=") or one a line on standard input')
    solver = load(model_path(arguments.model))
    completions = solver.solve(
        prompts,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        beam=arguments.beam,
        seed=arguments.seed,
    )
    results = []
    for prompt, completion in zip(prompts, completions, strict=True):
        result = dataclasses.asdict(completion)
        domain = solver.domain
        try:
            problem = (
                parse_expression(prompt)
                if domain is None
                else parse_expression(prompt, semantics=domain.semantics, division=domain.division)
            )
        except UserError:
            verdict = expected = inside = None  # a partial prompt such as "7+" asks for no one answer
        else:
            verdict = str(judge(problem, completion, domain=domain))
            expected = problem.answer
            inside = domain is not None and domain.contains(problem)
        result |= {"verdict": verdict, "expected": expected, "in_domain": inside}
        results.append(result)
        if arguments.json:
            print_json(result)
        else:
            print(_line(result))
    write_result(arguments.output_file, results)
    return 0


def _line(result: dict[str, object]) -> str:
    if result["verdict"] is None:
        return f"{result['prompt']}{result['text']}"
    said = result["answer"] if result["answer"] is not None else f"{result['text']!r}"
    asked = str(result["prompt"]).rstrip("= ")
    line = f"{asked}{' ' if asked.endswith('?') else '='}{said}   {result['verdict']}"
    if result["verdict"] != "correct":
        line += f", it is {result['expected']}"
    if not result["in_domain"]:
        line += "   (outside the domain this model was trained on)"
    return line
