"""How many problems of any number of operands there are, and how far their answers reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import comb
from typing import TypeVar

Number = int | Fraction
Interval = tuple[Number, Number]
T = TypeVar("T")


def count_signed_sums(n_added: int, n_subtracted: int, low: int, high: int) -> int:
    """Count the choices of integers of low..high whose sum, some added and some subtracted, is at least 0.

    Measure an added x by x - low and a subtracted one by high - x: each is then any integer of 0..high-low, and
    the sum is at least 0 exactly if theirs is at least n_subtracted * high - n_added * low. Those that stay below
    a bound are counted by inclusion and exclusion over the ones that pass high - low.
    """
    k, n = n_added + n_subtracted, high - low + 1
    top = n_subtracted * high - n_added * low - 1  # the largest sum that is too small
    count: int = n**k
    for passing in range(k + 1):
        if top >= passing * n:
            count += (1 if passing % 2 else -1) * comb(k, passing) * comb(top - passing * n + k, k)
    return count


def count_values(
    numbers: Sequence[int], n_operands: int, operators: Sequence[str], *, left_to_right: bool
) -> Counter[Number]:
    """Count the problems of each value, over all choices of operands from `numbers` and of operators.

    The work grows with the number of different values on the way, which is far below that of problems.
    """
    one = Counter[Number](numbers)
    return _over_all(one, n_operands, operators, left_to_right, _join_counts, _sum_counts)


def reach(low: int, high: int, n_operands: int, operators: Sequence[str], *, left_to_right: bool) -> Interval | None:
    """Return the least and the greatest value of all problems with operands of low..high; None without any.

    Each operand stands in a problem once, so a value is extreme where its operands are: at the ends of their
    range or, for a divisor, next to 0.
    """
    one: Interval | None = (low, high)
    return _over_all(one, n_operands, operators, left_to_right, _join_intervals, _hull)


def _over_all(
    one: T,
    n_operands: int,
    operators: Sequence[str],
    left_to_right: bool,
    join: Callable[[T, T, str], T],
    union: Callable[[list[T]], T],
) -> T:
    """Evaluate all problems at once: `one` stands for all operands, `join` for an operator, `union` for a choice."""
    if left_to_right:
        total = one
        for _ in range(n_operands - 1):
            total = union([join(total, one, operator) for operator in operators])
        return total
    terms = [one]  # [i] for i + 1 operands joined by * and /
    for _ in range(n_operands - 1):
        terms.append(union([join(terms[-1], one, operator) for operator in operators if operator in "*/"]))
    sums: list[T] = []  # [i] for i + 1 operands
    for i, term in enumerate(terms):
        last_terms = [
            join(sums[j], terms[i - j - 1], operator) for j in range(i) for operator in operators if operator in "+-"
        ]
        sums.append(union([term, *last_terms]))
    return sums[-1]


def _join_counts(left: Counter[Number], right: Counter[Number], operator: str) -> Counter[Number]:
    values = Counter[Number]()
    for x, n_left in left.items():
        for y, n_right in right.items():
            if operator != "/" or y:
                values[_apply(operator, x, y)] += n_left * n_right
    return values


def _sum_counts(parts: list[Counter[Number]]) -> Counter[Number]:
    total = Counter[Number]()
    for part in parts:
        total.update(part)
    return total


def _join_intervals(left: Interval | None, right: Interval | None, operator: str) -> Interval | None:
    if left is None or right is None:
        return None
    ends: Iterable[Number] = right
    if operator == "/":
        ends = [y for y in (*right, -1, 1) if y and right[0] <= y <= right[1]]
    corners = [_apply(operator, x, y) for x in left for y in ends]
    return (min(corners), max(corners)) if corners else None


def _hull(parts: list[Interval | None]) -> Interval | None:
    ends = [end for part in parts if part is not None for end in part]
    return (min(ends), max(ends)) if ends else None


def _apply(operator: str, x: Number, y: Number) -> Number:
    match operator:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return x * y
        case _:
            return Fraction(x) / y
