"""The twelve things a certificate of windows owes its reader, each with its evidence."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from longhand.arithmetic.problem import Problem
from longhand.certify.problems import random_problem
from longhand.certify.search import WindowList
from longhand.text.layouts.base import Layout
from longhand.text.schoolbook import read_schoolbook

READER_PROBLEMS = 200
READER_DIGITS = 1000
PROBLEMS = 1000


def obligations(report: Mapping[str, Any], layout: Layout, listed: WindowList) -> list[dict[str, Any]]:
    """P1 to P12 with their evidence; what the report has already is taken from it."""
    known, right = _problems_agree(layout, listed)
    once = len(np.unique(listed.windows, axis=0)) == len(listed)
    pure = _layout_is_pure(layout)
    read = _reader_is_right(layout)
    widths = {len(window) for window in listed.windows}
    dense = report["dense"]
    controls = report["negative_controls"]
    margin, rounding, slots = report["margin"]["min"], report["rounding"], len(layout.slots)
    rows: list[tuple[str, bool, str]] = [
        ("the layout looks at delimiters only", pure, "rows with their digits permuted show the windows permuted"),
        ("every window has the same number of slots", widths == {slots}, f"{slots} slots"),
        ("logits depend on the window alone", dense["outside"] == 0, "another digit outside it changes no bit"),
        ("no problem shows another window", known, f"the search over {listed.n_states:,} states came to its end"),
        ("a window has one right token", once, "no window is listed twice"),
        ("labels are arithmetic", right, f"{PROBLEMS:,} problems worked out apart from the search go on as it says"),
        ("the rows read as the answer", read, f"{READER_PROBLEMS} problems of up to {READER_DIGITS} digits"),
        ("the right token wins after every window", margin > 0, f"it leads by {margin:.4f} logits or more"),
        ("rounding cannot change that", rounding["min_slack"] > 0, f"bound {rounding['max_bound']:.3g} logits"),
        ("masked attention says the same", dense["same_choices"], f"within {dense['largest_difference']:.2g} logits"),
        (
            "damaged copies fail",
            all(c["confirmed"] for c in controls),
            f"{len(controls)} copies, each caught in an error",
        ),
        ("what no window shows is listed", bool(report["lemmas"]), f"{len(report['lemmas'])} lemmas"),
    ]
    return [
        {"id": f"P{number}", "name": name, "holds": bool(holds), "evidence": evidence}
        for number, (name, holds, evidence) in enumerate(rows, start=1)
    ]


def _layout_is_pure(layout: Layout, cases: int = 200) -> bool:
    """Whether permuting the digits, and with another permutation the letters, permutes the windows."""
    rng = random.Random(1)
    tokens = layout.vocabulary.tokens
    for case in range(cases):
        ids = random_problem(layout.operators[case % len(layout.operators)], 4, rng).ids(layout)
        image = list(range(len(tokens)))
        for alphabet in ("0123456789", "abcdefghij"):
            members = [i for i, token in enumerate(tokens) if token in alphabet]
            for source, target in zip(members, rng.sample(members, len(members)), strict=True):
                image[source] = target
        moved = [tuple(image[token] for token in window) for window in layout.windows(ids)]
        if moved != layout.windows([image[token] for token in ids]):
            return False
    return True


def _problems_agree(layout: Layout, listed: WindowList) -> tuple[bool, bool]:
    """Whether every window of problems of all sizes is listed, and goes on as the rows of the problem do."""
    rng = random.Random(3)
    follows = dict(zip(map(tuple, listed.windows.tolist()), listed.labels.tolist(), strict=True))
    known = right = True
    for case in range(PROBLEMS):
        ids = random_problem(layout.operators[case % len(layout.operators)], 6, rng).ids(layout)
        windows = layout.windows(ids)
        for window, token in zip(windows, [*ids, layout.eos][-len(windows) :], strict=True):
            known = known and window in follows
            right = right and follows.get(window) == token
    return known, right


def _reader_is_right(layout: Layout) -> bool:
    rng = random.Random(2)
    for case in range(READER_PROBLEMS):
        operator = layout.operators[case % len(layout.operators)]
        most = READER_DIGITS if operator in "+-?" and case % 10 == 0 else 30
        asked = random_problem(operator, most, rng)
        problem = Problem((int(asked.a), int(asked.b)), (operator,), division="remainder")
        if read_schoolbook(asked.rows) != problem.answer:
            return False
    return True
