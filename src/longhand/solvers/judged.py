"""What the judge says of a completion as it came back from a solver, whole problem or not."""

from __future__ import annotations

from dataclasses import dataclass

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.verdict import Verdict, judge
from longhand.errors import UserError
from longhand.runs.certificate import Certificate
from longhand.solvers.base import Completion, Solver, TeacherForced
from longhand.text.formats import Format


@dataclass(frozen=True, slots=True)
class Judged:
    """The problem that was asked, the verdict, and whether it lies in the solver's domain (None: it has none).

    `is_whole` says that the prompt alone asked the problem; of `7+` it is what the solver made of it. `certified` says
    that greedy decoding is proved to answer it rightly.
    """

    problem: Problem
    is_whole: bool
    verdict: Verdict
    in_domain: bool | None
    certified: bool = False


def judge_completion(solver: Solver, completion: Completion) -> Judged | None:
    """Judge a completion; None if prompt and completion together ask no problem."""
    asked = _asked_by_prompt(solver, completion.prompt)
    problem = asked or _asked_by_both(solver, completion)
    if problem is None:
        return None
    domain = solver.domain
    inside = None if domain is None else domain.contains(problem)
    # An isinstance of a protocol takes ten times as long, and every answer that is served is judged.
    certificate: Certificate | None = getattr(solver, "certificate", None)
    certified = asked is not None and certificate is not None and certificate.covers(problem)
    return Judged(problem, asked is not None, judge(problem, completion, domain=domain), inside, certified)


def _asked_by_prompt(solver: Solver, prompt: str) -> Problem | None:
    rules: Format | Domain | None = getattr(solver, "format", solver.domain)
    try:
        if rules is None:
            return parse_expression(prompt)
        return parse_expression(prompt, semantics=rules.semantics, division=rules.division)
    except UserError:
        return None


def _asked_by_both(solver: Solver, completion: Completion) -> Problem | None:
    if not isinstance(solver, TeacherForced):
        return None
    try:
        return solver.format.parse(completion.prompt + completion.text).problem
    except UserError:
        return None
