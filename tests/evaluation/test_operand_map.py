from __future__ import annotations

import numpy as np
import pytest

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.operand_map import operand_maps
from longhand.evaluation.suites import DomainSuite
from longhand.solvers.oracle import Fault, Oracle

DOMAIN = Domain(operators=("-", "+"), max_operand=29)


def test_a_map_shows_where_the_errors_are() -> None:
    codes = evaluate(Oracle(DOMAIN, faults={"3+25": Fault.WRONG, "20-4": Fault.WRONG}), DomainSuite(DOMAIN)).codes
    minus, plus = operand_maps(DOMAIN, codes, max_blocks=3)
    assert (minus.operator, plus.operator, plus.block, plus.low, plus.high) == ("-", "+", 10, 0, 29)
    wanted = np.ones((3, 3))
    wanted[0, 2] = 0.99
    assert np.allclose(plus.share, wanted)
    assert np.isnan(minus.share[0, 1:]).all()
    assert np.isnan(minus.share[1, 2])
    assert minus.share[2].tolist() == [0.99, 1.0, 1.0]


def test_one_block_per_operand_where_there_is_room() -> None:
    codes = evaluate(Oracle(DOMAIN, faults={"3+25": Fault.WRONG}), DomainSuite(DOMAIN)).codes
    _, plus = operand_maps(DOMAIN, codes)
    assert plus.share.shape == (30, 30)
    assert np.argwhere(plus.share == 0).tolist() == [[3, 25]]


def test_blocks_cover_operands_that_do_not_divide_evenly() -> None:
    domain = Domain(operators=("+",), min_operand=-5, max_operand=5, negatives="allow")
    (plus,) = operand_maps(domain, np.zeros(domain.size, dtype=np.uint8), max_blocks=4)
    assert plus.share.shape == (4, 4)
    assert (plus.share == 1).all()


def test_verdicts_of_something_else_are_refused() -> None:
    with pytest.raises(UserError, match="5 verdicts do not belong to a domain of 1365 problems"):
        operand_maps(DOMAIN, np.zeros(5, dtype=np.uint8))
    three = Domain(n_operands=3, max_operand=2)
    with pytest.raises(UserError, match="a map has two axes"):
        operand_maps(three, np.zeros(three.size, dtype=np.uint8))
