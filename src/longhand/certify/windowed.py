"""The certificate of a windowed model: right after every window there is, hence right for numbers of any length."""

from __future__ import annotations

import hashlib
import json
import random
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
from longhand.certify.rounding import ASSUMPTIONS, UNIT
from longhand.certify.rules.registry import rules_of
from longhand.certify.search import WindowList, list_windows
from longhand.errors import UserError
from longhand.runs.checkpoint import WEIGHTS, Checkpoint
from longhand.runs.manifest import file_sha256
from longhand.solvers.windowed import WindowedSolver
from longhand.text.layouts.base import Layout
from longhand.text.schoolbook import read_schoolbook, write_rows
from longhand.version import __version__

FORMAT = "longhand-certificate"
FORMAT_VERSION = 1
SHOWN = 5
READER_PROBLEMS = 200
READER_DIGITS = 1000
DENSE_CASES = 20
PROBLEMS = 1000


class NotCertifiedError(UserError):
    """A model that is wrong about some window; `report` is the certificate it would have, with what is wrong."""

    def __init__(self, message: str, report: dict[str, Any]) -> None:
        super().__init__(message)
        self.report = report


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
    report["obligations"] = _obligations(report, layout, listed)
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


def _obligations(report: Mapping[str, Any], layout: Layout, listed: WindowList) -> list[dict[str, Any]]:
    known, right = _problems_agree(layout, listed)
    pure = _layout_is_pure(layout)
    read = _reader_is_right(layout)
    widths = {len(window) for window in listed.windows}
    dense = report["dense"]
    controls = report["negative_controls"]
    margin, rounding, slots = report["margin"]["min"], report["rounding"], len(layout.slots)
    rows: list[tuple[str, bool, str]] = [
        ("the layout looks at delimiters only", pure, "rows with their digits permuted show the windows permuted"),
        ("every window has the same number of slots", widths == {slots}, f"{slots} slots"),
        ("logits depend on the window alone", dense["outside"] == 0, "another digit outside it changes no bit"),
        ("no problem shows another window", known, f"the search over {listed.n_states:,} states came to its end"),
        ("a window has one right token", len(listed.labels) == len(listed), "the search found no window with two"),
        ("labels are arithmetic", right, f"{PROBLEMS:,} problems worked out apart from the search go on as it says"),
        ("the rows read as the answer", read, f"{READER_PROBLEMS} problems of up to {READER_DIGITS} digits"),
        ("the right token wins after every window", margin > 0, f"it leads by {margin:.4f} logits or more"),
        ("rounding cannot change that", rounding["min_slack"] > 0, f"bound {rounding['max_bound']:.3g} logits"),
        ("masked attention says the same", dense["same_choices"], f"within {dense['largest_difference']:.2g} logits"),
        (
            "damaged copies fail",
            all(c["confirmed"] for c in controls),
            f"{len(controls)} copies, each caught in an error",
        ),
        ("what no window shows is listed", bool(report["lemmas"]), f"{len(report['lemmas'])} lemmas"),
    ]
    return [
        {"id": f"P{number}", "name": name, "holds": bool(holds), "evidence": evidence}
        for number, (name, holds, evidence) in enumerate(rows, start=1)
    ]


def _layout_is_pure(layout: Layout, cases: int = 200) -> bool:
    """Whether permuting the digits, and with another permutation the letters, permutes the windows."""
    rng = random.Random(1)
    tokens = layout.vocabulary.tokens
    for case in range(cases):
        ids = _row(layout, rng, layout.operators[case % len(layout.operators)], 4)
        image = list(range(len(tokens)))
        for alphabet in ("0123456789", "abcdefghij"):
            members = [i for i, token in enumerate(tokens) if token in alphabet]
            for source, target in zip(members, rng.sample(members, len(members)), strict=True):
                image[source] = target
        moved = [tuple(image[token] for token in window) for window in layout.windows(ids)]
        if moved != layout.windows([image[token] for token in ids]):
            return False
    return True


def _problems_agree(layout: Layout, listed: WindowList) -> tuple[bool, bool]:
    """Whether every window of problems of all sizes is listed, and goes on as the rows of the problem do."""
    rng = random.Random(3)
    follows = dict(zip(map(tuple, listed.windows.tolist()), listed.labels.tolist(), strict=True))
    known = right = True
    for case in range(PROBLEMS):
        ids = _row(layout, rng, layout.operators[case % len(layout.operators)], 6)
        windows = layout.windows(ids)
        for window, token in zip(windows, [*ids, layout.eos][-len(windows) :], strict=True):
            known = known and window in follows
            right = right and follows.get(window) == token
    return known, right


def _reader_is_right(layout: Layout) -> bool:
    rng = random.Random(2)
    for case in range(READER_PROBLEMS):
        operator = layout.operators[case % len(layout.operators)]
        most = READER_DIGITS if operator in "+-" and case % 10 == 0 else 30
        a, b = (rng.randrange(10 ** rng.randint(1, most)) for _ in range(2))
        b = b or 1
        right = {"+": str(a + b), "-": str(a - b), "*": str(a * b), "/": f"{a // b}r{a % b}"}[operator]
        if read_schoolbook(write_rows(_digits(a), operator, _digits(b))) != right:
            return False
    return True


def _row(layout: Layout, rng: random.Random, operator: str, most: int) -> list[int]:
    a, b = (rng.randrange(10 ** rng.randint(1, most)) for _ in range(2))
    b = b or 1
    text = f"{a}{operator}{b}={write_rows(_digits(a), operator, _digits(b))}"
    return [layout.bos, *layout.vocabulary.encode(text)]


def _digits(number: int) -> list[int]:
    return [int(digit) for digit in reversed(str(number))]
