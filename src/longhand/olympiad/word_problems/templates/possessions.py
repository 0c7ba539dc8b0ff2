"""Stories of somebody's things: bought in packs, given away, found, lost, shared."""

from __future__ import annotations

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.quantity import Quantity
from longhand.olympiad.word_problems.story import Story
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import FRUIT, ITEMS, Noun, Person, part, small, times


@template()
def packs_and_gifts(d: Draw, s: Story) -> None:
    (p, q), item = d.people(2), d.pick(ITEMS)
    packs, size, given = d.number(3, 14, "pack"), d.number(4, 24, f"{item.one}/pack"), d.number(2, 90, item.one)
    s.say(f"{p} buys {packs} packs of {item} with {size} {item} in each pack.")
    s.say(d.pick([f"{p.He} gives {given} {item} to {q}.", f"Then {p.he} gives {q} {given} {item}."]))
    s.say(f"How many {item} does {p} have left?")
    bought = s.step(f"{p} buys", packs * size, item)
    s.step(f"After the gift {p.he} has", bought - given, item, "left")


@template()
def fruit_in_bowls(d: Draw, s: Story) -> None:
    [p], fruit = d.people(1), d.pick(FRUIT)
    bowls, each, eaten = d.number(2, 9, "bowl"), d.number(3, 19, f"{fruit.one}/bowl"), d.number(2, 9, fruit.one)
    picked = (bowls * each + eaten).known()
    s.say(f"{p} picks {picked} {fruit}.")
    s.say(f"{p.He} eats {eaten} of them and puts the others into {bowls} bowls, the same number in each.")
    s.say(f"How many {fruit} are in each bowl?")
    rest = s.step(f"{p} puts", picked - eaten, fruit, "into the bowls")
    s.step("Each bowl gets", rest / bowls, fruit)


@template()
def shelves(d: Draw, s: Story) -> None:
    [p], item = d.people(1), d.pick(ITEMS)
    a, x = d.number(2, 9, "shelf"), d.number(5, 30, f"{item.one}/shelf")
    b, y = d.number(2, 9, "shelf"), d.number(5, 30, f"{item.one}/shelf")
    more = d.number(2, 60, item.one)
    s.say(f"In {p}'s room there are {a} shelves with {x} {item} each and {b} shelves with {y} {item} each.")
    s.say(f"{p} puts {more} more {item} on the shelves.")
    s.say(f"How many {item} are on the shelves {d.pick(['now', 'in all'])}?")
    first = s.step("The first shelves hold", a * x, item)
    second = s.step("The other shelves hold", b * y, item)
    s.step("With the new ones there are", first + second + more, item)


@template("Algebra")
def ledger(d: Draw, s: Story) -> None:
    """A stock that changes two to six times; the last sentences ask for it."""
    (p, q), item = d.people(2), d.pick(ITEMS)
    has = d.number(20, 150, item.one)
    s.say(f"{p} has {has} {item}.")
    events = [_finds, _gives, _boxes, _loses, _share, _gets_times]
    for event in [d.pick(events) for _ in range(d.length(2, 6))]:
        has = event(d, s, p, q, item, has)
    s.say(d.pick([f"How many {item} does {p} have now?", f"How many {item} does {p} have in the end?"]))


def _finds(d: Draw, s: Story, p: Person, q: Person, item: Noun, has: Quantity) -> Quantity:
    found = d.number(2, 40, item.one)
    s.say(f"{p.He} finds {found} more.")
    return s.step(f"Then {p.he} has", has + found, item)


def _gives(d: Draw, s: Story, p: Person, q: Person, item: Noun, has: Quantity) -> Quantity:
    given = d.number(2, 50, item.one)
    s.say(f"{p.He} gives {given} of them to {q}.")
    return s.step(f"{p.He} keeps", has - given, item)


