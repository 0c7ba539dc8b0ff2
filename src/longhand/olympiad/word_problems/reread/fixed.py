"""Stories that always have the same sentences: the whole question as a pattern, and a formula over its numbers.

Each formula was written from the English, in one expression, and not from the steps of a solution.
"""

from __future__ import annotations

from fractions import Fraction

from longhand.olympiad.word_problems.reread.patterns import Formula, compile_pattern, numbers_of

_RULES: list[tuple[str, Formula]] = [
    (
        "@1 buys # packs of ~ with # ~ in each pack. (^ gives # ~ to @2|Then ^ gives @3 # ~)."
        " How many ~ does @1 have left?",
        lambda n, m, g: n * m - g,
    ),
    (
        "@1 picks # ~. ^ eats # of them and puts the others into # bowls, the same number in each."
        " How many ~ are in each bowl?",
        lambda n, eaten, bowls: (n - eaten) / bowls,
    ),
    (
        "In @1's room there are # shelves with # ~ each and # shelves with # ~ each. @1 puts # more ~ on the shelves."
        " How many ~ are on the shelves (now|in all)?",
        lambda a, x, b, y, more: more + a * x + b * y,
    ),
    (
        "There are # ~ (on|in) a ~. Every ~ there are & as many as the ~ before. How many ~ are there after # ~?",
        lambda n, f, k: n * f ** int(k),
    ),
    ("@1 has & as many ~ as @2. Together they have # ~. How many ~ does @1 have?", lambda f, t: t * f / (f + 1)),
    ("@1 has & as many ~ as @2. Together they have # ~. How many ~ does @2 have?", lambda f, t: t / (f + 1)),
    (
        "@1 and @2 pick # ~ together. @1 picks # more than @2. How many ~ does @1 pick?",
        lambda t, more: (t + more) / 2,
    ),
    (
        "@1 and @2 pick # ~ together. @1 picks # more than @2. How many ~ does @2 pick?",
        lambda t, more: (t - more) / 2,
    ),
    (
        "One ~ costs $ and one ~ costs $. @1 buys # ~ and # ~ and pays with $. How many dollars of change does @1 get?",
        lambda a, b, m, n, paid: paid - (a * m + b * n),
    ),
    (
        "(A|An) ~ costs $. A shop sells it #% cheaper, and @1 buys # of them. How many dollars does @1 pay?",
        lambda price, percent, n: n * price * (100 - percent) / 100,
    ),
    (
        "@1 wants to buy (a|an) ~ that costs $. ^ has $ and saves $ every week. After how many weeks can @1 buy it?",
        lambda price, has, weekly: (price - has) / weekly,
    ),
    ("In a shop # ~ cost $. How many dollars do # ~ cost at the same price?", lambda n, cost, m: cost * m / n),
    (
        "@1 sells # eggs at $ a dozen. A box for a dozen costs ^ $, and ^ pays $ for a place at the market."
        " How many dollars does @1 earn?",
        lambda eggs, price, box, place: eggs / 12 * (price - box) - place,
    ),
    (
        "At the market @1 sells # kilograms of ~ for $ a kilogram and # kilograms of ~ for $ a kilogram."
        " The stall costs ^ $ a day. How many dollars of profit does @1 make that day?",
        lambda a, x, b, y, rent: a * x + b * y - rent,
    ),
    (
        "A theatre sells # tickets to adults for $ each and # tickets to children for $ each."
        " It gives #% of this money to a hospital. How many dollars does the hospital get?",
        lambda a, x, b, y, percent: percent * (a * x + b * y) / 100,
    ),
    (
        "@1 and @2 sell ~ for their sports club. Each of the ~ costs the club $ and is sold for $."
        " @1 sells # of them and @2 sells #. How many dollars does the club gain?",
        lambda cost, price, a, b: a * price + b * price - a * cost - b * cost,
    ),
    (
        "A ~ travels for # hours at # kilometres per hour and then for # hours at # kilometres per hour."
        " How many kilometres does the ~ travel (in all|altogether)?",
        lambda t, a, u, b: t * a + u * b,
    ),
    (
        "@1 and @2 start cycling at the same place and ride in opposite directions. @1 rides at # kilometres per hour"
        " and @2 at # kilometres per hour. How many kilometres apart are they after # hours?",
        lambda a, b, t: a * t + b * t,
    ),
    (
        "@1 drives # kilometres to the coast at # kilometres per hour and comes back the same way at # kilometres per"
        " hour. How many hours does @1 drive in all?",
        lambda way, fast, slow: way * (1 / fast + 1 / slow),
    ),
    (
        "@1 walks along a road at # metres per minute. @2 starts at the same place # minutes later and runs after ^ at"
        " # metres per minute. For how many minutes does @2 run until ^ reaches @1?",
        lambda slow, late, fast: late * slow / (fast - slow),
    ),
    (
        "@1's car needs # litres of petrol for every 100 kilometres. A litre of petrol costs $."
        " How many dollars does @1 pay for the petrol of a journey of # kilometres?",
        lambda litres, price, way: way * litres * price / 100,
    ),
    (
        "A tank holds # litres of water, and # litres are in it. A pump brings in # litres a minute, while # litres a"
        " minute run out. After how many minutes is the tank full?",
        lambda holds, has, more, less: (holds - has) / (more - less),
    ),
    (
        "@1 has # ~ and puts # of them into each box until there are too few for another full box."
        " How many ~ are left over?",
        lambda n, size: n % size,
    ),
    (
        "# children and # teachers go on a trip. Each bus has # seats for them. How many buses do they need?",
        lambda c, t, seats: Fraction(-(-(c + t) // seats)),
    ),
    (
        "A necklace repeats a pattern of # ~, # ~ and # ~ beads. There are # beads for it, with enough of every colour."
        " How many beads are left when the pattern is repeated as often as possible?",
        lambda a, b, c, n: n % (a + b + c),
    ),
    (
        "# players come to a tournament and make up as many teams of # as they can. Every team pays $, and whoever is"
        " in no team keeps the score and pays nothing. How many dollars do the teams pay?",
        lambda n, size, fee: (n - n % size) / size * fee,
    ),
    (
        "# hens, # cows and # spiders live in a barn. A hen has 2 legs, a cow has 4 and a spider has 8."
        " How many legs do they have altogether?",
        lambda h, c, s: 2 * (h + 2 * c + 4 * s),
    ),
    (
        "On a farm there are hens and cows. Together they have # heads and # legs. How many cows are there?",
        lambda heads, legs: legs / 2 - heads,
    ),
    (
        "On a farm there are hens and cows. Together they have # heads and # legs. How many hens are there?",
        lambda heads, legs: 2 * heads - legs / 2,
    ),
    (
        "@1 has # shirts, # pairs of trousers and # hats, no two alike. An outfit is one of each."
        " How many different outfits are there?",
        lambda a, b, c: c * b * a,
    ),
    (
        "# people are at a party, and each of them shakes hands once with every other. Later # more come, who shake"
        " hands with everybody who was there before but not with each other. How many handshakes are there?",
        lambda n, g: sum(range(int(n)), start=Fraction(0)) + n * g,
    ),
    (
        "A hall has # rows of # seats. At a concert # seats in every row stay empty. Every listener pays $."
        " How many dollars do the listeners pay in all?",
        lambda rows, seats, empty, price: (rows * seats - rows * empty) * price,
    ),
    (
        "@1 has # albums with # pages each, and # photos on each page. ^ takes # photos out."
        " How many photos stay in the albums?",
        lambda a, p, n, out: a * p * n - out,
    ),
    (
        "@1 is # years older than @2, and together they are # years old. How old will @2 be in # years?",
        lambda more, total, later: (total - more) / 2 + later,
    ),
    (
        "@1 is # years old. # years ago ^ was & as old as @2. How old is @2 now?",
        lambda now, ago, f: ago + (now - ago) / f,
    ),
    (
        "A school has # pupils. #% of them come by bus. & of the others come by bicycle, and the rest walk."
        " How many pupils walk to school?",
        lambda n, percent, f: n * (100 - percent) / 100 * (1 - f),
    ),
    (
        "@1 has $. ^ spends & of it on (a|an) ~ and #% of what is left on a present."
        " How many dollars does @1 have then?",
        lambda n, f, percent: n * (1 - f) * (100 - percent) / 100,
    ),
    (
        "The price of (a|an) ~ is $. In spring it rises by #%, and in autumn the new price falls by #%."
        " How many dollars does the ~ cost then?",
        lambda n, up, down: n * (100 + up) * (100 - down) / 10_000,
    ),
    (
        "In an election @1, @2 and @3 get # votes together. #% of them are for @1, & of the remaining ones are for @2,"
        " and the other votes are for @3. How many votes does @3 get?",
        lambda n, percent, f: n * (1 - percent / 100) * (1 - f),
    ),
    (
        "In a quiz of # questions @1 answers #% correctly. Every correct answer gives # points, and for every other"
        " # (point is|points are) taken away. How many points does @1 get?",
        lambda n, percent, good, bad: n * (percent * good - (100 - percent) * bad) / 100,
    ),
    (
        "# grams of a juice with #% sugar are mixed with # grams of a syrup with #% sugar."
        " How many grams of sugar are in the mixture?",
        lambda x, a, y, b: (x * a + y * b) / 100,
    ),
    (
        "All # tickets of a raffle are sold for $ each. #% of them win, and every winner gets $."
        " How many dollars does the raffle keep?",
        lambda n, price, percent, prize: n * (price - prize * percent / 100),
    ),
    (
        "@1's garden is a rectangle, # metres long and # metres wide. ^ puts a fence around it and leaves # metres open"
        " for a gate. A metre of fence costs $. How many dollars does the fence cost?",
        lambda a, b, gate, price: (a + a + b + b - gate) * price,
    ),
    (
        "A floor is # metres long and # metres wide. It takes # tiles to cover a square metre."
        " A box of # tiles costs $. How many dollars do the tiles for the floor cost?",
        lambda a, b, tiles, box, price: price * a * b * tiles / box,
    ),
    (
        "@1 cuts # metres off a rope of # metres and cuts what remains into # equal pieces. ^ needs # of the pieces."
        " How many metres of rope are in the pieces that ^ does not need?",
        lambda off, rope, n, used: (rope - off) * (1 - used / n),
    ),
    (
        "An aquarium is # decimetres long, # decimetres wide and # decimetres high. It is filled with water up to & of"
        " its height, and a cubic decimetre is a litre. A bucket holds # litres."
        " How many buckets of water are in the aquarium?",
        lambda a, b, c, f, bucket: a * b * (c * f) / bucket,
    ),
    (
        "A picture is # centimetres wide and # centimetres high. All around it there is a frame that is # centimetres"
        " broad. How many square centimetres does the frame cover?",
        lambda a, b, w: 2 * a * w + 2 * b * w + 4 * w * w,
    ),
    (
        "A field is a square with sides of # metres. A runner comes to it by a path of # metres, runs around the field"
        " # times and goes home by the same path. How many metres is that?",
        lambda side, path, n: path + n * 4 * side + path,
    ),
    (
        "@1 earns $ an hour and works # hours a day on # days a week. Every week ^ pays $ for rent."
        " How many dollars a week does @1 have left?",
        lambda wage, hours, days, rent: wage * hours * days - rent,
    ),
    (
        "@1 earns $ an hour for the first # hours of a week and half as much again for every further hour."
        " This week ^ works # hours. How many dollars does @1 earn?",
        lambda wage, normal, worked: wage * worked + wage * (worked - normal) / 2,
    ),
    (
        "In an hour # machines make # parts. How many parts do # such machines make in # hours?",
        lambda n, parts, m, hours: hours * parts * m / n,
    ),
    (
        "In an orchard # workers fill # crates each every day, and a crate holds # kilograms. After # days # kilograms"
        " have been sold. How many kilograms are still there?",
        lambda n, crates, weight, days, sold: n * crates * weight * days - sold,
    ),
    (
        "@1 has a book of # pages. On each of the first # days ^ reads # pages. ^ wants to finish the book in"
        " # more days and to read the same number of pages on each of them. How many pages a day does @1 have to read?",
        lambda n, days, a, rest: (n - days * a) / rest,
    ),
    (
        "@1 practises the ~ for # minutes on each of the # days from Monday to Friday and for # minutes on"
        " Saturday. How many hours is that in # weeks?",
        lambda a, days, b, weeks: weeks * (a * days + b) / 60,
    ),
    (
        "A recipe for # people takes # grams of ~. @1 cooks it for # people and has # grams of ~."
        " How many more grams of ~ does ^ need?",
        lambda n, grams, m, has: grams * m / n - has,
    ),
    (
        "One printer prints # pages a minute and another one # pages a minute. Together they have to print # pages, and"
        " once both stand still for # minutes. After how many minutes are they done?",
        lambda a, b, n, pause: n / (a + b) + pause,
    ),
]
_COMPILED = [(compile_pattern(_pattern), _formula) for _pattern, _formula in _RULES]


def answer_fixed(question: str) -> Fraction | None:
    """The answer of a question with a fixed form; None if no pattern is its whole text."""
    for pattern, formula in _COMPILED:
        match = pattern.fullmatch(question)
        if match:
            return Fraction(formula(*numbers_of(match)))
    return None
