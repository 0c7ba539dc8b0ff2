"""Templates: functions that tell one kind of story, each for training or held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.story import Story

Tell = Callable[[Draw, Story], None]
Type = Literal["Prealgebra", "Algebra", "Number Theory", "Geometry", "Counting & Probability"]


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of story: its name, how it is told, the subject MATH would file it under, and whether it is held out."""

    name: str
    tell: Tell
    type: Type
    held_out: bool


REGISTERED: list[Template] = []


def template(type: Type = "Prealgebra", *, held_out: bool = False) -> Callable[[Tell], Tell]:
    """Make a function that tells a story a template; with `held_out` no training problem is made of it."""

    def register(tell: Tell) -> Tell:
        REGISTERED.append(Template(tell.__name__.lstrip("_"), tell, type, held_out))
        return tell

    return register
