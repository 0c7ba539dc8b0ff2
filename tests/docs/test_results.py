"""Tables of results are written from their files, and the shipped model is one of those results."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from longhand.runs.checkpoint import load_checkpoint
from longhand.shipped import model_path

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo_seeds() -> ModuleType:
    """The script that writes the tables."""
    spec = importlib.util.spec_from_file_location("demo_seeds", ROOT / "benchmarks" / "demo_seeds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_in_the_pages_are_those_of_the_committed_runs(demo_seeds: ModuleType) -> None:
    facts = json.loads(demo_seeds.FACTS.read_text(encoding="utf-8"))
    for page in demo_seeds.PAGES:
        assert demo_seeds.table(facts) in page.read_text(encoding="utf-8")


def test_five_seeds_of_five_are_right_on_the_whole_domain(demo_seeds: ModuleType) -> None:
    runs = json.loads(demo_seeds.FACTS.read_text(encoding="utf-8"))["runs"]
    assert [run["seed"] for run in runs] == [0, 1, 2, 3, 4]
    assert all(run["errors"] == 0 and run["total"] == 1_500_500 for run in runs)
    assert all(run["train_seconds"] + run["sweep_seconds"] < 300 for run in runs)


def test_numbers_in_the_readme_are_those_of_the_runs(demo_seeds: ModuleType) -> None:
    (run, *_) = json.loads(demo_seeds.FACTS.read_text(encoding="utf-8"))["runs"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"trains a two-layer transformer on {run['share_trained_on']:.0%} of all".replace("%", " %") in readme
    assert f"asks it all {run['total']:,}" in readme
    assert load_checkpoint(model_path("add-sub-3")).model["n_layers"] == 2


def test_the_shipped_model_is_small_and_says_that_it_made_no_error() -> None:
    path = model_path("add-sub-3")
    assert sum(file.stat().st_size for file in path.iterdir()) < 2_000_000
    checkpoint = load_checkpoint(path)
    assert checkpoint.metrics["exhaustive"]["total"] == 1_500_500
    assert checkpoint.metrics["exhaustive"]["errors"] == 0
    assert checkpoint.training["data"]["share_trained_on"] <= 0.2