def _loses(d: Draw, s: Story, p: Person, q: Person, item: Noun, has: Quantity) -> Quantity:
    lost = d.number(2, 30, item.one)
    s.say(f"{p.He} loses {lost} of them.")
    return s.step(f"{p.He} is left with", has - lost, item)


def _boxes(d: Draw, s: Story, p: Person, q: Person, item: Noun, has: Quantity) -> Quantity:
    boxes, size = d.number(2, 9, "box"), d.number(4, 24, f"{item.one}/box")
    s.say(f"{p.He} buys {boxes} boxes with {size} {item} each.")
    bought = s.step("The boxes hold", boxes * size, item)
    return s.step(f"Now {p.he} has", has + bought, item)


def _share(d: Draw, s: Story, p: Person, q: Person, item: Noun, has: Quantity) -> Quantity:
    divisor = d.one_of([2, 3, 4, 5])
    s.say(f"{p.He} gives {part(divisor.value)} of {p.his} {item} to {q}.")
    given = s.step(f"{q} gets", has / divisor, item)
    return s.step(f"{p} keeps", has - given, item)


def _gets_times(d: Draw, s: Story, p: Person, q: Person, item: Noun, has: Quantity) -> Quantity:
    factor = d.one_of([2, 3, 4])
    s.say(f"Then {q} gives {p.him} {times(factor.value)} as many {item} as {p.he} has.")
    given = s.step(f"{q} gives {p.him}", has * factor, item)
    return s.step(f"Together with {p.his} own {p.he} has", has + given, item)


@template("Algebra", held_out=True)
def library(d: Draw, s: Story) -> None:
    """A stock of another kind, told by weekdays."""
    book = Noun("book", "books")
    has = d.number(60, 400, "book")
    s.say(f"At the start of the week there are {has} books on the shelves of a library.")
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    for day in days[: d.length(2, 6)]:
        kind = d.pick(["out", "back", "part", "crates"])
        if kind == "out":
            out = d.number(5, 60, "book")
            s.say(f"On {day} readers borrow {out} books.")
            has = s.step(f"On {day} evening there are", has - out, book)
        elif kind == "back":
            back = d.number(5, 60, "book")
            s.say(f"On {day} readers bring back {back} books.")
            has = s.step(f"On {day} evening there are", has + back, book)
        elif kind == "part":
            divisor = d.one_of([2, 3, 4, 5])
            s.say(f"On {day} {part(divisor.value)} of the books on the shelves are taken to another branch.")
            taken = s.step("The other branch gets", has / divisor, book)
            has = s.step(f"On {day} evening there are", has - taken, book)
        else:
            crates, size = d.number(2, 8, "crate"), d.number(10, 30, "book/crate")
            s.say(f"On {day} {crates} crates with {size} new books each are unpacked.")
            new = s.step("The crates hold", crates * size, book)
            has = s.step(f"On {day} evening there are", has + new, book)
    s.say("How many books are on the shelves at the end of the week?")


_GROWING = (
    (Noun("water lily", "water lilies"), "on a pond", "week"),
    (Noun("cell", "cells"), "in a dish", "hour"),
    (Noun("visitor", "visitors"), "on a new web page", "day"),
    (Noun("mushroom", "mushrooms"), "in a cellar", "week"),
    (Noun("ant", "ants"), "in a nest", "month"),
)


@template("Algebra")
def doubling(d: Draw, s: Story) -> None:
    kind, place, period = d.pick(_GROWING)
    start, factor, periods = d.number(3, 240, kind.one), d.one_of([2, 3, 4, 5]), d.length(2, 5)
    s.say(f"There are {start} {kind} {place}.")
    s.say(f"Every {period} there are {times(factor.value)} as many as the {period} before.")
    s.say(f"How many {kind} are there after {small(periods)} {period}s?")
    for passed in range(1, periods + 1):
        start = s.step(f"After {small(passed)} {period}{'s' if passed > 1 else ''} there are", start * factor, kind)
