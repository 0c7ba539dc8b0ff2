"""Stories of ages."""

from __future__ import annotations

from itertools import pairwise

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.story import Story
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import Noun, listed, times

YEAR = Noun("year", "years")


@template("Algebra")
def age_chain(d: Draw, s: Story) -> None:
    """Three or four people; asks for all ages together, or for the last one's in some years."""
    people = d.people(d.length(3, 4))
    ages = [d.number(4, 24, "year")]
    s.say(f"{people[0]} is {ages[0]} years old.")
    for before, p in pairwise(people):
        kind = d.pick(["times", "older", "younger"])
        if kind == "times":
            factor = d.one_of([2, 3, 4])
            s.say(f"{p} is {times(factor.value)} as old as {before}.")
            found = ages[-1] * factor
        else:
            other = d.number(2, 14, "year")
            s.say(f"{p} is {other} years {kind} than {before}.")
            found = ages[-1] + other if kind == "older" else ages[-1] - other
        ages.append(s.step(f"{p} is", found, YEAR, "old"))
    d.need(all(2 <= age.value <= 95 for age in ages))
    if d.pick([True, False]):
        s.say(f"How old are {listed(people)} together?")
        total = ages[0]
        for age in ages[1:]:
            total = total + age
        s.step("Together they are", total, YEAR, "old")
    else:
        later = d.number(2, 15, "year")
        s.say(f"How old will {people[-1]} be in {later} years?")
        s.step(f"In {later} years {people[-1]} will be", ages[-1] + later, YEAR, "old")


@template("Algebra")
def older_by(d: Draw, s: Story) -> None:
    p, q = d.people(2)
    younger, more, later = d.number(4, 40, "year"), d.number(2, 25, "year"), d.number(2, 20, "year")
    total = (younger + younger + more).known()
    s.say(f"{p} is {more} years older than {q}, and together they are {total} years old.")
    s.say(f"How old will {q} be in {later} years?")
    rest = s.step("Without the difference the sum would be", total - more, YEAR)
    now = s.step(f"{q} is half of this,", rest / 2, YEAR, "old now")
    s.step(f"In {later} years {q.he} will be", now + later, YEAR, "old")


@template("Algebra", held_out=True)
def years_ago(d: Draw, s: Story) -> None:
    p, q = d.people(2)
    then, factor, ago = d.number(2, 16, "year"), d.one_of([2, 3, 4, 5]), d.number(2, 20, "year")
    now = (then * factor + ago).known()
    d.need(now.value <= 95)
    s.say(f"{p} is {now} years old. {ago} years ago {p.he} was {times(factor.value)} as old as {q}.")
    s.say(f"How old is {q} now?")
    before = s.step(f"{ago} years ago {p} was", now - ago, YEAR, "old")
    young = s.step(f"At that time {q} was", before / factor, YEAR, "old")
    s.step(f"Now {q} is", young + ago, YEAR, "old")
