"""Tables of results are written from their files, and the shipped model is one of those results."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import pytest
from deploy.dockerfile import parse

from longhand.runs.checkpoint import load_checkpoint
from longhand.shipped import model_path

ROOT = Path(__file__).parents[2]


def script(path: str) -> ModuleType:
    """A script of benchmarks/ as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / "benchmarks" / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo_seeds() -> ModuleType:
    """The script that writes the tables."""
    return script("demo_seeds.py")


@pytest.fixture
def serving_tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that writes the tables about serving."""
    monkeypatch.setattr(sys, "path", [*sys.path])  # it adds its folder
    return script("serving/tables.py")


def runs_of(demo_seeds: ModuleType, name: str) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = json.loads((demo_seeds.FACTS / f"{name}.json").read_text(encoding="utf-8"))["runs"]
    return runs


def test_the_tables_in_the_pages_are_those_of_the_committed_runs(demo_seeds: ModuleType) -> None:
    for name, pages in demo_seeds.PAGES.items():
        facts = json.loads((demo_seeds.FACTS / f"{name}.json").read_text(encoding="utf-8"))
        for page in pages:
            assert demo_seeds.table(facts) in page.read_text(encoding="utf-8")


def test_the_table_of_the_architectures_is_that_of_their_runs(demo_seeds: ModuleType) -> None:
    paths = {name: demo_seeds.FACTS / f"{name}.json" for name in demo_seeds.ARCHITECTURES}
    facts = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}
    assert demo_seeds.table_of_architectures(facts) in demo_seeds.RESULTS.read_text(encoding="utf-8")


def test_all_three_architectures_answer_everything_they_were_asked_within_a_quarter_of_an_hour(
    demo_seeds: ModuleType,
) -> None:
    for name in demo_seeds.ARCHITECTURES:
        for run in runs_of(demo_seeds, name):
            assert (run["total"], run["errors"], run["cot_step_accuracy"]) == (39_900, 0, 1.0)
            assert run["train_seconds"] <= 900


def test_every_error_of_the_four_operators_is_published(demo_seeds: ModuleType) -> None:
    for run in runs_of(demo_seeds, "four"):
        assert run["total"] == 3_999_000
        assert len(run["failures"]) == min(run["errors"], demo_seeds.FAILURES_KEPT)
        assert run["share_trained_on"] <= 0.2


def test_sums_that_show_their_work_are_right_in_every_step(demo_seeds: ModuleType) -> None:
    for run in runs_of(demo_seeds, "add-think"):
        assert (run["total"], run["errors"]) == (1_000_000, 0)
        assert run["cot_step_accuracy"] == 1.0


@pytest.mark.parametrize(("name", "total", "seconds"), [("demo", 1_500_500, 60), ("add", 1_000_000, 20)])
def test_five_seeds_of_five_are_right_on_the_whole_domain(
    demo_seeds: ModuleType, name: str, total: int, seconds: int
) -> None:
    runs = runs_of(demo_seeds, name)
    assert [run["seed"] for run in runs] == [0, 1, 2, 3, 4]
    assert all(run["errors"] == 0 and run["total"] == total for run in runs)
    assert all(run["seconds"] <= seconds for run in runs)  # the committed ones; nothing is timed here


def test_numbers_in_the_readme_are_those_of_the_runs(demo_seeds: ModuleType) -> None:
    run = runs_of(demo_seeds, "demo")[0]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"trains a one-layer transformer on {run['share_trained_on']:.0%} of all".replace("%", " %") in readme
    assert f"asks it all {run['total']:,}" in readme.replace("\n", " ")
    assert load_checkpoint(model_path("add-sub-3")).model["n_layers"] == 1


def test_the_table_of_the_published_task_is_that_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    poc_table = importlib.import_module("poc_table")
    facts = json.loads(poc_table.FACTS.read_text(encoding="utf-8"))
    assert poc_table.table(facts) in poc_table.PAGE.read_text(encoding="utf-8")
    # Trained on and chosen by the published files, and asked the published test file.
    published = {"train": "5ece4632788f942d", "val": "f1a24b8a64ad428c", "test": "00a07f72b25ea23f"}
    for run in facts["runs"]:
        assert {split: digest[:16] for split, digest in run["files"].items()} == published


@pytest.mark.row("S2-E1", "S2-E2")
def test_our_recipe_makes_no_error_on_the_published_test_file_where_the_published_one_makes_78(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    facts = json.loads(importlib.import_module("poc_table").FACTS.read_text(encoding="utf-8"))
    assert facts["published"]["test"]["total"] - facts["published"]["test"]["correct"] == 78
    fast = [run for run in facts["runs"] if run["config"] == "poc-fast"]
    assert [run["seed"] for run in fast] == [0, 1, 2, 3, 4]
    assert all(run["test"]["correct"] == run["test"]["total"] == 5_006 for run in fast)
    assert all(run["wrong_of_all"] == 0 and run["seconds"] <= 120 for run in fast)


def test_the_tables_of_the_benchmarks_are_those_of_the_committed_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    bench_tables = importlib.import_module("bench_tables")
    page = bench_tables.PAGE.read_text(encoding="utf-8")
    assert bench_tables.page_with_tables(page) == page


def test_the_shipped_model_is_small_and_says_that_it_made_no_error() -> None:
    path = model_path("add-sub-3")
    assert sum(file.stat().st_size for file in path.iterdir()) < 2_000_000
    checkpoint = load_checkpoint(path)
    assert checkpoint.metrics["exhaustive"]["total"] == 1_500_500
    assert checkpoint.metrics["exhaustive"]["errors"] == 0
    assert checkpoint.training["data"]["share_trained_on"] <= 0.2


@pytest.mark.row("S0-H1")
def test_every_measured_training_fits_the_memory_that_math_llm_asks_for() -> None:
    rows = json.loads((ROOT / "docs" / "results" / "bench" / "train.json").read_text(encoding="utf-8"))["summary"]
    ours = [row["peak_memory"] for row in rows if row["contender"].startswith("longhand")]
    assert ours
    assert max(ours) < 2**30  # of 8 GB, and none of it on a GPU


def test_the_table_of_proofs_is_that_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    certified_seeds = importlib.import_module("certified_seeds")
    facts = json.loads(certified_seeds.FACTS.read_text(encoding="utf-8"))
    assert certified_seeds.table(facts) in certified_seeds.PAGE.read_text(encoding="utf-8")
    bars = {"add": (15, 30_000), "signed": (60, 30_000), "compare": (10, 30_000)}
    bars |= {"product": (600, 200_000), "division": (600, 200_000), "four": (1200, 200_000)}
    for name, (seconds, parameters) in bars.items():
        runs = facts["runs"][f"certified-{name}"]
        assert [run["seed"] for run in runs] == [0, 1, 2, 3, 4]
        for run in runs:
            assert run["proved"]
            assert run["smallest_lead"] > 0.5 > run["bound"]
            assert run["parameters"] <= parameters
            assert run["cpu_seconds"] <= seconds  # the committed ones; nothing is timed here


@pytest.mark.parametrize("script", ["certified_ablations", "smallest_certified"])
def test_the_tables_of_what_is_given_and_of_the_smallest_models_are_those_of_their_runs(
    monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    module = importlib.import_module(script)
    facts = json.loads(module.FACTS.read_text(encoding="utf-8"))
    assert module.table(facts) in module.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "layout"), [("smallest-adder", "sum"), ("smallest-signed", "signed")])
def test_the_smallest_proved_models_are_the_ones_that_are_shipped(name: str, layout: str) -> None:
    facts = json.loads((ROOT / "docs" / "results" / "smallest.json").read_text(encoding="utf-8"))
    proved = [run["parameters"] for run in facts["runs"] if run["layout"] == layout and "smallest_lead" in run]
    shipped = load_checkpoint(model_path(name))
    assert shipped.certificate is not None
    assert shipped.num_parameters == min(proved)
    page = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    assert f"by {min(proved):,} numbers" in page


def test_the_table_of_long_numbers_is_that_of_what_was_asked_and_all_of_it_was_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    certified_lengths = importlib.import_module("certified_lengths")
    facts = json.loads(certified_lengths.FACTS.read_text(encoding="utf-8"))
    assert certified_lengths.table(facts) in certified_lengths.PAGE.read_text(encoding="utf-8")
    assert all(row["right"] == row["asked"] for row in facts["rows"])


def test_the_tables_of_the_controls_are_those_of_their_runs_and_the_proved_model_made_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    controls = importlib.import_module("length_controls")
    facts = json.loads(controls.FACTS.read_text(encoding="utf-8"))
    assert controls.table(facts) in controls.PAGE.read_text(encoding="utf-8")
    assert [tuple(run[key] for key in controls.Run._fields) for run in facts["runs"]] == list(controls.plan())
    for run in facts["runs"]:
        assert run["examples"] == 192 * run["steps"]
        assert {digits: of["random"][1] for digits, of in run["right"].items()}.items() <= {
            str(digits): n for digits, (n, _) in controls.ASKED.items()
        }.items()
    assert facts["proved"]["right"].keys() == {str(digits) for digits in controls.ASKED}
    for kinds in facts["proved"]["right"].values():
        assert all(right == asked for right, asked in kinds.values())


@pytest.mark.row("S2-K1")
def test_the_image_was_built_served_and_is_as_small_as_its_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    container_table = importlib.import_module("container_table")
    facts = json.loads(container_table.FACTS.read_text(encoding="utf-8"))
    assert container_table.table(facts) in container_table.PAGE.read_text(encoding="utf-8")
    assert sum(layer["bytes"] for layer in facts["layers"]) < facts["limit_bytes"] == 1_200_000_000
    # What was measured is the image that the Dockerfile describes now.
    stages = parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    (base,) = [stage for stage in stages if stage.name == stages[-1].base]
    steps = [str(step) for stage in (base, stages[-1]) for step in stage.instructions if step.name in ("RUN", "COPY")]
    assert [layer["step"] for layer in facts["layers"]] == [f"FROM {base.base}", *steps]
    user = stages[-1].last("USER")
    assert user is not None
    assert user.text.startswith(f"{facts['user']}:")
    assert facts["models"] == ["add-sub-3"]
    assert facts["kernels"] != "none"


def test_every_carry_of_the_controls_runs_through_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    controls = importlib.import_module("length_controls")
    for digits, (n_random, n_carries) in controls.ASKED.items():
        problems = controls.problems_of(digits)
        assert [len(asked) for asked in problems.values()] == [n_random, n_carries]
        assert all(len(str(number)) == digits for asked in problems.values() for pair in asked for number in pair)
        for a, b in problems["carries"]:
            columns = [int(x) + int(y) for x, y in zip(str(a), str(b), strict=True)]
            assert columns == [9] * (digits - 1) + [10]


def test_the_tables_about_serving_are_those_of_the_committed_runs(serving_tables: ModuleType) -> None:
    found = serving_tables.tables()
    assert found.keys() == {"serving", "serving beside 002", "serving for long"}
    page = serving_tables.PAGE.read_text(encoding="utf-8")
    for name, text in found.items():
        assert f"<!-- {name} table -->\n{text}<!-- end of {name} table -->" in page


def test_no_answer_of_the_long_runs_was_wrong_lost_or_late(serving_tables: ModuleType) -> None:
    million, malformed, overload = (
        json.loads((serving_tables.FACTS / f"serving_{name}.json").read_text(encoding="utf-8"))
        for name in ("million", "malformed", "overload")
    )
    assert million["statuses"] == {"200": million["requests"]} == {"200": 1_000_000}
    assert (million["wrong"], million["not_answered_once"]) == (0, 0)
    assert million["promotions"] > 10
    assert min(million["by_version"].values()) > 0.1 * million["requests"]
    assert million["differing"] > 0.1 * million["requests"]  # or an answer of the other version could pass
    assert (malformed["bodies"], malformed["wrong"], malformed["answers_afterwards"]) == (100_000, 0, True)
    assert max(malformed["mib"][5:]) < malformed["mib"][4] + 2
    assert overload["asked"] >= 9 * overload["capacity"] * overload["seconds"]
    assert overload["seconds"] == 60
    assert (overload["wrong"], overload["lost"], overload["refused_without_retry_after"]) == (0, 0, 0)
    assert overload["refused"].keys() <= {"503", "429"}
    assert overload["served_longest_ms"] <= overload["deadline_ms"]


def test_the_server_is_as_fast_as_was_asked_where_it_was_measured(serving_tables: ModuleType) -> None:
    facts, poc = (
        json.loads((serving_tables.FACTS / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("serving", "serving_poc")
    )
    busy = [row for row in facts["rows"] if row["connections"] in (32, 64)]
    assert len(busy) == 2
    for row in busy:
        assert median(row["ratios"]) >= 0.7
        assert row["/predict"]["p99_ms"] <= 3 * row["/predict"]["p50_ms"]
    assert facts["rows"][0]["/predict"]["p50_ms"] <= 3  # over one connection
    assert median(poc["rows"][-1]["ratios"]) >= 15
    assert poc["rows"][-1]["users"] == 32


def test_the_table_of_word_problems_is_that_of_the_committed_run_without_a_wrong_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    words = script("word_problems.py")
    facts = json.loads(words.FACTS.read_text(encoding="utf-8"))
    text = words.table(facts)
    assert f"<!-- word problems table -->\n{text}<!-- end of word problems table -->" in words.PAGE.read_text(
        encoding="utf-8"
    )
    assert (facts["problems"], facts["wrong"], facts["forms_of_train_in_test"]) == (1_000_000, 0, 0)
