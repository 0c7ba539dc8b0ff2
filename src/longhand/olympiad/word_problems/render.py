r"""Generated problems as rows of the three schemas."""

from __future__ import annotations

from typing import Any

from longhand.olympiad.data.schemas import Schema
from longhand.olympiad.word_problems.problem import GeneratedProblem
from longhand.olympiad.word_problems.quantity import decimal_text
from longhand.olympiad.word_problems.story import Step, money_digits
from longhand.olympiad.word_problems.words import DOLLARS

SOURCE = "longhand"
_LATEX = {"*": r" \times ", "/": r" \div ", "+": " + ", "-": " - "}
_LEVELS = {2: 1, 3: 2, 4: 3, 5: 4}


def to_row(problem: GeneratedProblem, schema: Schema) -> dict[str, Any]:
    """The problem as a row: `question` and `answer` (gsm8k), or `problem` and `solution` and what else there is."""
    if schema == "gsm8k":
        return {"question": problem.story.question, "answer": gsm8k_solution(problem)}
    question, solution = problem.story.question.replace("$", r"\$").replace("%", r"\%"), latex_solution(problem)
    if schema == "numina":
        turns = [{"content": question, "role": "user"}, {"content": solution, "role": "assistant"}]
        return {"source": SOURCE, "problem": question, "solution": solution, "messages": turns}
    level = _LEVELS.get(len(problem.story.steps), 5)
    return {"problem": question, "level": f"Level {level}", "type": problem.template.type, "solution": solution}


def gsm8k_solution(problem: GeneratedProblem) -> str:
    """One line a step with its calculation in `<<…>>`, and `#### N` at the end."""
    return "\n".join([*map(_gsm8k_step, problem.story.steps), f"#### {problem.answer}"])


def latex_solution(problem: GeneratedProblem) -> str:
    r"""One line a step with its calculation in LaTeX, and the answer in `\boxed{}`."""
    last = rf"The answer is $\boxed{{{problem.answer}}}$."
    return "\n".join([*map(_latex_step, problem.story.steps), last])


def _gsm8k_step(step: Step) -> str:
    expression, result = step.calculation.expression(), decimal_text(step.calculation.value)
    sign = "$" if step.is_money else ""
    shown = money_digits(step.calculation.value) if step.is_money else result
    return f"{step.before} {expression} = {sign}<<{expression}={result}>>{shown}{_noun(step)}{_after(step)}."


def _latex_step(step: Step) -> str:
    expression, result = step.calculation.expression(_LATEX), decimal_text(step.calculation.value)
    noun = " " + DOLLARS.after(step.calculation.value) if step.is_money else _noun(step)
    return f"{step.before} ${expression} = {result}${noun}{_after(step)}."


def _noun(step: Step) -> str:
    return f" {step.noun.after(step.calculation.value)}" if step.noun and not step.is_money else ""


def _after(step: Step) -> str:
    return f" {step.after}" if step.after else ""
