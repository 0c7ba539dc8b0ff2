"""Stories of work and time: wages, machines, pages, recipes."""

from __future__ import annotations

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.quantity import plain
from longhand.olympiad.word_problems.story import Story, money
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import Noun

HOUR, MINUTE = Noun("hour", "hours", whole=False), Noun("minute", "minutes", whole=False)
PAGE, PART, GRAM = Noun("page", "pages"), Noun("part", "parts"), Noun("gram", "grams", whole=False)


@template()
def wages(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    wage, hours, days = d.number(9, 40, "dollar/hour"), d.number(3, 9, "hour/day"), d.number(2, 6, "day")
    rent = d.number(20, 400, "dollar", 5)
    s.say(f"{p} earns {money(wage)} an hour and works {hours} hours a day on {days} days a week.")
    s.say(f"Every week {p.he} pays {money(rent)} for rent. How many dollars a week does {p} have left?")
    worked = s.step(f"In a week {p} works", hours * days, HOUR)
    earned = s.step(f"{p.He} earns", worked * wage)
    s.step(f"After the rent {p.he} has", earned - rent, after="left")


@template("Algebra")
def overtime(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    wage, normal, more = d.number(8, 40, "dollar/hour", 2), d.number(20, 40, "hour", 2), d.number(2, 15, "hour")
    worked = (normal + more).known()
    s.say(f"{p} earns {money(wage)} an hour for the first {normal} hours of a week and half as much again for every")
    s.say(f"further hour. This week {p.he} works {worked} hours. How many dollars does {p} earn?")
    further = s.step("The number of further hours is", worked - normal)
    half = s.step("Half of the wage is", wage / 2)
    high = s.step("Each further hour pays", wage + half)
    base = s.step(f"For the first hours {p} gets", normal * wage)
    extra = s.step(f"For the further hours {p.he} gets", further * high)
    s.step(f"In all {p.he} earns", base + extra)


@template("Algebra")
def machines(d: Draw, s: Story) -> None:
    machines, rate = d.number(2, 20, "machine"), d.number(5, 99, "part/machine*hour")
    others, hours = d.number(2, 30, "machine"), d.number(2, 16, "hour")
    d.need(machines.value != others.value)
    made = (machines * rate).known()
    s.say(f"In an hour {machines} machines make {made} parts.")
    s.say(f"How many parts do {others} such machines make in {hours} hours?")
    one = s.step("In an hour one machine makes", made / machines, PART)
    all_of_them = s.step(f"In an hour {others} machines make", others * one, PART)
    s.step(f"In {hours} hours they make", all_of_them * hours, PART)


@template(held_out=True)
def harvest(d: Draw, s: Story) -> None:
    workers, crates, days = d.number(3, 24, "worker"), d.number(4, 30, "crate/worker*day"), d.number(2, 9, "day")
    weight, sold = d.number(5, 20, "kilogram/crate"), d.number(100, 900, "kilogram", 50)
    crate, kilogram = Noun("crate", "crates"), Noun("kilogram", "kilograms", whole=False)
    s.say(f"In an orchard {workers} workers fill {crates} crates each every day, and a crate holds {weight} kilograms.")
    s.say(f"After {days} days {sold} kilograms have been sold. How many kilograms are still there?")
    daily = s.step("Every day they fill", workers * crates, crate)
    filled = s.step(f"In {days} days they fill", daily * days, crate)
    harvest = s.step("Together these crates hold", filled * weight, kilogram)
    s.step("What is still there weighs", harvest - sold, kilogram)


@template("Algebra")
def reading(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    first, a = d.number(2, 9, "day"), d.number(8, 50, "page/day")
    rest, b = d.number(2, 12, "day"), d.number(8, 60, "page/day")
    pages = (first * a + rest * b).known()
    s.say(f"{p} has a book of {pages} pages. On each of the first {first} days {p.he} reads {a} pages.")
    s.say(f"{p.He} wants to finish the book in {rest} more days and to read the same number of pages on each of them.")
    s.say(f"How many pages a day does {p} have to read?")
    read = s.step(f"In the first days {p} reads", first * a, PAGE)
    left = s.step("This leaves", pages - read, PAGE)
    s.step(f"On each of the other days {p.he} has to read", left / rest, PAGE)


@template()
def practice(d: Draw, s: Story) -> None:
    [p], instrument = d.people(1), d.pick(["piano", "violin", "flute", "trumpet", "cello"])
    a, b, weeks = d.number(10, 90, "minute/day", 5), d.number(20, 180, "minute", 5), d.number(2, 24, "week")
    s.say(f"{p} practises the {instrument} for {a} minutes on each of the five days from Monday to Friday")
    s.say(f"and for {b} minutes on Saturday. How many hours is that in {weeks} weeks?")
    workdays = s.step(f"On the five days together {p} practises", plain(5, "day") * a, MINUTE)
    week = s.step(f"In a week {p.he} practises", workdays + b, MINUTE)
    all_weeks = s.step(f"In {weeks} weeks {p.he} practises", plain(weeks.value) * week, MINUTE)
    s.step("In hours, this makes", all_weeks / plain(60, "minute/hour"), HOUR)


@template()
def recipe(d: Draw, s: Story) -> None:
    [p], food = d.people(1), d.pick(["flour", "rice", "sugar", "butter", "pasta", "cheese"])
    people, each, more = d.number(2, 9, "person"), d.number(20, 150, "gram/person", 5), d.number(3, 24, "person")
    has = d.number(50, 900, "gram", 50)
    d.need(people.value != more.value)
    needs = (people * each).known()
    s.say(f"A recipe for {people} people takes {needs} grams of {food}.")
    s.say(f"{p} cooks it for {more} people and has {has} grams of {food}.")
    s.say(f"How many more grams of {food} does {p.he} need?")
    one = s.step("One person needs", needs / people, GRAM)
    all_of_them = s.step(f"{more} people need", more * one, GRAM)
    d.need(all_of_them.value > has.value)
    s.step(f"{p} still needs", all_of_them - has, GRAM)


@template("Algebra", held_out=True)
def printers(d: Draw, s: Story) -> None:
    a, b, minutes = d.number(8, 60, "page/minute"), d.number(8, 60, "page/minute"), d.number(4, 60, "minute")
    pause = d.number(2, 15, "minute")
    d.need(a.value != b.value)
    pages = ((a + b) * minutes).known()
    s.say(f"One printer prints {a} pages a minute and another one {b} pages a minute.")
    s.say(f"Together they have to print {pages} pages, and once both stand still for {pause} minutes.")
    s.say("After how many minutes are they done?")
    both = s.step("Together they print", a + b, PAGE, "a minute")
    printing = s.step("They print for", pages / both, MINUTE)
    s.step("With the pause they need", printing + pause, MINUTE)
