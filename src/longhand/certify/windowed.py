"""The certificate of a windowed model: right after every window there is, hence right for numbers of any length."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from longhand.certify.claims import CLAIMS
from longhand.certify.controls import negative_controls
from longhand.certify.counterexample import Counterexample, counterexample
from longhand.certify.dense import compare_with_dense
from longhand.certify.network_check import NetworkCheck, check_network
from longhand.certify.obligations import obligations
from longhand.certify.rounding import ASSUMPTIONS, UNIT
from longhand.certify.rules.registry import rules_of
from longhand.certify.search import WindowList, list_windows
from longhand.runs.certificate import FORMAT, FORMAT_VERSION, NotCertifiedError
from longhand.runs.checkpoint import WEIGHTS, Checkpoint
from longhand.runs.manifest import file_sha256
from longhand.solvers.windowed import WindowedSolver
from longhand.text.layouts.base import Layout
from longhand.version import __version__

SHOWN = 5
DENSE_CASES = 20


def certify_windows(directory: Path, checkpoint: Checkpoint, solver: WindowedSolver) -> dict[str, Any]:
    """Prove a windowed model for numbers of any length; returns its certificate as JSON data.

    Raises `NotCertifiedError` with the shortest problem found that goes wrong, as the decoder itself writes it.
    """
    started = perf_counter()
    layout = solver.layout
    rules = rules_of(layout)
    listed = list_windows(rules)
    check = check_network(solver.network, listed)
    report: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": "windows",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "tool_version": __version__,
        "claim": CLAIMS[layout.name],
        "layout": {
            "name": layout.name,
            "slots": list(layout.slots),
            "tokens": list(layout.vocabulary.tokens),
            "sha256": layout_sha256(layout),
        },
        "model": {**dict(checkpoint.model), "num_parameters": checkpoint.num_parameters},
        "weights_sha256": file_sha256(directory / WEIGHTS),
        "dtype": "float64",
        "windows": {
            "count": len(listed),
            "by_kind": listed.by_kind(),
            "sha256": listed.sha256,
            "states": listed.n_states,
            "starts": listed.n_starts,
        },
        "margin": _margins(check, listed, layout),
        "rounding": {
            "unit": UNIT,
            "max_bound": float(check.bounds.max()),
            "min_slack": float(check.slack.min()),
            "method": "running error analysis of every operation, any order of summation; the lead has to exceed twice"
            " the bounds of both logits",
            "assumptions": list(ASSUMPTIONS),
        },
        "lemmas": list(rules.lemmas),
        "train": _how_trained(checkpoint.training),
    }
    failing = check.wrong if len(check.wrong) else check.unsure
    if len(failing):
        raise _not_certified(report, check, listed, solver)
    report["dense"] = compare_with_dense(solver.network, layout, DENSE_CASES)
    report["negative_controls"] = negative_controls(solver, listed)
    report["obligations"] = obligations(report, layout, listed)
    report["seconds"] = round(perf_counter() - started, 3)
    broken = [f"{o['id']} ({o['name']})" for o in report["obligations"] if not o["holds"]]
    if broken:
        raise NotCertifiedError(f"not certified: {', '.join(broken)} does not hold; see the report", report)
    return report


def layout_sha256(layout: Layout) -> str:
    """Hash of the name of a layout, its slots, and the tokens its rows are spelled with."""
    content = [layout.name, list(layout.slots), list(layout.vocabulary.tokens)]
    return hashlib.sha256(json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def _margins(check: NetworkCheck, listed: WindowList, layout: Layout) -> dict[str, Any]:
    place = int(check.margins.argmin())
    counts, edges = np.histogram(check.margins, bins=10)
    return {
        "min": float(check.margins[place]),
        "min_window": [layout.vocabulary.tokens[token] for token in listed.windows[place]],
        "histogram": {"edges": [round(float(edge), 6) for edge in edges], "counts": counts.tolist()},
    }


def _how_trained(training: Mapping[str, Any]) -> dict[str, Any]:
    data = training.get("data", {})
    domain = data.get("domain") or {}
    return {
        "steps": training.get("steps"),
        "examples": training.get("examples"),
        "seconds": training.get("seconds"),
        "seed": training.get("seed"),
        "max_operand": domain.get("max_operand"),
        "problems_trained_on": data.get("problems_trained_on"),
        "windows_drilled": training.get("windows_drilled", 0),
    }


def _not_certified(
    report: dict[str, Any], check: NetworkCheck, listed: WindowList, solver: WindowedSolver
) -> NotCertifiedError:
    tokens = solver.vocabulary.tokens
    wrong = check.wrong if len(check.wrong) else check.unsure
    found: Counterexample | None = counterexample(solver, listed, wrong)
    kinds = np.bincount(listed.kinds[wrong], minlength=len(listed.kind_names))
    report["failures"] = {
        "count": len(wrong),
        "by_kind": {name: n for name, n in zip(listed.kind_names, kinds.tolist(), strict=True) if n},
        "examples": [
            {
                "window": [tokens[token] for token in listed.windows[place]],
                "expected": tokens[listed.labels[place]],
                "got": tokens[check.choices[place]],
                "margin": float(check.margins[place]),
            }
            for place in wrong[np.argsort(check.margins[wrong])][:SHOWN].tolist()
        ],
        "counterexample": None if found is None else asdict(found),
    }
    what = "is wrong" if len(check.wrong) else "could be changed by rounding"
    message = f"not certified: {len(wrong):,} of {len(listed):,} windows, and what the model says there {what}"
    if found is not None and found.confirmed:
        message += f"; the shortest problem found: {found.expression}{found.written}, right is {found.expected}"
    return NotCertifiedError(message, report)
