"""Stories of prices: change, discounts, profits, savings."""

from __future__ import annotations

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.quantity import plain
from longhand.olympiad.word_problems.story import Story, money
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import CHEAP, DEAR, ITEMS, SOLD_BY_WEIGHT, Noun


@template()
def two_goods_and_change(d: Draw, s: Story) -> None:
    [p], (i, j) = d.people(1), d.several(CHEAP, 2)
    a, b = d.quarters(1, 9, f"dollar/{i.one}"), d.quarters(1, 9, f"dollar/{j.one}")
    m, n = d.number(2, 9, i.one), d.number(2, 9, j.one)
    paid = plain(d.pick([20, 50, 100, 150]), "dollar")
    d.need((a * m + b * n).value < paid.value)
    s.say(f"One {i.one} costs {money(a)} and one {j.one} costs {money(b)}.")
    s.say(f"{p} buys {m} {i} and {n} {j} and pays with {money(paid)}.")
    s.say(f"How many dollars of change does {p} get?")
    first = s.step(f"The {i} cost", m * a)
    second = s.step(f"The {j} cost", n * b)
    both = s.step("Together they cost", first + second)
    s.step("The change is", paid - both)


@template()
def discount(d: Draw, s: Story) -> None:
    [p], thing = d.people(1), d.pick(DEAR)
    price, percent, bought = d.number(40, 800, f"dollar/{thing.one}"), d.number(5, 60, "", 5), d.number(2, 6, thing.one)
    s.say(f"{thing.a.capitalize()} costs {money(price)}.")
    s.say(f"A shop sells it {percent}% cheaper, and {p} buys {bought} of them.")
    s.say(f"How many dollars does {p} pay?")
    off = s.step(f"The price of one {thing.one} falls by", price * percent / 100)
    now = s.step(f"One {thing.one} now costs", price - off)
    s.step(f"{p} pays", bought * now)


@template()
def saving_up(d: Draw, s: Story) -> None:
    [p], thing = d.people(1), d.pick(DEAR)
    weekly, weeks, has = d.number(5, 30, "dollar/week"), d.number(3, 24, "week"), d.number(10, 120, "dollar")
    price = (weekly * weeks + has).known()
    s.say(f"{p} wants to buy {thing.a} that costs {money(price)}.")
    s.say(f"{p.He} has {money(has)} and saves {money(weekly)} every week.")
    s.say(f"After how many weeks can {p} buy it?")
    missing = s.step(f"{p} still needs", price - has)
    s.step(f"{p.He} has saved that after", missing / weekly, Noun("week", "weeks"))


@template()
def same_price(d: Draw, s: Story) -> None:
    item = d.pick(CHEAP)
    n, m, price = d.number(2, 15, item.one), d.number(3, 30, item.one), d.quarters(1, 12, f"dollar/{item.one}")
    d.need(n.value != m.value)
    cost = (n * price).known()
    s.say(f"In a shop {n} {item} cost {money(cost)}.")
    s.say(f"How many dollars do {m} {item} cost at the same price?")
    one = s.step(f"One {item.one} costs", cost / n)
    s.step(f"{m} {item} cost", m * one)


@template()
def dozens(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    dozens, price, cost = d.number(3, 30, "dozen"), d.quarters(2, 6, "dollar/dozen"), d.quarters(1, 3, "dollar/dozen")
    feed = d.number(4, 40, "dollar")
    d.need(cost.value < price.value)
    eggs = (dozens * plain(12, "egg/dozen")).known()
    s.say(f"{p} sells {eggs} eggs at {money(price)} a dozen.")
    s.say(f"A box for a dozen costs {p.him} {money(cost)}, and {p.he} pays {money(feed)} for a place at the market.")
    s.say(f"How many dollars does {p} earn?")
    sold = s.step(f"{p} sells", eggs / plain(12, "egg/dozen"), Noun("dozen", "dozen"))
    income = s.step(f"{p.He} gets", sold * price)
    boxes = s.step("The boxes cost", sold * cost)
    s.step(f"{p.He} earns", income - boxes - feed)


@template(held_out=True)
def market_stall(d: Draw, s: Story) -> None:
    [p], (f, g) = d.people(1), d.several(SOLD_BY_WEIGHT, 2)
    a, b = d.number(4, 40, "kilogram"), d.number(4, 40, "kilogram")
    x, y = d.quarters(1, 7, "dollar/kilogram"), d.quarters(1, 7, "dollar/kilogram")
    rent = d.number(10, 60, "dollar")
    s.say(f"At the market {p} sells {a} kilograms of {f} for {money(x)} a kilogram")
    s.say(f"and {b} kilograms of {g} for {money(y)} a kilogram.")
    s.say(f"The stall costs {p.him} {money(rent)} a day.")
    s.say(f"How many dollars of profit does {p} make that day?")
    first = s.step(f"The {f} bring in", a * x)
    second = s.step(f"The {g} bring in", b * y)
    income = s.step(f"In all {p} takes", first + second)
    s.step("Less the rent the profit is", income - rent)


@template(held_out=True)
def theatre_tickets(d: Draw, s: Story) -> None:
    grown, child, percent = d.number(9, 30, "dollar/adult"), d.number(3, 12, "dollar/child"), d.number(5, 50, "", 5)
    x, y = d.number(20, 180, "adult"), d.number(20, 180, "child")
    d.need(child.value < grown.value)
    s.say(f"A theatre sells {x} tickets to adults for {money(grown)} each and {y} tickets to children")
    s.say(f"for {money(child)} each. It gives {percent}% of this money to a hospital.")
    s.say("How many dollars does the hospital get?")
    adults = s.step("The adults pay", x * grown)
    children = s.step("The children pay", y * child)
    both = s.step("Together they pay", adults + children)
    s.step("The hospital gets", both * percent / 100)


@template()
def fundraiser(d: Draw, s: Story) -> None:
    (p, q), item = d.people(2), d.pick(ITEMS)
    price, cost = d.quarters(2, 8, f"dollar/{item.one}"), d.quarters(1, 4, f"dollar/{item.one}")
    a, b = d.number(8, 60, item.one), d.number(8, 60, item.one)
    d.need(cost.value < price.value)
    s.say(f"{p} and {q} sell {item} for their sports club.")
    s.say(f"Each of the {item} costs the club {money(cost)} and is sold for {money(price)}.")
    s.say(f"{p} sells {a} of them and {q} sells {b}.")
    s.say("How many dollars does the club gain?")
    sold = s.step("Together they sell", a + b, item)
    gain = s.step(f"Each of the {item} brings a gain of", price - cost)
    s.step("The club gains", sold * gain)
