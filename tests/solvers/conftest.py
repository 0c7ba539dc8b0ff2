"""Small models that are wrong in interesting ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from longhand.arithmetic.domain import Domain
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.native import Engine
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

MakeSolver = Callable[..., AutoregressiveSolver]


@pytest.fixture
def make_solver() -> MakeSolver:
    """Untrained solvers; large random weights make what they write depend on the prompt."""

    def make(
        name: str = "gpt2",
        *,
        seed: int = 0,
        format: Format | None = None,
        words: str = "mini18",
        domain: Domain | None = None,
        max_seq_len: int = 24,
        max_new_tokens: int | None = None,
        engine: Engine = "auto",
    ) -> AutoregressiveSolver:
        config = ModelConfig(
            name=name,
            d_model=16,
            n_heads=2,
            n_layers=2,
            max_seq_len=max_seq_len,
            tie_weights=False,
            init_std=0.6,
        )
        spelling = vocabulary(words)
        model = build_model(config, len(spelling), seed=seed)
        return AutoregressiveSolver(
            model, spelling, format or Format(), domain, max_new_tokens=max_new_tokens, engine=engine
        )

    return make
