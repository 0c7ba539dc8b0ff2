"""How a completion is shown: what was written, the chain of thought as a tree, the answer, the verdict."""

from __future__ import annotations

import math

from rich.text import Text

from longhand.arithmetic.verdict import Verdict
from longhand.repl.screen import Screen
from longhand.repl.shades import pieces, shaded
from longhand.solvers.base import Completion, NextToken, Solver, TeacherForced
from longhand.solvers.judged import Judged, judge_completion
from longhand.text.formats import END_THINK, THINK

SURE = 0.9
"""Probability above which nothing is said about how sure the model is."""

_SAYS = {
    Verdict.CORRECT: "right",
    Verdict.WRONG: "wrong, it is {answer}",
    Verdict.MALFORMED: "malformed, no answer can be read from it; it is {answer}",
    Verdict.UNFINISHED: "unfinished, no end mark within {n} tokens; it is {answer}",
    Verdict.OUT_OF_RANGE: "out of range, no problem of its domain has this answer; it is {answer}",
}


def show_completion(screen: Screen, solver: Solver, completion: Completion) -> None:
    """Write everything there is to say about a completion."""
    asked, written = _asked(solver, completion), _written(solver, completion)
    screen.say(Text("Model output: ").append(asked).append(written), "output")
    _show_doubt(screen, solver, completion)
    _show_thoughts(screen, asked, written.plain)
    judged = judge_completion(solver, completion)
    is_right = judged is None or judged.verdict is Verdict.CORRECT
    screen.say(f"Answer: {_answer(completion, judged)}", "right" if is_right else "wrong")
    if judged is not None:
        screen.say(f"Verdict: {_verdict(completion, judged)}")


def _asked(solver: Solver, completion: Completion) -> str:
    """The prompt as the model read it."""
    if not isinstance(solver, NextToken):
        return completion.prompt
    return solver.vocabulary.decode(solver.prompt_ids(completion.prompt))


def _written(solver: Solver, completion: Completion) -> Text:
    if not isinstance(solver, TeacherForced):
        return Text(completion.text)
    return shaded(solver.vocabulary, completion.token_ids, completion.logprobs)


def _show_doubt(screen: Screen, solver: Solver, completion: Completion) -> None:
    if not isinstance(solver, TeacherForced) or not completion.logprobs:
        return
    least, place = min((logprob, place) for place, logprob in enumerate(completion.logprobs))
    if math.exp(least) < SURE:
        piece = pieces(solver.vocabulary, completion.token_ids)[place]
        screen.say(f"least sure of token {place + 1}, {piece!r}: {math.exp(least):.1%}", indent=2)


def _show_thoughts(screen: Screen, asked: str, written: str) -> None:
    before, opened, rest = (asked + written).partition(THINK)
    if not opened:
        return
    steps, _, after = rest.partition(END_THINK)
    screen.say("Chain of thought:", "thoughts")
    screen.say(before, indent=2)
    screen.say("Think:", "steps", indent=2)
    screen.say(steps, indent=4)
    if after:
        screen.say(after, indent=2)


def _answer(completion: Completion, judged: Judged | None) -> str:
    if judged is None:
        return completion.prompt + completion.text
    return f"{judged.problem.expression}={'(none)' if completion.answer is None else completion.answer}"


def _verdict(completion: Completion, judged: Judged) -> str:
    said = _SAYS[judged.verdict].format(answer=judged.problem.answer, n=len(completion.token_ids))
    return f"{said} (outside the domain this model was trained on)" if judged.in_domain is False else said
