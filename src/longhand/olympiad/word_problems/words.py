"""The words of the stories: people and their pronouns, things in singular and plural, small numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Person:
    """A name with its pronouns."""

    name: str
    he: str
    him: str
    his: str

    @property
    def He(self) -> str:  # noqa: N802  (the word it gives)
        """The pronoun at the beginning of a sentence."""
        return self.he.capitalize()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Noun:
    """Something that is counted; `whole` if there are no halves of it."""

    one: str
    many: str
    whole: bool = True

    @property
    def a(self) -> str:
        """The noun with its article: a pen, an apple."""
        return ("an " if self.one[0] in "aeio" else "a ") + self.one

    def after(self, value: Fraction | int) -> str:
        """The form that follows a number."""
        return self.one if value == 1 else self.many

    def __str__(self) -> str:
        return self.many


def _women(names: str) -> list[Person]:
    return [Person(name, "she", "her", "her") for name in names.split()]


def _men(names: str) -> list[Person]:
    return [Person(name, "he", "him", "his") for name in names.split()]


PEOPLE = (
    *_women(
        "Ada Amina Anna Beatriz Chloe Daria Elif Emma Fatima Grace Hana Ines Julia Kira Lena Leila Maria Mei Nadia"
    ),
    *_women("Nora Olga Priya Rosa Sara Sofia Tanya Uma Vera Yuki Zoe"),
    *_men("Adam Ahmed Ben Carlos Chen David Diego Emil Felix George Hugo Ivan Jamal James Kenji Leo Liam Luca Marek"),
    *_men("Noah Omar Oscar Pavel Ravi Samuel Tariq Theo Victor Yusuf Zubin"),
)


def _nouns(text: str) -> tuple[Noun, ...]:
    pairs = (entry.strip() for entry in text.split(","))
    found = []
    for entry in pairs:
        one, _, many = entry.partition("/")
        found.append(Noun(one, many or one + "s"))
    return tuple(found)


ITEMS = _nouns(
    "pencil, marble, sticker, stamp, shell, button, bead, postcard, coin, crayon, toy car, eraser, badge, ribbon,"
    " notebook, comic book, building block, playing card, paper clip, balloon, candle, envelope, key ring, magnet"
)
FRUIT = _nouns("apple, orange, plum, pear, peach/peaches, apricot, lemon, mango/mangoes, cherry/cherries, fig")
CHEAP = _nouns(
    "pen, notebook, sandwich/sandwiches, muffin, ruler, eraser, juice box/juice boxes, ice cream, poster, candle,"
    " bagel, apple pie, postcard, mug, orange, pair of socks/pairs of socks"
)
DEAR = _nouns("bicycle, tablet, guitar, tent, camera, jacket, desk, telescope, printer, armchair, keyboard, amplifier")
SOLD_BY_WEIGHT = (
    "potatoes",
    "carrots",
    "tomatoes",
    "onions",
    "cherries",
    "plums",
    "grapes",
    "beans",
    "mushrooms",
    "strawberries",
)

DOLLARS = Noun("dollar", "dollars", whole=False)

_TIMES = {2: "twice", 3: "three times", 4: "four times", 5: "five times", 6: "six times", 7: "seven times"}
_PART = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth"}
_SMALL = dict(enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]))


def times(factor: Fraction) -> str:
    """A factor in words: twice, three times."""
    return _TIMES[int(factor)]


def part(divisor: Fraction) -> str:
    """One share of so many in words: half, a third."""
    return _PART[int(divisor)]


def small(number: int | Fraction) -> str:
    """A number up to ten in words."""
    return _SMALL[int(number)]


def listed(parts: Sequence[object]) -> str:
    """Several things in a row: Ann, Ben and Cleo."""
    texts = [str(part) for part in parts]
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " and " + texts[-1]
