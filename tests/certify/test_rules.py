from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from longhand.certify import check
from longhand.certify.counterexample import problem_of_path
from longhand.certify.rules.registry import rules_of, windows_of
from longhand.certify.search import State, Transition, list_windows
from longhand.errors import UserError
from longhand.text.layouts.base import Layout
from longhand.text.layouts.registry import LayoutName, layout
from longhand.text.schoolbook import digits_of, write_rows

COUNTS: dict[LayoutName, int] = {
    "sum": 24_741,
    "signed": 49_710,
    "product": 12_732,
    "division": 58_321,
    "compare": 363,
    "schoolbook": 120_763,
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_windows_are_as_many_as_counted_by_hand(name: LayoutName) -> None:
    listed = windows_of(name)
    assert len(listed) == COUNTS[name] == sum(listed.by_kind().values())


@pytest.mark.parametrize("name", COUNTS)
def test_search_and_nested_loops_list_the_same_windows(name: LayoutName) -> None:
    listed = windows_of(name)
    windows, labels, kinds, digest = check.list_windows(name, list(layout(name).vocabulary.tokens))
    assert (len(windows), len(labels), kinds, digest) == (len(listed), len(listed), listed.by_kind(), listed.sha256)


@pytest.mark.parametrize("name", COUNTS)
def test_no_problem_shows_a_window_that_is_not_listed_or_goes_on_otherwise(name: LayoutName) -> None:
    listed, rows, rng = windows_of(name), layout(name), random.Random(0)
    follows = dict(zip(map(tuple, listed.windows.tolist()), listed.labels.tolist(), strict=True))
    for _ in range(1500):
        for window, token in shown(rows, rng):
            assert follows[window] == token


@pytest.mark.parametrize("name", ["sum", "signed", "compare"])
def test_every_listed_window_of_a_sum_difference_or_comparison_is_shown_by_some_problem(name: LayoutName) -> None:
    # For products and divisions the list may hold more than can happen; here it holds exactly what can.
    listed, rows = windows_of(name), layout(name)
    for place, window in enumerate(map(tuple, listed.windows.tolist())):
        a, operator, b = problem_of_path(listed, place, rows.vocabulary)
        x, y = digits_of(a), digits_of(b)
        assert (window, listed.labels[place]) in rows_of(rows, x, operator, y)


def test_paths_lead_from_a_start_to_the_window() -> None:
    listed = windows_of("signed")
    for place in range(0, len(listed), 997):
        path = listed.path(place)
        assert path[-1] == place
        assert listed.parents[path[0]] == -1
        assert all(listed.parents[after] == before for before, after in pairwise(path))


def test_a_layout_that_shows_too_little_is_refused() -> None:
    class Blind:
        """Rules of a layout that does not show the carry."""

        lemmas = ()

        def starts(self) -> list[State]:
            return [0]

        def transitions(self, state: State) -> Iterator[Transition]:
            for carry in (0, 1):
                yield Transition((1, 2), 3 + carry, "column", None)

    with pytest.raises(
        UserError, match=r"the window \(1, 2\) \(column\) would have to be followed by token 3 and by 4"
    ):
        list_windows(Blind())


def test_an_unknown_layout_is_refused() -> None:
    class Unknown(Layout):
        name, operators, slots = "unknown", "+", ("last token",)

        def cursor(self, prompt: object) -> None:  # type: ignore[override]
            raise NotImplementedError

    with pytest.raises(UserError, match="nothing is known of the layout 'unknown'"):
        rules_of(Unknown(layout("sum").vocabulary))


def shown(rows: Layout, rng: random.Random) -> list[tuple[tuple[int, ...], int]]:
    a, b = ([rng.randrange(10) for _ in range(rng.randint(1, 6))] for _ in range(2))
    b[-1] = b[-1] or 1
    return rows_of(rows, a, rng.choice(rows.operators), b)


def rows_of(rows: Layout, a: list[int], operator: str, b: list[int]) -> list[tuple[tuple[int, ...], int]]:
    """The windows of a problem and what follows each."""
    x, y = ("".join(map(str, reversed(digits))) for digits in (a, b))
    text = rows.vocabulary.encode(f"{x}{operator}{y}={write_rows(a, operator, b)}")
    windows = rows.windows([rows.bos, *text])
    return list(zip(windows, [*text, rows.eos][-len(windows) :], strict=True))
