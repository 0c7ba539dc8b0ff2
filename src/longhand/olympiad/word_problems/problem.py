"""A generated problem: which template, which index, and the story itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from longhand.olympiad.word_problems.draw import Range, Redraw, draw_for
from longhand.olympiad.word_problems.story import Story
from longhand.olympiad.word_problems.template import Template
from longhand.olympiad.word_problems.templates import ALL

Split = Literal["train", "test", "new-templates", "new-numbers"]

# Which templates (held out or not) and which part of every operand's range a split has.
SPLITS: dict[Split, tuple[bool, Range]] = {
    "train": (False, "low"),
    "test": (True, "high"),
    "new-templates": (True, "low"),
    "new-numbers": (False, "high"),
}
LEAST_STEPS, MOST_STEPS = 2, 8
_TRIES = 2000


@dataclass(frozen=True, slots=True)
class GeneratedProblem:
    """A story with its place in the stream it comes from."""

    seed: int
    split: Split
    index: int
    template: Template
    story: Story

    @property
    def id(self) -> str:
        """The name under which `problem_at` makes it again."""
        return f"{self.split}-{self.seed}-{self.index}"

    @property
    def answer(self) -> int:
        """The answer, a whole number."""
        return int(self.story.answer.value)


def templates_of(split: Split) -> list[Template]:
    """The templates a split is made of, in the order they are written down."""
    held_out, _ = SPLITS[split]
    return [template for template in ALL if template.held_out == held_out]


def problem_at(seed: int, split: Split, index: int) -> GeneratedProblem:
    """Problem `index` of a stream: the same whenever and in whatever order it is asked for."""
    draw = draw_for(seed, split, index, SPLITS[split][1])
    template = draw.pick(templates_of(split))
    for _ in range(_TRIES):
        story = Story()
        try:
            template.tell(draw, story)
        except Redraw:
            continue
        if story.answer.is_whole and story.answer.value > 0 and LEAST_STEPS <= len(story.steps) <= MOST_STEPS:
            return GeneratedProblem(seed, split, index, template, story)
    raise AssertionError(f"{template.name} finds no numbers in {split}")
