"""Stories of speeds, distances and times."""

from __future__ import annotations

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.quantity import plain
from longhand.olympiad.word_problems.story import Story, money
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import Noun

KILOMETRE = Noun("kilometre", "kilometres", whole=False)
HOUR = Noun("hour", "hours", whole=False)
MINUTE = Noun("minute", "minutes", whole=False)
METRE = Noun("metre", "metres", whole=False)
LITRE = Noun("litre", "litres", whole=False)


@template("Algebra")
def two_legs(d: Draw, s: Story) -> None:
    vehicle = d.pick(["train", "bus", "lorry", "ship"])
    a, t = d.number(20, 120, "kilometre/hour"), d.number(2, 12, "hour")
    b, u = d.number(20, 120, "kilometre/hour"), d.number(2, 12, "hour")
    d.need(a.value != b.value)
    s.say(f"A {vehicle} travels for {t} hours at {a} kilometres per hour")
    s.say(f"and then for {u} hours at {b} kilometres per hour.")
    s.say(f"How many kilometres does the {vehicle} travel {d.pick(['in all', 'altogether'])}?")
    first = s.step(f"First the {vehicle} travels", t * a, KILOMETRE)
    second = s.step("Then it travels", u * b, KILOMETRE)
    s.step("In all it travels", first + second, KILOMETRE)


@template("Algebra")
def apart(d: Draw, s: Story) -> None:
    p, q = d.people(2)
    a, b, t = d.number(10, 35, "kilometre/hour"), d.number(10, 35, "kilometre/hour"), d.number(2, 9, "hour")
    s.say(f"{p} and {q} start cycling at the same place and ride in opposite directions.")
    s.say(f"{p} rides at {a} kilometres per hour and {q} at {b} kilometres per hour.")
    s.say(f"How many kilometres apart are they after {t} hours?")
    speed = s.step("Every hour the distance between them grows by", a + b, KILOMETRE)
    s.step(f"After {t} hours they are", speed * t, KILOMETRE, "apart")


@template("Algebra")
def there_and_back(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    there, back = d.number(2, 9, "hour"), d.number(2, 12, "hour")
    distance = d.number(60, 960, "kilometre", 4)
    d.need(there.value < back.value)
    d.need((distance / there).is_whole and (distance / back).is_whole)
    d.need((distance / there).value <= 120)
    fast, slow = (distance / there).known(), (distance / back).known()
    s.say(f"{p} drives {distance} kilometres to the coast at {fast} kilometres per hour")
    s.say(f"and comes back the same way at {slow} kilometres per hour.")
    s.say(f"How many hours does {p} drive in all?")
    out = s.step("The way there takes", distance / fast, HOUR)
    home = s.step("The way back takes", distance / slow, HOUR)
    s.step(f"In all {p} drives", out + home, HOUR)


@template("Algebra", held_out=True)
def catch_up(d: Draw, s: Story) -> None:
    p, q = d.people(2)
    walks, extra, late = d.number(40, 100, "metre/minute"), d.number(10, 100, "metre/minute"), d.number(2, 20, "minute")
    d.need((walks * late / extra).is_whole)
    runs = (walks + extra).known()
    s.say(f"{p} walks along a road at {walks} metres per minute.")
    s.say(f"{q} starts at the same place {late} minutes later and runs after {p.him} at {runs} metres per minute.")
    s.say(f"For how many minutes does {q} run until {q.he} reaches {p}?")
    ahead = s.step(f"When {q} starts, {p} is", walks * late, METRE, "ahead")
    closes = s.step(f"Every minute {q} gains", runs - walks, METRE)
    s.step(f"{q} runs for", ahead / closes, MINUTE)


@template()
def petrol(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    need = d.number(4, 12, "litre/hundred kilometres")
    hundreds, price = d.number(2, 30, "hundred kilometres"), d.quarters(1, 4, "dollar/litre")
    s.say(f"{p}'s car needs {need} litres of petrol for every 100 kilometres.")
    distance = (hundreds * plain(100, "kilometre/hundred kilometres")).known()
    s.say(f"A litre of petrol costs {money(price)}.")
    s.say(f"How many dollars does {p} pay for the petrol of a journey of {distance} kilometres?")
    times = s.step(
        f"{distance} kilometres are",
        distance / plain(100, "kilometre/hundred kilometres"),
        None,
        "times 100 kilometres",
    )
    litres = s.step("The car needs", times * need, LITRE)
    s.step(f"{p} pays", litres * price)


@template()
def longer_every_day(d: Draw, s: Story) -> None:
    """Distances that grow by the same amount; two steps for each day but the first, as they are added up."""
    [p] = d.people(1)
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"][: d.length(3, 5)]
    runs, more = d.number(2, 25, "kilometre"), d.number(1, 6, "kilometre")
    s.say(f"{p} runs {runs} kilometres on {days[0]} and every day {_kilometres(str(more))} more than the day before.")
    s.say(f"How many kilometres does {p} run from {days[0]} to {days[-1]}?")
    total = runs
    for day in days[1:]:
        runs = s.step(f"On {day} {p} runs", runs + more, KILOMETRE)
        total = total + runs
    s.step(f"In all {p} runs", total, KILOMETRE)


def _kilometres(number: str) -> str:
    return f"{number} kilometre{'' if number == '1' else 's'}"


@template("Algebra")
def tank(d: Draw, s: Story) -> None:
    inflow, net, minutes = d.number(12, 60, "litre/minute"), d.number(3, 40, "litre/minute"), d.number(5, 60, "minute")
    has = d.number(10, 200, "litre", 10)
    d.need(net.value < inflow.value)
    leaks, holds = (inflow - net).known(), (net * minutes + has).known()
    s.say(f"A tank holds {holds} litres of water, and {has} litres are in it.")
    s.say(f"A pump brings in {inflow} litres a minute, while {leaks} litres a minute run out.")
    s.say("After how many minutes is the tank full?")
    missing = s.step("The tank lacks", holds - has, LITRE)
    gain = s.step("Every minute the water grows by", inflow - leaks, LITRE)
    s.step("The tank is full after", missing / gain, MINUTE)
