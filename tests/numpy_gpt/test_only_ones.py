"""The known issue of the published system, reproduced and put right: it said 1 to everything."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.numpy_gpt.tiny_models import random_model, tiny_config

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
only_ones: Any = importlib.import_module("only_ones")
sys.path.pop(0)


@pytest.mark.row("S1-K1", "S1-N1")
@pytest.mark.bug("S1-1")
def test_answers_differ_when_questions_do() -> None:
    found = only_ones.outcome(only_ones.IN_LINE, steps=400)
    assert {found.answers[question] for question in ("9+9", "9-9", "9*9")} == {"18", "0", "81"}
    assert found.right > 0.9 * len(found.answers)


@pytest.mark.row("S1-K1")
@pytest.mark.bug("S1-1")
@pytest.mark.parametrize(("way", "ones"), [("AS_PUBLISHED", 140), ("WITHOUT_LESSER_FAULTS", 0)])
def test_targets_beside_the_question_make_answers_begin_alike_whatever_is_asked(way: str, ones: int) -> None:
    found = only_ones.outcome(getattr(only_ones, way), steps=150)
    assert len({found.answers[question][:1] for question in ("9+9", "9-9", "9*9", "9+0", "9*1")}) == 1
    assert found.right < 0.2 * len(found.answers)
    assert Counter(found.answers.values())["1"] >= ones


@pytest.mark.bug("S1-3")
def test_the_order_of_digits_matters_and_a_block_adds_to_what_it_reads() -> None:
    ids, turned = np.array([[1, 2, 3]]), np.array([[2, 1, 3]])
    for positions, tells in (("none", False), ("learned", True), ("sinusoidal", True)):
        model = random_model(tiny_config(n_layers=1, pos_encoding=positions))
        said, other = (model.forward(row)[0][:, -1] for row in (ids, turned))
        assert np.allclose(said, other) is not tells
    for name, weight in model.parameters.weights.items():
        if ".out." in name or ".down." in name:
            weight[...] = 0
    assert not np.allclose(model.forward(ids)[0][0, 0], model.forward(turned)[0][0, 0])
