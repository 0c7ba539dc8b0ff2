"""Every kind of story. Each family registers its templates when it is imported."""

from longhand.olympiad.word_problems.template import REGISTERED
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

ALL = tuple(REGISTERED)  # in alphabetical order of the families: another order would be another stream of problems

__all__ = [
    "ALL",
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
