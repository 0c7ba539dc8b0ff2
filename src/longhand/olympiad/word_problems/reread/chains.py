"""Stories of any length, read sentence by sentence: what each says is done to what is known so far."""

from __future__ import annotations

import re
from fractions import Fraction

from longhand.olympiad.word_problems.reread.patterns import FACTOR_WORDS, NUMBER_WORDS, number

_FACTOR = "(" + "|".join(FACTOR_WORDS) + ")"
_NAME = "([A-Z][a-z]+)"
_SMALL = "(" + "|".join(NUMBER_WORDS) + ")"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def answer_chain(question: str) -> Fraction | None:
    """The answer of a question told in a chain of sentences; None if one of them is not understood."""
    sentences = re.split(r"(?<=[.?]) ", question)
    for read in (_stock, _library, _compared, _weights, _ages, _longer, _shared, _average, _missing):
        found = read(sentences, question)
        if found is not None:
            return found
    return None


def _stock(sentences: list[str], question: str) -> Fraction | None:
    first = re.fullmatch(rf"{_NAME} has (\d+) ([a-z ]+)\.", sentences[0])
    last = re.fullmatch(rf"How many ([a-z ]+) does {_NAME} have (?:now|in the end)\?", sentences[-1])
    if not first or not last or (first[1], first[3]) != (last[2], last[1]):
        return None
    has, thing = Fraction(first[2]), first[3]
    for sentence in sentences[1:-1]:
        if m := re.fullmatch(r"(?:He|She) finds (\d+) more\.", sentence):
            has += int(m[1])
        elif m := re.fullmatch(rf"(?:He|She) (?:gives (\d+) of them to {_NAME}|loses (\d+) of them)\.", sentence):
            has -= int(m[1] or m[3])
        elif m := re.fullmatch(rf"(?:He|She) buys (\d+) boxes with (\d+) {thing} each\.", sentence):
            has += int(m[1]) * int(m[2])
        elif m := re.fullmatch(rf"(?:He|She) gives {_FACTOR} of (?:his|her) {thing} to {_NAME}\.", sentence):
            has *= 1 - number(m[1])
        elif m := re.fullmatch(
            rf"Then {_NAME} gives (?:him|her) {_FACTOR} as many {thing} as (?:he|she) has\.", sentence
        ):
            has *= 1 + number(m[2])
        else:
            return None
    return has


def _library(sentences: list[str], question: str) -> Fraction | None:
    first = re.fullmatch(r"At the start of the week there are (\d+) books on the shelves of a library\.", sentences[0])
    if not first or sentences[-1] != "How many books are on the shelves at the end of the week?":
        return None
    has = Fraction(first[1])
    for day, sentence in zip(_DAYS, sentences[1:-1], strict=False):
        if m := re.fullmatch(rf"On {day} readers (borrow|bring back) (\d+) books\.", sentence):
            has += int(m[2]) if m[1] == "bring back" else -int(m[2])
        elif m := re.fullmatch(
            rf"On {day} {_FACTOR} of the books on the shelves are taken to another branch\.", sentence
        ):
            has -= has * number(m[1])
        elif m := re.fullmatch(rf"On {day} (\d+) crates with (\d+) new books each are unpacked\.", sentence):
            has += int(m[1]) * int(m[2])
        else:
            return None
    return has


def _compared(sentences: list[str], question: str) -> Fraction | None:
    first = re.fullmatch(rf"{_NAME} has (\d+) ([a-z ]+)\.", sentences[0])
    if not first:
        return None
    has, thing = {first[1]: Fraction(first[2])}, first[3]
    for sentence in sentences[1:-1]:
        if m := re.fullmatch(rf"{_NAME} has {_FACTOR} as many {thing} as {_NAME}\.", sentence):
            who, value = m[1], number(m[2]) * has[m[3]]
        elif m := re.fullmatch(rf"{_NAME} has (\d+) (more|fewer) {thing} than {_NAME}\.", sentence):
            who, value = m[1], has[m[4]] + (int(m[2]) if m[3] == "more" else -int(m[2]))
        else:
            return None
        if who in has:
            return None
        has[who] = value
    if m := re.fullmatch(rf"How many {thing} do (.+) have (?:together|altogether|in all)\?", sentences[-1]):
        return _total(m[1], has)
    if m := re.fullmatch(rf"How many more {thing} does {_NAME} have than {_NAME}\?", sentences[-1]):
        return has[m[1]] - has[m[2]]
    return None


