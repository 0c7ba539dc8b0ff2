"""The experiment from its command to its tables, interrupted and gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longhand.cli.main import main
from longhand.errors import UserError
from longhand.recipes.recursion.page import page_with_tables, tables
from longhand.recipes.recursion.plan import REGISTERED, SMOKE, Plan, load_plan
from longhand.recipes.recursion.record import RUNS, append, fingerprint, pack, read_runs, unpack
from longhand.recipes.recursion.results import LEDGERS, RIVALS, compare
from longhand.recipes.recursion.run import run_experiment


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole experiment, of no meaning."""
    out = tmp_path_factory.mktemp("recursion")
    assert main(["recipes", "recursion-ablation", "--smoke", "--out", str(out)]) == 0
    return out


def test_every_run_of_the_plan_is_there_with_both_ledgers(done: Path) -> None:
    plan = load_plan(SMOKE)
    runs = read_runs(done / RUNS, plan)
    wanted = {(task, arm, 0) for task, spec in plan.tasks.items() for arm in spec.arms}
    assert {(run["task"], run["arm"], run["seed"]) for run in runs} == wanted
    for run in runs:
        spec = plan.tasks[run["task"]]
        assert run["flops"]["spent"]["flops"] >= spec.flops
        assert run["examples"]["spent"]["examples"] == spec.examples
        for ledger in LEDGERS:
            for level, share in run[ledger]["accuracy"].items():
                right = unpack(run[ledger]["right"][level], plan.asked)
                assert share == pytest.approx(float(right.float().mean()))
        assert ("curve" in run) == (run["arm"] in ("a3", "a4", "a5", "a6", "a9", "a11"))
    assert json.loads((done / "recursion.json").read_text())["runs"] == len(runs)
    assert {path.name for path in done.glob("*.png")} == {
        "recursion-arms.png", "recursion-levels.png", "recursion-depth.png",
    }  # fmt: skip


def test_an_interrupted_experiment_goes_on_and_ends_as_it_would_have(
    done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = load_plan(SMOKE)
    lines = (done / RUNS).read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["task"] == "A"]
    (tmp_path / RUNS).write_text("".join(kept[:-1]) + kept[-1][:40] + "\n")  # the last one was cut off
    told: list[tuple[int, int]] = []
    runs = run_experiment(plan, tmp_path, tasks=["A"], progress=lambda n, of: told.append((n, of)))
    assert told[-1] == (1, 1)
    clean = [run for run in read_runs(done / RUNS, plan) if run["task"] == "A"]
    for run in (*runs, *clean):
        run.pop("cpu_seconds", None)
    assert runs == clean
    run_experiment(plan, tmp_path, tasks=["A"], progress=lambda *_: pytest.fail("there was nothing left to do"))


def test_two_processes_find_what_one_finds(done: Path, tmp_path: Path) -> None:
    plan = load_plan(SMOKE)
    runs = run_experiment(plan, tmp_path, tasks=["C"], arms=["a0", "a9"], processes=2)
    alone = {run["arm"]: run for run in read_runs(done / RUNS, plan) if run["task"] == "C"}
    assert [run["arm"] for run in runs] == ["a0", "a9"]
    for run in runs:
        assert run["flops"] == alone[run["arm"]]["flops"]


