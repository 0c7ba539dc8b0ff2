"""Stories of groups and remainders: what is left over, how many buses are needed, legs and heads."""

from __future__ import annotations

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.quantity import plain
from longhand.olympiad.word_problems.story import Story, money
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import ITEMS, Noun, listed, small

PERSON = Noun("person", "people")


@template("Number Theory")
def left_over(d: Draw, s: Story) -> None:
    [p], item = d.people(1), d.pick(ITEMS)
    size, full, rest = d.number(4, 24, f"{item.one}/box"), d.number(3, 20, "box"), d.number(1, 23, item.one)
    d.need(rest.value < size.value)
    has = (size * full + rest).known()
    s.say(f"{p} has {has} {item} and puts {size} of them into each box until there are too few for another full box.")
    s.say(f"How many {item} are left over?")
    packed = s.step(f"{full} full boxes hold", full * size, item)
    s.step(f"The number of {item} left over is", has - packed)


@template("Number Theory")
def buses(d: Draw, s: Story) -> None:
    teachers, seats, full = d.number(2, 12, "person"), d.number(18, 60, "person/bus"), d.number(2, 12, "bus")
    rest = d.number(1, 50, "person")
    children = (seats * full + rest - teachers).known()
    d.need(rest.value < seats.value)
    s.say(f"{children} children and {teachers} teachers go on a trip.")
    s.say(f"Each bus has {seats} seats for them. How many buses do they need?")
    people = s.step("On the trip there are", children + teachers, PERSON)
    seated = s.step(f"{full} full buses take", full * seats, PERSON)
    more = s.step("This leaves", people - seated, PERSON, "without a seat")
    d.need(0 < more.value < seats.value)
    s.step("These need one more bus, so the number of buses is", full + plain(1, "bus"))


@template()
def shared_equally(d: Draw, s: Story) -> None:
    people, item = d.people(d.length(3, 5)), d.pick(ITEMS)
    found = [d.number(6, 70, item.one) for _ in people]
    s.say("On the beach " + listed([f"{p} finds {n}" for p, n in zip(people, found, strict=True)]) + " shells.")
    s.say("They share all of them equally. How many shells does each of them get?")
    total = found[0]
    for entry in found[1:]:
        total = total + entry
    shell = Noun("shell", "shells")
    all_of_them = s.step("Together they find", total, shell)
    s.step("Each of them gets", all_of_them / len(people), shell)


@template("Number Theory", held_out=True)
def necklace(d: Draw, s: Story) -> None:
    colours = d.several(["red", "blue", "green", "white", "yellow", "purple"], 3)
    bead = Noun("bead", "beads")
    a, b, c = (d.number(2, 9, "bead") for _ in range(3))
    patterns, rest = d.number(3, 14, "pattern"), d.number(1, 12, "bead")
    length = a.value + b.value + c.value
    d.need(rest.value < length)
    has = (plain(length, "bead/pattern") * patterns + rest).known()
    s.say(f"A necklace repeats a pattern of {a} {colours[0]}, {b} {colours[1]} and {c} {colours[2]} beads.")
    s.say(f"There are {has} beads for it, with enough of every colour.")
    s.say("How many beads are left when the pattern is repeated as often as possible?")
    one = s.step("One pattern has", a + b + c, bead)
    used = s.step(f"{patterns} whole patterns have", plain(patterns.value) * one, bead)
    s.step("This leaves", has - used, bead)


@template("Number Theory", held_out=True)
def tournament(d: Draw, s: Story) -> None:
    team, teams, rest = d.number(4, 15, "player/team"), d.number(3, 40, "team"), d.number(1, 14, "player")
    fee = d.number(15, 120, "dollar/team")
    player = Noun("player", "players")
    d.need(rest.value < team.value)
    players = (team * teams + rest).known()
    s.say(f"{players} players come to a tournament and make up as many teams of {team} as they can.")
    s.say(f"Every team pays {money(fee)}, and whoever is in no team keeps the score and pays nothing.")
    s.say("How many dollars do the teams pay?")
    in_teams = s.step(f"{teams} teams have", teams * team, player)
    left = s.step("The number of players in no team is", players - in_teams)
    d.need(left.value < team.value)
    s.step(f"The {teams} teams pay", teams * fee)


