"""What training rows give away of the rows held out."""

from __future__ import annotations

import pytest

from longhand.arithmetic.expression import parse_expression
from longhand.data.leaks import LeakCounter, held_out_first


def leaks(train: str, test: str) -> dict[str, int]:
    counter = LeakCounter()
    for split, texts in (("test", test), ("train", train)):
        for text in texts.split():
            counter.add(split, parse_expression(text))
    return counter.report()["test"]


@pytest.mark.parametrize(
    ("train", "test", "kind"),
    [
        ("2+3", "2+3", "exact"),
        ("3+2", "2+3", "commuted"),
        ("3+1+2", "1+2+3", "commuted"),
        ("3*2", "2*3", "commuted"),
        ("3?2", "2?3", "commuted"),
        ("-2?3", "2?3", "inverse"),
        ("5-3", "2+3", "inverse"),
        ("2+3", "5-2", "inverse"),
        ("5-3", "5-2", "inverse"),
        ("6/3", "2*3", "inverse"),
        ("3-2 2+3 3+2", "2+3", "exact"),
        ("3-2", "2-3", "inverse"),
    ],
)
def test_each_leak_is_counted_once_as_the_closest_kind(train: str, test: str, kind: str) -> None:
    assert leaks(train, test) == {"rows": 1, "exact": 0, "commuted": 0, "inverse": 0, kind: 1}


@pytest.mark.parametrize(
    ("train", "test"), [("2+4", "2+3"), ("2*3", "2+3"), ("1+2-3", "1-2+3"), ("6/2", "6/4"), ("3-2", "3?2")]
)
def test_different_facts_are_no_leak(train: str, test: str) -> None:
    assert leaks(train, test) == {"rows": 1, "exact": 0, "commuted": 0, "inverse": 0}


def test_every_held_out_row_counts_however_often_it_is_trained_on() -> None:
    assert leaks("2+3 2+3 2+3", "2+3 2+3 9+9") == {"rows": 3, "exact": 2, "commuted": 0, "inverse": 0}


def test_held_out_splits_come_before_training_and_other_splits_do_not_count() -> None:
    assert held_out_first(["train", "val", "test"]) == ["val", "test", "train"]
    counter = LeakCounter()
    counter.add("all", parse_expression("1+1"))
    assert counter.report() == {}
