"""Stories of averages."""

from __future__ import annotations

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.story import Story
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import Noun, listed, small

POINT = Noun("point", "points")


@template()
def average_score(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    games = d.length(3, 6)
    scores = [d.number(4, 40, "point") for _ in range(games)]
    s.say(f"In {small(games)} games {p} scores {listed(scores)} points.")
    s.say(f"What is the average of {p.his} points in a game?")
    total = scores[0]
    for score in scores[1:]:
        total = total + score
    sum_of_all = s.step(f"In all {p} scores", total, POINT)
    s.step("The average is", sum_of_all / games, POINT)


@template("Algebra", held_out=True)
def missing_mark(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    tests = d.length(3, 5)
    marks = [d.number(55, 100, "point") for _ in range(tests)]
    average = sum((mark.value for mark in marks), start=marks[0].value * 0) / tests
    d.need(average.denominator == 1)
    mean = (marks[0] - marks[0]).known()
    for mark in marks:
        mean = (mean + mark).known()
    mean = (mean / tests).known()
    s.say(f"{p} takes {small(tests)} tests with 100 points each and gets {mean} points on average.")
    s.say(f"In the first {small(tests - 1)} of them {p.he} gets {listed(marks[:-1])} points.")
    s.say(f"How many points does {p} get in the last one?")
    total = s.step("All tests together give", mean * tests, POINT)
    known = marks[0]
    for mark in marks[1:-1]:
        known = known + mark
    first = s.step(f"The first {small(tests - 1)} give", known, POINT)
    s.step("The last one gives", total - first, POINT)
