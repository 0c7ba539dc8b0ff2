from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from longhand.arithmetic.splits import SplitConfig
from longhand.data import domain_sampler
from longhand.data.config import DataConfig
from longhand.data.domain_sampler import SampledSource
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

UNIFIED = vocabulary("unified")


def open_stream(**data: Any) -> TrainStream:
    return TrainStream(DataConfig(**data), Format(), UNIFIED, batch_size=300)


@pytest.mark.parametrize(
    "domain",
    [
        {"max_operand": 10**15},
        {"max_operand": 10**9, "min_operand": -(10**9), "negatives": "allow"},
        {"max_operand": 10**6, "n_operands": 3},
        {"max_operand": 99_999, "operators": ("*", "+")},
    ],
)
def test_domains_of_any_size_give_training_rows_of_every_length(domain: dict[str, Any]) -> None:
    stream = open_stream(domain=domain, mixture={"uniform": 0.5, "short": 0.5})
    assert isinstance(stream.source, SampledSource)
    assert stream.domain is not None
    split = SplitConfig(0.2, 0.05)
    lengths = Counter[int]()
    for row in range(len(tokens := stream.source.rows(0, 300, 0))):
        problem = stream.format.parse(UNIFIED.decode(tokens.row(row), skip_special=True)).problem
        assert stream.domain.contains(problem)
        assert split.split_of(problem) == "train"
        lengths.update(len(str(abs(operand))) for operand in problem.operands)
    assert set(lengths) >= set(range(1, len(str(domain["max_operand"] - 1)) + 1))
    assert tokens.longest <= stream.longest


def test_exact_divisions_of_a_large_domain_are_not_drawn_by_length() -> None:
    with pytest.raises(UserError, match=r"data\.mixture\.short cannot draw exact divisions"):
        open_stream(domain={"max_operand": 99_999, "operators": ("+", "/")}, mixture={"short": 1.0})


def test_the_longest_divisions_of_a_large_domain_are_not_looked_for() -> None:
    with pytest.raises(UserError, match=r"data\.mixture\.long_division cannot draw from a domain this large"):
        open_stream(domain={"max_operand": 99_999, "operators": ("+", "/")}, mixture={"long_division": 1.0})


def test_a_rule_that_finds_nothing_gives_up_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain_sampler, "MAX_DRAWS", 10_000)
    with pytest.raises(UserError, match=r"data\.mixture\.cascade: .* draws found 0 of 1 rows"):
        open_stream(domain={"n_operands": 3, "operators": ("+",)}, mixture={"cascade": 1.0})


def test_a_large_domain_is_held_out_only_by_number() -> None:
    stream = open_stream(domain={"max_operand": 10**15})
    assert len(stream.validation(40)) == 40
    with pytest.raises(UserError, match="too large to hold out every problem"):
        stream.validation()
