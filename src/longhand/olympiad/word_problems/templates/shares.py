"""Stories of percentages and fractions."""

from __future__ import annotations

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.story import Story, money
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import DEAR, Noun, part

PUPIL, VOTE, POINT = Noun("pupil", "pupils"), Noun("vote", "votes"), Noun("point", "points")


@template()
def way_to_school(d: Draw, s: Story) -> None:
    pupils, percent, divisor = d.number(60, 2400, "pupil", 10), d.number(5, 80, "", 5), d.one_of([2, 3, 4, 5])
    s.say(f"A school has {pupils} pupils. {percent}% of them come by bus.")
    s.say(f"{part(divisor.value).capitalize()} of the others come by bicycle, and the rest walk.")
    s.say("How many pupils walk to school?")
    bus = s.step("The number of those who come by bus is", pupils * percent / 100)
    d.need(bus.is_whole)
    others = s.step("The others are", pupils - bus, PUPIL)
    cycle = s.step("The number of cyclists is", others / divisor)
    d.need(cycle.is_whole)
    s.step("The number of those who walk is", others - cycle)


@template()
def pocket_money(d: Draw, s: Story) -> None:
    [p], thing = d.people(1), d.pick(DEAR)
    has, divisor, percent = d.number(60, 900, "dollar", 6), d.one_of([2, 3, 4, 6]), d.number(5, 80, "", 5)
    s.say(f"{p} has {money(has)}. {p.He} spends {part(divisor.value)} of it on {thing.a}")
    s.say(f"and {percent}% of what is left on a present.")
    s.say(f"How many dollars does {p} have then?")
    first = s.step(f"{thing.a.capitalize()} costs", has / divisor)
    left = s.step("This leaves", has - first)
    second = s.step("The present costs", left * percent / 100)
    s.step(f"Then {p} has", left - second)


@template()
def up_and_down(d: Draw, s: Story) -> None:
    thing = d.pick(DEAR)
    price, up, down = d.number(40, 1200, "dollar", 5), d.number(5, 60, "", 5), d.number(5, 50, "", 5)
    s.say(f"The price of {thing.a} is {money(price)}. In spring it rises by {up}%,")
    s.say(f"and in autumn the new price falls by {down}%.")
    s.say(f"How many dollars does the {thing.one} cost then?")
    more = s.step("In spring the price rises by", price * up / 100)
    spring = s.step("This makes it", price + more)
    less = s.step("In autumn it falls by", spring * down / 100)
    s.step(f"Then the {thing.one} costs", spring - less)


@template(held_out=True)
def election(d: Draw, s: Story) -> None:
    p, q, r = d.people(3)
    votes, percent, divisor = d.number(200, 8000, "vote", 10), d.number(10, 60, "", 5), d.one_of([2, 3, 4, 5])
    s.say(f"In an election {p}, {q} and {r} get {votes} votes together. {percent}% of them are for {p},")
    s.say(f"{part(divisor.value)} of the remaining ones are for {q}, and the other votes are for {r}.")
    s.say(f"How many votes does {r} get?")
    first = s.step(f"{p} gets", votes * percent / 100, VOTE)
    rest = s.step("There remain", votes - first, VOTE)
    second = s.step(f"{q} gets", rest / divisor, VOTE)
    s.step(f"{r} gets", rest - second, VOTE)


@template()
def quiz(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    asked, percent = d.number(20, 200, "question", 5), d.number(50, 95, "", 5)
    good, bad = d.number(3, 10, "point/question"), d.number(1, 4, "point/question")
    s.say(f"In a quiz of {asked} questions {p} answers {percent}% correctly.")
    points = "1 point is" if bad.value == 1 else f"{bad} points are"
    s.say(f"Every correct answer gives {good} points, and for every other {points} taken away.")
    s.say(f"How many points does {p} get?")
    right = s.step("The number of correct answers is", asked * percent / 100)
    d.need(right.is_whole)
    wrong = s.step("The number of other answers is", asked - right)
    plus = s.step("The correct answers give", right * good, POINT)
    minus = s.step("The others take away", wrong * bad, POINT)
    s.step(f"{p} gets", plus - minus, POINT)


@template()
def mixture(d: Draw, s: Story) -> None:
    gram = Noun("gram", "grams", whole=False)
    first, second = d.number(100, 990, "gram", 10), d.number(100, 990, "gram", 10)
    a, b = d.number(5, 60, "", 5), d.number(5, 80, "", 5)
    s.say(f"{first} grams of a juice with {a}% sugar are mixed with {second} grams of a syrup with {b}% sugar.")
    s.say("How many grams of sugar are in the mixture?")
    d.need(a.value < b.value)
    one = s.step("The juice has", first * a / 100, gram, "of sugar")
    two = s.step("The syrup has", second * b / 100, gram, "of sugar")
    s.step("The mixture has", one + two, gram, "of sugar")


@template("Counting & Probability")
def raffle(d: Draw, s: Story) -> None:
    tickets, percent, prize = (
        d.number(100, 2000, "ticket", 10),
        d.number(5, 60, "", 5),
        d.number(2, 12, "dollar/ticket"),
    )
    price = d.number(1, 9, "dollar/ticket")
    s.say(f"All {tickets} tickets of a raffle are sold for {money(price)} each.")
    s.say(f"{percent}% of them win, and every winner gets {money(prize)}.")
    s.say("How many dollars does the raffle keep?")
    income = s.step("The tickets bring in", tickets * price)
    winners = s.step("The number of winners is", tickets * percent / 100)
    d.need(winners.is_whole)
    paid = s.step("The winners get", winners * prize)
    s.step("The raffle keeps", income - paid)
