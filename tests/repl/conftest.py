"""Solvers that write the worked steps of the documented transcript."""

from __future__ import annotations

import pytest

from longhand.arithmetic.domain import Domain
from longhand.solvers.oracle import Fault, Oracle
from longhand.text.formats import Format
from longhand.text.presets import vocabulary


@pytest.fixture
def oracle() -> Oracle:
    """Sums of two numbers of two digits with their columns, wrong in three known places."""
    return Oracle(
        Domain(operators=("+",), max_operand=99),
        Format(steps="columns"),
        vocabulary("cot16"),
        faults={"9+1": Fault.WRONG, "9+2": Fault.UNFINISHED, "9+3": Fault.MALFORMED, "9+4": Fault.OUT_OF_RANGE},
    )
