"""One row of a data set, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass

from longhand.arithmetic.problem import Problem
from longhand.text.formats import Format, Rendered


@dataclass(frozen=True, slots=True)
class Record:
    """What a model is asked, what it should write, and the problem behind the words.

    `prompt` ends where the model begins; `target` is the worked steps (`cot`, with their tags) and the answer,
    without an end mark; `text` is the whole row as its file has it, marks included: `<bos>554+456=1010<eos>` (the
    two cells of a table become one string).
    `answer` is what the row claims, in canonical spelling, right or wrong. A question in words has no problem.
    `line` is its place in the file, counted from 1; 0 for a record that was never in one.
    """

    prompt: str
    target: str
    text: str
    cot: str
    problem: Problem | None
    answer: str
    line: int = 0

    @property
    def rendered(self) -> Rendered:
        """The row as the text package spells it in token ids."""
        return Rendered(self.prompt, self.target, self.cot)


def record_of(problem: Problem, format: Format, *, begin: str = "", end: str = "") -> Record:
    """Write a problem as a record; `begin` and `end` are the marks its system puts around a row."""
    rendered = format.render(problem)
    text = f"{begin}{rendered.text}{end}"
    return Record(rendered.prompt, rendered.target, text, rendered.cot, problem, problem.answer)
