"""A run of the smoke configuration, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from longhand.shipped import config_path
from longhand.training.run_config import load_run_config
from longhand.training.start import start_training


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output directory of a finished run: one-digit sums and differences, nearly all of them right."""
    out = tmp_path_factory.mktemp("smoke") / "run"
    start_training(load_run_config(config_path("smoke")), out)
    return out
