"""Stories in which one quantity is told by another: twice as many, five fewer, half as heavy."""

from __future__ import annotations

from itertools import pairwise

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.quantity import Quantity, plain
from longhand.olympiad.word_problems.story import Story
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import FRUIT, ITEMS, Noun, listed, part, times


def _sum(parts: list[Quantity]) -> Quantity:
    total = parts[0]
    for entry in parts[1:]:
        total = total + entry
    return total


@template("Algebra")
def compare_chain(d: Draw, s: Story) -> None:
    """Three to five people, each compared with the one before; asks for all, or for a difference."""
    people, item = d.people(d.length(3, 5)), d.pick(ITEMS)
    has = [d.number(12, 60, item.one)]
    s.say(f"{people[0]} has {has[0]} {item}.")
    for before, p in pairwise(people):
        kind = d.pick(["times", "part", "more", "fewer"])
        if kind == "times":
            factor = d.one_of([2, 3, 4])
            s.say(f"{p} has {times(factor.value)} as many {item} as {before}.")
            has.append(s.step(f"{p} has", has[-1] * factor, item))
        elif kind == "part":
            divisor = d.one_of([2, 3, 4])
            s.say(f"{p} has {part(divisor.value)} as many {item} as {before}.")
            has.append(s.step(f"{p} has", has[-1] / divisor, item))
        else:
            other = d.number(2, 30, item.one)
            s.say(f"{p} has {other} {kind} {item} than {before}.")
            has.append(s.step(f"{p} has", has[-1] + other if kind == "more" else has[-1] - other, item))
    d.need(all(entry.value >= 2 for entry in has))
    first, last = has[0], has[-1]
    if d.pick([True, True, False]) or first.value >= last.value:
        s.say(f"How many {item} do {listed(people)} have {d.pick(['together', 'altogether', 'in all'])}?")
        s.step("Together they have", _sum(has), item)
    else:
        s.say(f"How many more {item} does {people[-1]} have than {people[0]}?")
        s.step(f"{people[-1]} has", last - first, item, f"more than {people[0]}")


@template("Algebra", held_out=True)
def weights(d: Draw, s: Story) -> None:
    """Parcels whose weights hang on each other."""
    kilogram = Noun("kilogram", "kilograms", whole=False)
    colours = d.several(["red", "blue", "green", "yellow", "white", "black", "brown"], d.length(3, 5))
    weighs = [d.number(6, 48, "kilogram")]
    s.say(f"The {colours[0]} parcel weighs {weighs[0]} kilograms.")
    for before, colour in pairwise(colours):
        kind = d.pick(["times", "half", "more", "less"])
        if kind == "times":
            factor = d.one_of([2, 3, 4])
            s.say(f"The {colour} parcel weighs {times(factor.value)} as much as the {before} one.")
            found = weighs[-1] * factor
        elif kind == "half":
            s.say(f"The {colour} parcel weighs half as much as the {before} one.")
            found = weighs[-1] / 2
        else:
            other = d.number(2, 20, "kilogram")
            s.say(f"The {colour} parcel weighs {other} kilograms {kind} than the {before} one.")
            found = weighs[-1] + other if kind == "more" else weighs[-1] - other
        weighs.append(s.step(f"The {colour} parcel weighs", found, kilogram))
    d.need(all(entry.value >= 1 for entry in weighs))
    s.say(d.pick(["How many kilograms do all the parcels weigh?", "What is the weight of all of them, in kilograms?"]))
    s.step("All the parcels weigh", _sum(weighs), kilogram)


@template("Algebra")
def times_as_many_together(d: Draw, s: Story) -> None:
    (p, q), item = d.people(2), d.pick(ITEMS)
    factor, less = d.one_of([2, 3, 4, 5, 6]), d.number(4, 48, item.one)
    total = (less * (factor + plain(1))).known()
    s.say(f"{p} has {times(factor.value)} as many {item} as {q}.")
    s.say(f"Together they have {total} {item}.")
    asks_more = d.pick([True, False])
    s.say(f"How many {item} does {p if asks_more else q} have?")
    shares = s.step(f"Counting what {q} has as one share, the two have", factor + plain(1), None, "shares")
    one = s.step(f"One share, which is what {q} has, is", total / shares, item)
    if asks_more:
        s.step(f"{p} has", one * factor, item)


@template("Algebra")
def sum_and_difference(d: Draw, s: Story) -> None:
    (p, q), fruit = d.people(2), d.pick(FRUIT)
    less, more = d.number(5, 60, fruit.one), d.number(2, 25, fruit.one)
    total = (less + less + more).known()
    s.say(f"{p} and {q} pick {total} {fruit} together.")
    s.say(f"{p} picks {more} more than {q}.")
    asks_more = d.pick([True, False])
    s.say(f"How many {fruit} does {p if asks_more else q} pick?")
    rest = s.step("Without the difference there would be", total - more, fruit)
    half = s.step(f"Half of these are {q}'s, so {q} picks", rest / 2, fruit)
    if asks_more:
        s.step(f"{p} picks", half + more, fruit)
