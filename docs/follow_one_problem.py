"""Print what becomes of one problem on its way through the program: `python docs/follow_one_problem.py`."""

from __future__ import annotations

import math

import longhand
from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.splits import SplitConfig
from longhand.arithmetic.verdict import judge


def main() -> None:
    """Follow `951+11=` from the keyboard to the verdict of the shipped model."""
    solver = longhand.load("models/add-sub-3")
    prompt = "951+11="
    problem = parse_expression(prompt)
    print(f"asked       {prompt}")
    print(f"problem     {problem!r}")
    print(f"answer      {problem.answer}")
    print(f"family key  {canonical_key(problem, inverse=True)}")
    print(f"split       {SplitConfig(train=0.19, val=0.01).split_of(problem)}")
    rendered = solver.format.render(problem)
    print(f"model text  {rendered.prompt} then {rendered.target}")
    spelled = solver.format.spell(rendered, solver.vocabulary)
    print(f"ids         {spelled.ids}")
    (completion,) = solver.solve([prompt])
    print(f"written     {completion.text}, probabilities {[round(math.exp(p), 4) for p in completion.logprobs]}")
    print(f"read back   {completion.answer}")
    print(f"verdict     {judge(problem, completion, domain=solver.domain)}")


if __name__ == "__main__":
    main()
