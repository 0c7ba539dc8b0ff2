from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.verdict import Verdict
from longhand.data.arrays import domain_arrays
from longhand.errors import UserError
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.metrics import CODE_OF
from longhand.evaluation.operand_map import OperandMap, operand_maps
from longhand.evaluation.suites import DomainSuite
from longhand.solvers.oracle import Fault, Oracle

DOMAIN = Domain(operators=("-", "+"), max_operand=29)


def maps_of(faults: dict[str, Fault], **settings: Any) -> list[OperandMap]:
    codes = evaluate(Oracle(DOMAIN, faults=faults), DomainSuite(DOMAIN)).codes
    return operand_maps(DOMAIN, domain_arrays(DOMAIN), codes == CODE_OF[Verdict.CORRECT], **settings)


def test_a_map_shows_where_the_errors_are() -> None:
    minus, plus = maps_of({"3+25": Fault.WRONG, "20-4": Fault.WRONG}, block=10)
    assert (minus.operator, plus.operator, plus.block, plus.low, plus.high) == ("-", "+", 10, 0, 29)
    wanted = np.ones((3, 3))
    wanted[0, 2] = 0.99
    assert np.allclose(plus.share, wanted)
    assert (plus.asked == 100).all()
    assert plus.right[0].tolist() == [100, 100, 99]
    assert np.isnan(minus.share[0, 1:]).all()
    assert np.isnan(minus.share[1, 2])
    assert minus.share[2].tolist() == [0.99, 1.0, 1.0]


def test_one_block_per_operand_where_there_is_room() -> None:
    _, plus = maps_of({"3+25": Fault.WRONG})
    assert plus.share.shape == (30, 30)
    assert np.argwhere(plus.share == 0).tolist() == [[3, 25]]


def test_blocks_cover_operands_that_do_not_divide_evenly() -> None:
    domain = Domain(operators=("+",), min_operand=-5, max_operand=5, negatives="allow")
    (plus,) = operand_maps(domain, domain_arrays(domain), np.ones(domain.size, dtype=np.bool_), block=3)
    assert plus.share.shape == (4, 4)
    assert (plus.share == 1).all()
    assert plus.asked[:, 3].tolist() == [6, 6, 6, 4]


def test_some_of_the_problems_are_counted_as_they_are() -> None:
    some = domain_arrays(DOMAIN).take(np.array([0, 1, 2, 500]))
    maps = operand_maps(DOMAIN, some, np.array([True, False, True, True]), block=30)
    assert sum(int(found.asked.sum()) for found in maps) == 4
    assert sum(int(found.right.sum()) for found in maps) == 3


def test_problems_of_three_operands_have_no_map() -> None:
    three = Domain(n_operands=3, max_operand=2)
    with pytest.raises(UserError, match="a map has two axes"):
        operand_maps(three, domain_arrays(three), np.ones(three.size, dtype=np.bool_))
