from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from longhand.data.config import MODIFIERS, Modifier
from longhand.data.keyed import keyed_generator
from longhand.data.mixture import share_rows


@given(
    st.integers(1, 5000),
    st.lists(st.integers(0, 9), min_size=len(MODIFIERS), max_size=len(MODIFIERS)),
    st.integers(0, 99),
)
def test_every_row_of_a_batch_has_one_rule_and_shares_are_off_by_less_than_a_row(
    batch_size: int, weights: list[int], seed: int
) -> None:
    if not sum(weights):
        return
    mixture: dict[Modifier, float] = {
        rule: weight / sum(weights) for rule, weight in zip(MODIFIERS, weights, strict=True)
    }
    counts = share_rows(mixture, batch_size, keyed_generator(seed))
    assert sum(counts.values()) == batch_size
    assert set(counts) == {rule for rule, weight in mixture.items() if weight}
    assert all(abs(count - mixture[rule] * batch_size) <= 1 for rule, count in counts.items())


def test_shares_too_small_for_one_batch_are_right_on_average() -> None:
    total = Counter[str]()
    for step in range(2000):
        total.update(share_rows({"uniform": 0.9, "short": 0.04, "cascade": 0.06}, 5, keyed_generator(step)))
    assert abs(total["cascade"] / 10_000 - 0.06) < 0.006
    assert abs(total["short"] / 10_000 - 0.04) < 0.006