def test_runs_of_another_plan_are_not_mixed_in(done: Path) -> None:
    other = load_plan(SMOKE).model_copy(update={"asked": 21})
    with pytest.raises(UserError, match="another plan"):
        read_runs(done / RUNS, other)
    assert fingerprint(load_plan(SMOKE).model_copy(update={"seeds": (5,)})) == fingerprint(load_plan(SMOKE))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--seeds", "9"], "no seed 9; it has 0"),
        (["--tasks", "X"], "no task 'X'; it has C, A, M"),
        (["--arms", "a12"], "no arm 'a12'"),
        (["--processes", "0"], "--processes is 0"),
        (["--plan", "nowhere.yaml"], "cannot read the plan nowhere.yaml"),
        (["--analyse"], "there are no runs in"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipes", "recursion-ablation", "--smoke", "--out", str(tmp_path / "out"), *words]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"seeds": []}, "seeds"),
        ({"nonsense": 1}, "nonsense"),
        ({"tasks": {"C": {"arms": ["a10"]}}}, "a10 on task C asks a8 at the cost of a6"),
        ({"tasks": {"C": {"arms": ["a11"]}}}, "whole answers, which task C does not have"),
    ],
)
def test_impossible_plans_are_refused_in_one_line(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    plan = load_plan(SMOKE).model_dump(mode="json")
    for task, keys in change.pop("tasks", {}).items():
        plan["tasks"][task] |= keys
    path = tmp_path / "plan.yaml"
    path.write_text(json.dumps({**plan, **change}))
    with pytest.raises(UserError) as error:
        load_plan(path)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_the_registered_plan_is_the_one_the_issue_asks_for() -> None:
    plan = load_plan(REGISTERED)
    assert plan.asked >= 2000
    assert len(plan.seeds) >= 3
    assert set(plan.tasks) == {"C", "A", "M"}
    for task in plan.tasks.values():
        assert len(task.arms) >= 8
        assert {"a6", *RIVALS} <= set(task.arms)


@pytest.mark.parametrize("n", [1, 8, 2000])
def test_packed_answers_come_back(n: int) -> None:
    right = torch.rand(n, generator=torch.Generator().manual_seed(n)) < 0.3
    assert torch.equal(unpack(pack(right), n), right)


def test_the_rule_asks_for_all_rivals_in_both_ledgers(tmp_path: Path) -> None:
    plan = load_plan(SMOKE).model_copy(update={"asked": 400, "seeds": (0, 1, 2)})
    helped = compare(plan, _made_up(plan, {"a6": 0.9}))["tasks"]["C"]
    assert helped["helps"] is True
    assert all(row["p_corrected"] >= row["p"] for row in helped["comparisons"])
    assert compare(plan, _made_up(plan, {"a6": 0.9, "a10": 0.9}))["tasks"]["C"]["helps"] is False
    assert compare(plan, _made_up(plan, {"a6": 0.9}, at_examples={"a3": 0.95}))["tasks"]["C"]["helps"] is False
    without = [run for run in _made_up(plan, {"a6": 0.9}) if run["arm"] != "a10"]
    assert compare(plan, without)["tasks"]["C"]["helps"] is None


def _made_up(plan: Plan, shares: dict[str, float], at_examples: dict[str, float] | None = None) -> list[dict[str, Any]]:
    """Runs in which an arm has about the share of right answers that is given, by default a half."""
    generator = np.random.default_rng(0)
    runs = []
    for arm in ("a2", "a3", "a6", "a8", "a10"):
        for seed in plan.seeds:
            run: dict[str, Any] = {"task": "C", "arm": arm, "seed": seed, "plan": "", "parameters": 1, "own_depth": 1}
            for ledger in LEDGERS:
                share = {**shares, **((at_examples or {}) if ledger == "examples" else {})}.get(arm, 0.5)
                right = {level: torch.from_numpy(generator.random(plan.asked) < share) for level in (2, 4, 6)}
                run[ledger] = {
                    "spent": {"flops": 1.0, "examples": 1, "updates": 1, "level": 1},
                    "accuracy": {str(level): float(found.float().mean()) for level, found in right.items()},
                    "right": {str(level): pack(found) for level, found in right.items()},
                }
            runs.append(run)
    return runs


def test_tables_say_what_the_results_say_and_take_their_place_in_a_page(done: Path) -> None:
    results = json.loads((done / "recursion.json").read_text())
    text = tables(results)
    for name, task in results["tasks"].items():
        assert f"### {name}: {task['title']}" in text
        for arm, found in task["arms"].items():
            assert f"| {arm} | " in text
            assert f"{100 * found['flops']['accuracy']['value']:.1f} (" in text
    page = "before\n<!-- tables -->\nold\n<!-- end of tables -->\nafter\n"
    empty = page.replace("old\n", "")
    assert page_with_tables(empty, results) == page_with_tables(page, results)
    with pytest.raises(UserError, match="the page has no"):
        page_with_tables("before\n<!-- end of tables -->\n<!-- tables -->", results)
    written = page_with_tables(page, results)
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert text in written
    assert "old" not in written
    assert page_with_tables(written, results) == written


def test_lines_of_runs_are_added_and_the_later_one_counts(tmp_path: Path) -> None:
    plan = load_plan(SMOKE)
    run = {"task": "C", "arm": "a0", "seed": 0, "plan": fingerprint(plan)}
    append(tmp_path, [{**run, "cpu_seconds": 1.0}])
    append(tmp_path, [{**run, "cpu_seconds": 2.0}, {**run, "seed": 1}])
    assert [(found["seed"], found.get("cpu_seconds")) for found in read_runs(tmp_path / RUNS, plan)] == [
        (0, 2.0), (1, None),
    ]  # fmt: skip
