"""The page on recursion says what its runs found, by the plan that was registered."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from longhand.recipes.recursion.page import page_with_tables
from longhand.recipes.recursion.plan import REGISTERED, load_plan
from longhand.recipes.recursion.record import Run, fingerprint, read_runs
from longhand.recipes.recursion.results import compare

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def page() -> Iterator[ModuleType]:
    """The script that writes the tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("recursion_page")


@pytest.fixture(scope="module")
def results(page: ModuleType) -> dict[str, Any]:
    """What came out."""
    found: dict[str, Any] = json.loads(page.FACTS.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def runs(page: ModuleType) -> list[Run]:
    """The lines of the runs; they are of the registered plan, or this fails."""
    return read_runs(page.KEPT_RUNS, load_plan(REGISTERED))


def test_the_tables_are_those_of_the_results(page: ModuleType, results: dict[str, Any]) -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page_with_tables(text, results) == text


def test_every_registered_run_was_made(runs: list[Run]) -> None:
    plan = load_plan(REGISTERED)
    wanted = {(task, arm, seed) for task, spec in plan.tasks.items() for arm in spec.arms for seed in plan.seeds}
    assert {(run["task"], run["arm"], run["seed"]) for run in runs} == wanted


def test_the_results_are_those_of_the_runs(results: dict[str, Any], runs: list[Run]) -> None:
    plan = load_plan(REGISTERED).model_copy(update={"resamples": 2})  # intervals apart, nothing is drawn
    again = compare(plan, runs)
    assert again["plan"] != fingerprint(load_plan(REGISTERED)) == results["plan"]
    for name, task in results["tasks"].items():
        found = again["tasks"][name]
        assert (found["helps"], found["measured"], found["beyond"]) == (
            task["helps"], task["measured"], task["beyond"],
        )  # fmt: skip
        for ours, theirs in zip(found["comparisons"], task["comparisons"], strict=True):
            keys = ("rival", "ledger", "ours_alone", "theirs_alone", "p", "p_corrected")
            assert [ours[key] for key in keys] == pytest.approx([theirs[key] for key in keys])
        for arm, row in task["arms"].items():
            for ledger in ("flops", "examples"):
                accuracy = row[ledger]["accuracy"]
                assert accuracy["value"] == pytest.approx(found["arms"][arm][ledger]["accuracy"]["value"])
                assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]


def test_the_page_says_no_because_the_rule_says_no(page: ModuleType, results: dict[str, Any]) -> None:
    assert [task["helps"] for task in results["tasks"].values()] == [False, False, False]
    assert "**No, not as TRM does it" in page.PAGE.read_text(encoding="utf-8")


@pytest.mark.row("S3-B3")
def test_the_looped_model_goes_twice_as_deep_as_it_was_trained_where_a_plain_one_guesses(runs: list[Run]) -> None:
    by_arm = {name: [run for run in runs if (run["task"], run["arm"]) == ("C", name)] for name in ("a8", "a9")}
    for looped, plain in zip(by_arm["a9"], by_arm["a8"], strict=True):
        assert looped["parameters"] - plain["parameters"] == 32  # the norm within the loop
        assert looped["flops"]["accuracy"]["16"] >= 0.95
        assert looped["twice"]["32"] >= 0.80
        assert plain["flops"]["accuracy"]["32"] <= 0.50
