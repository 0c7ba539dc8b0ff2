"""Every kind of story; importing this package fills `TEMPLATES`."""

from longhand.olympiad.word_problems.templates import (
    ages,
    averages,
    comparisons,
    groups,
    motion,
    possessions,
    shapes,
    shares,
    shopping,
    work,
)

__all__ = [
    "ages",
    "averages",
    "comparisons",
    "groups",
    "motion",
    "possessions",
    "shapes",
    "shares",
    "shopping",
    "work",
]