def _weights(sentences: list[str], question: str) -> Fraction | None:
    first = re.fullmatch(r"The ([a-z]+) parcel weighs (\d+) kilograms\.", sentences[0])
    asked = (
        "How many kilograms do all the parcels weigh?",
        "What is the weight of all of them, in kilograms?",
    )
    if not first or sentences[-1] not in asked:
        return None
    weight = {first[1]: Fraction(first[2])}
    for sentence in sentences[1:-1]:
        if m := re.fullmatch(rf"The ([a-z]+) parcel weighs {_FACTOR} as much as the ([a-z]+) one\.", sentence):
            colour, value = m[1], weight[m[3]] * number(m[2])
        elif m := re.fullmatch(
            r"The ([a-z]+) parcel weighs (\d+) kilograms (more|less) than the ([a-z]+) one\.", sentence
        ):
            colour, value = m[1], weight[m[4]] + (int(m[2]) if m[3] == "more" else -int(m[2]))
        else:
            return None
        if colour in weight:
            return None
        weight[colour] = value
    return sum(weight.values(), start=Fraction(0))


def _ages(sentences: list[str], question: str) -> Fraction | None:
    first = re.fullmatch(rf"{_NAME} is (\d+) years old\.", sentences[0])
    if not first:
        return None
    ages = {first[1]: Fraction(first[2])}
    for sentence in sentences[1:-1]:
        if m := re.fullmatch(rf"{_NAME} is {_FACTOR} as old as {_NAME}\.", sentence):
            who, value = m[1], ages[m[3]] * number(m[2])
        elif m := re.fullmatch(rf"{_NAME} is (\d+) years (older|younger) than {_NAME}\.", sentence):
            who, value = m[1], ages[m[4]] + (int(m[2]) if m[3] == "older" else -int(m[2]))
        else:
            return None
        if who in ages:
            return None
        ages[who] = value
    if m := re.fullmatch(r"How old are (.+) together\?", sentences[-1]):
        return _total(m[1], ages)
    if m := re.fullmatch(rf"How old will {_NAME} be in (\d+) years\?", sentences[-1]):
        return ages[m[1]] + int(m[2])
    return None


def _longer(sentences: list[str], question: str) -> Fraction | None:
    m = re.fullmatch(
        rf"{_NAME} runs (\d+) kilometres on ([A-Z][a-z]+) and every day (\d+) kilometres? more than the day before\."
        r" How many kilometres does \1 run from \3 to ([A-Z][a-z]+)\?",
        question,
    )
    if not m or m[3] not in _DAYS or m[5] not in _DAYS:
        return None
    days = _DAYS.index(m[5]) - _DAYS.index(m[3]) + 1
    return Fraction(days * (2 * int(m[2]) + (days - 1) * int(m[4])), 2)  # the sum of an arithmetic sequence


def _shared(sentences: list[str], question: str) -> Fraction | None:
    m = re.fullmatch(
        r"On the beach (.+) shells\. They share all of them equally\. How many shells does each of them get\?", question
    )
    if not m:
        return None
    found = re.split(r", | and ", m[1])
    parts = [re.fullmatch(rf"{_NAME} finds (\d+)", text) for text in found]
    numbers = [int(part[2]) for part in parts if part]
    return Fraction(sum(numbers), len(numbers)) if len(numbers) == len(found) else None


def _average(sentences: list[str], question: str) -> Fraction | None:
    m = re.fullmatch(
        rf"In {_SMALL} games {_NAME} scores ([\d, and]+) points\."
        r" What is the average of (?:his|her) points in a game\?",
        question,
    )
    if not m:
        return None
    scores = [int(text) for text in re.split(r", | and ", m[3])]
    return Fraction(sum(scores), len(scores)) if len(scores) == number(m[1]) else None


def _missing(sentences: list[str], question: str) -> Fraction | None:
    m = re.fullmatch(
        rf"{_NAME} takes {_SMALL} tests with 100 points each and gets (\d+) points on average\. In the first {_SMALL}"
        rf" of them (?:he|she) gets ([\d, and]+) points\. How many points does \1 get in the last one\?",
        question,
    )
    if not m:
        return None
    marks = [int(text) for text in re.split(r", | and ", m[5])]
    if len(marks) != number(m[4]) or len(marks) + 1 != number(m[2]):
        return None
    average = Fraction(int(m[3]))
    return average + sum((average - mark for mark in marks), start=Fraction(0))  # deviations add up to nothing


def _total(names: str, known: dict[str, Fraction]) -> Fraction | None:
    """The sum for people who are listed; None if somebody is not known or counted twice."""
    people = re.split(r", | and ", names)
    if len(set(people)) != len(people) or not set(people) <= set(known):
        return None
    return sum((known[person] for person in people), start=Fraction(0))
