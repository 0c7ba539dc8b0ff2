"""What every layout promises: whose tokens it looks at, and how many."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.text.layouts.base import Layout
from longhand.text.layouts.registry import LayoutName, layout
from longhand.text.schoolbook import write_rows

NAMES: tuple[LayoutName, ...] = ("sum", "signed", "product", "division", "compare", "schoolbook")


def row(rows: Layout, rng: random.Random, longest: int = 5) -> list[int]:
    operator = rng.choice(rows.operators)
    a, b = ([rng.randrange(10) for _ in range(rng.randint(1, longest))] for _ in range(2))
    b[-1] = b[-1] or 1
    shown = ("".join(map(str, reversed(digits))) for digits in (a, b))
    return [rows.bos, *rows.vocabulary.encode(f"{operator.join(shown)}={write_rows(a, operator, b)}"), rows.eos]


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(0, 2**32))
def test_digits_decide_what_stands_in_a_window_but_not_which_places_do(name: LayoutName, seed: int) -> None:
    rows, rng = layout(name), random.Random(seed)
    ids = row(rows, rng)
    image = list(range(len(rows.vocabulary)))
    for alphabet in ("0123456789", "abcdefghij"):
        members = [i for i, token in enumerate(rows.vocabulary.tokens) if token in alphabet]
        for source, target in zip(members, rng.sample(members, len(members)), strict=True):
            image[source] = target
    moved = [tuple(image[token] for token in window) for window in rows.windows(ids[:-1])]
    assert rows.windows([image[token] for token in ids[:-1]]) == moved


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(0, 2**32))
def test_places_are_as_many_as_slots_the_last_token_first_and_none_to_come(name: LayoutName, seed: int) -> None:
    rows = layout(name)
    ids = row(rows, random.Random(seed))
    start = ids.index(rows.equals) + 1
    cursor = rows.cursor(ids[:start])
    for step in range(start, len(ids)):
        places = cursor.places()
        assert len(places) == len(rows.slots)
        assert places[0] == step - 1
        assert all(0 <= place < step for place in places)
        cursor.push(ids[step])


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 32), max_size=40))
def test_a_cursor_takes_whatever_an_untrained_model_writes(name: LayoutName, seed: int, written: list[int]) -> None:
    rows = layout(name)
    ids = row(rows, random.Random(seed))
    prompt = ids[: ids.index(rows.equals) + 1]
    cursor = rows.cursor(prompt)
    for token in written:
        cursor.push(token % len(rows.vocabulary))
        assert all(0 <= place < len(cursor.ids) for place in cursor.places())


@pytest.mark.parametrize("name", NAMES)
def test_one_window_is_always_followed_by_one_token(name: LayoutName) -> None:
    rows, rng = layout(name), random.Random(0)
    follows: dict[tuple[int, ...], int] = {}
    for _ in range(2000):
        ids = row(rows, rng)
        windows = rows.windows(ids[:-1])
        for window, token in zip(windows, ids[-len(windows) :], strict=True):
            assert follows.setdefault(window, token) == token


@pytest.mark.parametrize("prompt", ["12=", "1+2+3=", "+12=", "12+=", "12+3", "1-2=", "<bos>"])
def test_a_prompt_that_a_layout_does_not_read_is_refused(prompt: str) -> None:
    rows = layout("sum")
    with pytest.raises(UserError, match=r"ask a\+b="):
        rows.windows([rows.bos, *[rows.token.get(c, 0) for c in prompt]])
