"""From runs to results: accuracies in both ledgers with intervals, comparisons in pairs, and the registered rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from longhand.atomic import write_json
from longhand.recipes.recursion.comparison import (
    Right,
    bootstrap,
    bootstrap_difference,
    holm,
    mcnemar,
)
from longhand.recipes.recursion.plan import Plan, TaskName
from longhand.recipes.recursion.record import Run, fingerprint, unpack
from longhand.recipes.recursion.registry import ARMS

LEDGERS = ("flops", "examples")
CANDIDATE = "a6"
"""The recursive head that the rule is about."""
RIVALS = ("a2", "a3", "a8", "a10")
"""What it has to beat, all of them, in both ledgers."""


def write_results(path: Path, plan: Plan, runs: Sequence[Run]) -> dict[str, Any]:
    """Compare the runs, write what came out as JSON, and return it."""
    results = compare(plan, runs)
    write_json(path, results)
    return results


def compare(plan: Plan, runs: Sequence[Run]) -> dict[str, Any]:
    """All numbers of the page: for each task its arms, the comparisons with a6, and whether it helps."""
    tasks = {name: _task(plan, name, [run for run in runs if run["task"] == name]) for name in plan.tasks}
    tasks = {name: found for name, found in tasks.items() if found["arms"]}
    _correct([row for found in tasks.values() for row in found["comparisons"]])
    for found in tasks.values():
        found["helps"] = _helps(found["comparisons"], plan.alpha)
    return {
        "plan": fingerprint(plan),
        "seeds": list(plan.seeds),
        "asked": plan.asked,
        "asked_of_curves": plan.asked_of_curves,
        "runs": len(runs),
        "cpu_seconds": round(sum(run.get("cpu_seconds", 0.0) for run in runs)),
        "tasks": tasks,
    }


def right_of(run: Run, ledger: str, levels: Sequence[int], n: int) -> Right:
    """Which problems of these levels were right, one level after the other."""
    packed: Mapping[str, str] = run[ledger]["right"]
    return np.concatenate([unpack(packed[str(level)], n).numpy() for level in levels])


def _task(plan: Plan, name: TaskName, runs: Sequence[Run]) -> dict[str, Any]:
    task = plan.task(name)
    arms: dict[str, Any] = {}
    right: dict[tuple[str, str], Right] = {}
    for arm in ARMS:
        of_arm = sorted((run for run in runs if run["arm"] == arm), key=lambda run: run["seed"])
        if not of_arm:
            continue
        row: dict[str, Any] = {
            "parameters": of_arm[0]["parameters"],
            "seeds": [run["seed"] for run in of_arm],
            "own_depth": of_arm[0]["own_depth"],
            "cpu_seconds": _mean([run["cpu_seconds"] for run in of_arm]) if "cpu_seconds" in of_arm[0] else None,
        }
        for ledger in LEDGERS:
            right[arm, ledger] = np.stack([right_of(run, ledger, task.measured, plan.asked) for run in of_arm])
            row[ledger] = {
                "accuracy": bootstrap(right[arm, ledger], plan.resamples)._asdict(),
                "by_seed": [round(float(value), 6) for value in right[arm, ledger].mean(1)],
                "by_level": _mean_of_levels([run[ledger]["accuracy"] for run in of_arm]),
                "spent": _mean_spent([run[ledger]["spent"] for run in of_arm]),
            }
        for key in ("twice", "curve"):
            with_key = [run[key] for run in of_arm if key in run]
            if with_key:
                row[key] = (
                    _mean_of_levels(with_key)
                    if key == "twice"
                    else {depth: _mean_of_levels([curve[depth] for curve in with_key]) for depth in with_key[0]}
                )
        arms[arm] = row
    return {
        "title": task.title,
        "measured": list(task.measured),
        "beyond": list(task.beyond),
        "level_names": {str(level): task.level_name(level) for level in task.levels},
        "arms": arms,
        "comparisons": _comparisons(arms, right, plan),
    }


def _comparisons(arms: Mapping[str, Any], right: Mapping[tuple[str, str], Right], plan: Plan) -> list[dict[str, Any]]:
    rows = []
    for rival in arms:
        if rival == CANDIDATE or CANDIDATE not in arms or arms[rival]["seeds"] != arms[CANDIDATE]["seeds"]:
            continue
        for ledger in LEDGERS:
            ours, theirs = right[CANDIDATE, ledger], right[rival, ledger]
            split = mcnemar(ours, theirs)
            rows.append(
                {
                    "rival": rival,
                    "ledger": ledger,
                    "difference": bootstrap_difference(ours, theirs, plan.resamples)._asdict(),
                    "ours_alone": split.ours,
                    "theirs_alone": split.theirs,
                    "p": split.p,
                }
            )
    return rows


def _correct(rows: Sequence[dict[str, Any]]) -> None:
    """Holm over all comparisons of all tasks together."""
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = corrected


def _helps(rows: Sequence[Mapping[str, Any]], alpha: float) -> bool | None:
    """The registered rule: a6 is better than a2, a3, a8 and a10, in both ledgers; None while some of them lack."""
    decisive = [row for row in rows if row["rival"] in RIVALS]
    if len(decisive) < len(RIVALS) * len(LEDGERS):
        return None
    return all(row["difference"]["value"] > 0 and row["p_corrected"] < alpha for row in decisive)


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 1)


def _mean_spent(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: _mean([run[key] for run in runs]) for key in runs[0]}


def _mean_of_levels(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {level: round(sum(run[level] for run in runs) / len(runs), 6) for level in runs[0]}