@template()
def legs(d: Draw, s: Story) -> None:
    hens, cows, spiders = d.number(4, 90, "hen"), d.number(3, 60, "cow"), d.number(2, 30, "spider")
    leg = Noun("leg", "legs")
    s.say(f"{hens} hens, {cows} cows and {spiders} spiders live in a barn.")
    s.say("A hen has 2 legs, a cow has 4 and a spider has 8. How many legs do they have altogether?")
    first = s.step("The hens have", hens * plain(2, "leg/hen"), leg)
    second = s.step("The cows have", cows * plain(4, "leg/cow"), leg)
    third = s.step("The spiders have", spiders * plain(8, "leg/spider"), leg)
    s.step("Altogether they have", first + second + third, leg)


@template("Algebra")
def heads_and_legs(d: Draw, s: Story) -> None:
    hens, cows = d.number(3, 150, "head"), d.number(3, 150, "head")
    heads = (hens + cows).known()
    legs_in_all = (hens * plain(2, "leg/head") + cows * plain(4, "leg/head")).known()
    leg = Noun("leg", "legs")
    s.say(f"On a farm there are hens and cows. Together they have {heads} heads and {legs_in_all} legs.")
    asks = d.pick(["cows", "hens"])
    s.say(f"How many {asks} are there?")
    least = s.step("If all of them were hens, they would have", heads * plain(2, "leg/head"), leg)
    more = s.step("The cows bring", legs_in_all - least, leg, "more")
    found = s.step("Each cow has two more legs than a hen, so the number of cows is", more / plain(2, "leg/head"))
    if asks == "hens":
        s.step("The number of hens is", heads - found)


@template("Counting & Probability")
def outfits(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    shirts, trousers, hats = d.number(3, 20, "shirt"), d.number(2, 15, "trousers"), d.number(2, 12, "hat")
    s.say(f"{p} has {shirts} shirts, {trousers} pairs of trousers and {hats} hats, no two alike.")
    s.say("An outfit is one of each. How many different outfits are there?")
    outfit = Noun("outfit", "outfits")
    two = s.step("Shirts and trousers can be combined in", plain(shirts.value) * plain(trousers.value), None, "ways")
    s.step("With the hats there are", two * plain(hats.value), outfit)


@template("Counting & Probability", held_out=True)
def handshakes(d: Draw, s: Story) -> None:
    people, guests = d.number(6, 150), d.number(2, 60)
    s.say(f"{people} people are at a party, and each of them shakes hands once with every other.")
    s.say(f"Later {guests} more come, who shake hands with everybody who was there before but not with each other.")
    s.say("How many handshakes are there?")
    shake = Noun("handshake", "handshakes")
    others = s.step("At first each of them shakes hands with", people - plain(1), None, "others")
    counted = s.step("Counted from both sides, this makes", people * others, shake)
    first = s.step("Each handshake was counted twice, so there are", counted / 2, shake)
    second = s.step("The new ones shake hands", guests * people, None, "times")
    s.step("In all there are", first + second, shake)


@template(held_out=True)
def hall(d: Draw, s: Story) -> None:
    rows, seats, empty = d.number(8, 60, "row"), d.number(12, 60, "seat/row"), d.number(2, 15, "seat/row")
    price = d.number(4, 25, "dollar/seat")
    d.need(empty.value < seats.value)
    s.say(f"A hall has {rows} rows of {seats} seats. At a concert {empty} seats in every row stay empty.")
    s.say(f"Every listener pays {money(price)}. How many dollars do the listeners pay in all?")
    taken = s.step("In every row there sit", seats - empty, PERSON)
    people = s.step("In the hall there sit", rows * taken, PERSON)
    s.step("They pay", people * price)


@template()
def in_words(d: Draw, s: Story) -> None:
    """Small numbers in words."""
    [p] = d.people(1)
    cards, album = d.one_of([2, 3, 4, 5, 6, 7]), d.one_of([3, 4, 5, 6, 7, 8, 9, 10])
    photos, gone = d.number(4, 30, "photo/page"), d.number(2, 40, "photo")
    photo = Noun("photo", "photos")
    s.say(
        f"{p} has {small(cards.value)} albums with {small(album.value)} pages each, and {photos} photos on each page."
    )
    s.say(f"{p.He} takes {gone} photos out. How many photos stay in the albums?")
    pages = s.step("The albums have", plain(cards.value) * plain(album.value, "page"), Noun("page", "pages"))
    stuck = s.step("They hold", pages * photos, photo)
    s.step("When some are taken out, the albums hold", stuck - gone, photo)
