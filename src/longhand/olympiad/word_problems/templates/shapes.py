"""Stories of lengths, areas and volumes."""

from __future__ import annotations

from longhand.olympiad.word_problems.draw import Draw
from longhand.olympiad.word_problems.quantity import plain
from longhand.olympiad.word_problems.story import Story, money
from longhand.olympiad.word_problems.template import template
from longhand.olympiad.word_problems.words import Noun, part

METRE = Noun("metre", "metres", whole=False)
AREA = Noun("square metre", "square metres", whole=False)


@template("Geometry")
def fence(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    a, b, gate = d.number(8, 60, "metre"), d.number(5, 50, "metre"), d.number(2, 4, "metre")
    price = d.quarters(3, 15, "dollar/metre")
    d.need(a.value > b.value)
    s.say(f"{p}'s garden is a rectangle, {a} metres long and {b} metres wide.")
    s.say(f"{p.He} puts a fence around it and leaves {gate} metres open for a gate.")
    s.say(f"A metre of fence costs {money(price)}. How many dollars does the fence cost?")
    around = s.step("The way around the garden is", plain(2) * (a + b), METRE)
    length = s.step("The fence is", around - gate, METRE, "long")
    s.step("It costs", length * price)


@template("Geometry")
def floor_tiles(d: Draw, s: Story) -> None:
    a, b = d.number(3, 25, "metre"), d.number(3, 20, "metre")
    tiles, box, price = (
        d.number(4, 25, "tile/metre*metre"),
        d.number(5, 30, "tile/box", 5),
        d.number(6, 40, "dollar/box"),
    )
    d.need((a * b * plain(tiles.value) / plain(box.value)).is_whole)
    tile = Noun("tile", "tiles")
    s.say(f"A floor is {a} metres long and {b} metres wide. It takes {tiles} tiles to cover a square metre.")
    s.say(f"A box of {box} tiles costs {money(price)}.")
    s.say("How many dollars do the tiles for the floor cost?")
    area = s.step("The floor has", a * b, AREA)
    needed = s.step("Covering it takes", area * plain(tiles.value, "tile/metre*metre"), tile)
    boxes = s.step("The number of boxes is", needed / box)
    s.step("They cost", boxes * price)


@template("Geometry")
def rope(d: Draw, s: Story) -> None:
    [p] = d.people(1)
    pieces, each, rest = d.number(3, 15, "piece"), d.number(2, 12, "metre/piece"), d.number(2, 20, "metre")
    used = d.number(2, 14, "piece")
    d.need(used.value < pieces.value)
    whole = (pieces * each + rest).known()
    s.say(f"{p} cuts {rest} metres off a rope of {whole} metres and cuts what remains into {pieces} equal pieces.")
    s.say(f"{p.He} needs {used} of the pieces. How many metres of rope are in the pieces that {p.he} does not need?")
    remains = s.step("After the first cut there remain", whole - rest, METRE)
    one = s.step("Each piece has", remains / pieces, METRE)
    left = s.step("The number of pieces not needed is", pieces - used)
    s.step("Together they have", left * one, METRE)


@template("Geometry", held_out=True)
def aquarium(d: Draw, s: Story) -> None:
    a, b, c = d.number(4, 25, "decimetre"), d.number(2, 15, "decimetre"), d.number(2, 15, "decimetre")
    divisor, bucket = d.one_of([2, 3, 4]), d.number(2, 9, "decimetre*decimetre*decimetre/bucket")
    litre = Noun("litre", "litres", whole=False)
    s.say(f"An aquarium is {a} decimetres long, {b} decimetres wide and {c} decimetres high.")
    s.say(f"It is filled with water up to {part(divisor.value)} of its height, and a cubic decimetre is a litre.")
    s.say(f"A bucket holds {bucket} litres. How many buckets of water are in the aquarium?")
    volume = s.step("The whole aquarium holds", a * b * c, litre)
    water = s.step("The water in it makes", volume / divisor, litre)
    s.step("The number of buckets is", water / bucket)


@template("Geometry")
def frame(d: Draw, s: Story) -> None:
    a, b, wide = d.number(10, 90, "centimetre"), d.number(8, 80, "centimetre"), d.number(2, 12, "centimetre")
    area = Noun("square centimetre", "square centimetres", whole=False)
    centimetre = Noun("centimetre", "centimetres", whole=False)
    d.need(a.value > b.value)
    s.say(f"A picture is {a} centimetres wide and {b} centimetres high. All around it there is a frame")
    s.say(f"that is {wide} centimetres broad. How many square centimetres does the frame cover?")
    width = s.step("With its frame the picture is", a + plain(2) * wide, centimetre, "wide")
    height = s.step("It is", b + plain(2) * wide, centimetre, "high")
    outer = s.step("Together they cover", width * height, area)
    inner = s.step("The picture alone covers", a * b, area)
    s.step("The frame covers", outer - inner, area)


@template("Geometry", held_out=True)
def square_field(d: Draw, s: Story) -> None:
    side, path, rounds = d.number(20, 400, "metre"), d.number(50, 900, "metre", 10), d.number(2, 12)
    s.say(f"A field is a square with sides of {side} metres. A runner comes to it by a path of {path} metres,")
    s.say(f"runs around the field {rounds} times and goes home by the same path.")
    s.say("How many metres is that?")
    around = s.step("Once around the field is", plain(4) * side, METRE)
    laps = s.step("All rounds are", rounds * around, METRE)
    paths = s.step("The path, there and back, is", plain(2) * path, METRE)
    s.step("In all it is", laps + paths, METRE)
