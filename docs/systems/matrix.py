"""The rows of the five systems, the tests that show them, and the page that puts both side by side."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "systems"
PAGE = ROOT / "docs" / "systems.md"
RESULTS = FOLDER / "results.json"

LEFT_OUT = ("slow", "gpu")
"""Markers of tests that `make test` and `write.py` do not run."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    what: str


class Row(_Entry):
    """One thing a system does: in its document (mandatory) or in its source only (bonus).

    `command` shows it here; `note` says where longhand differs and why; `later` why it is not there yet.
    """

    bonus: bool = False
    command: str = ""
    note: str = ""
    later: str = ""


class Bug(_Entry):
    """One thing that is wrong in a system; a test keeps it out unless `later` says why none does yet."""

    later: str = ""


class System(_Entry):
    """A published system with its rows and its bugs."""

    name: str
    repo: str
    rows: tuple[Row, ...]
    bugs: tuple[Bug, ...]


class Test(BaseModel):
    """A test with the ids its marks name; `left_out` is the marker that keeps it out of `make test`, or empty."""

    path: str
    name: str
    ids: tuple[str, ...]
    left_out: str

    @property
    def id(self) -> str:
        """The name pytest has for it."""
        return f"{self.path}::{self.name}"


def systems() -> list[System]:
    """Every system, in the order of its id; a key that no entry has is an error."""
    files = sorted(FOLDER.glob("s*.yaml"))
    return [System.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in files]


def marked_tests() -> list[Test]:
    """Every test with `@pytest.mark.row(...)` or `@pytest.mark.bug(...)`, read without importing it."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.row" in text or "mark.bug" in text:
            found += list(_tests_in(path.relative_to(ROOT).as_posix(), ast.parse(text)))
    return found


def _tests_in(path: str, module: ast.Module) -> Iterator[Test]:
    n_seen = 0
    for function in module.body:
        if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test_"):
            continue
        markers = [_marker(node) for node in function.decorator_list]
        named = [
            node for node, marker in zip(function.decorator_list, markers, strict=True) if marker in ("row", "bug")
        ]
        ids = [ast.literal_eval(argument) for node in named if isinstance(node, ast.Call) for argument in node.args]
        n_seen += len(named)
        if ids:
            left_out = next((marker for marker in markers if marker in LEFT_OUT), "")
            yield Test(path=path, name=function.name, ids=tuple(ids), left_out=left_out)
    n_marks = sum(_marker(node) in ("row", "bug") for node in ast.walk(module) if isinstance(node, ast.Attribute))
    assert n_seen == n_marks, f"{path}: a row or bug is marked elsewhere than above a test function"


def _marker(node: ast.AST) -> str:
    """The name of `@pytest.mark.NAME` or `@pytest.mark.NAME(...)`; empty for anything else."""
    target = node.func if isinstance(node, ast.Call) else node
    if not isinstance(target, ast.Attribute) or ast.unparse(target.value) != "pytest.mark":
        return ""
    return target.attr


def tests_by_id(tests: list[Test]) -> dict[str, list[Test]]:
    """The tests of each row and bug."""
    by_id: dict[str, list[Test]] = defaultdict(list)
    for test in tests:
        for name in test.ids:
            by_id[name].append(test)
    return by_id


def results() -> dict[str, str]:
    """What the last run of the marked tests found, by test."""
    return dict(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.exists() else {}


def page(all_systems: list[System], tests: list[Test], found: Mapping[str, str]) -> str:
    """Return docs/systems.md; it depends on the arguments alone."""
    by_id = tests_by_id(tests)
    parts = [_BEGINNING, _overview(all_systems, by_id, found)]
    parts += [_system(system, by_id, found) for system in all_systems]
    parts += [_bugs(all_systems, by_id, found)]
    return "\n".join(parts)


_BEGINNING = """\
# The five systems

longhand does what five earlier programs do, in one. This page lists every feature of each, row by row: a command that
shows it, the tests that would fail if it did not hold, and what they found. Rows marked *bonus* are in the source of a
system and not in its document. *Later* says what is not there yet, and why.

`python docs/systems/write.py` runs the marked tests and writes this page (with `--new` only those not run before); a
test reads the marks again and fails where the page is behind them. The rows themselves are in
[docs/systems/](systems/), one file per system. Commands run in a checkout, one after the other within a system.
"""


def _overview(all_systems: list[System], by_id: Mapping[str, list[Test]], found: Mapping[str, str]) -> str:
    lines = ["| | system | rows shown | of those mandatory | no test yet | later | bugs kept out |"]
    lines += ["|---|---|--:|--:|--:|--:|--:|"]
    for system in all_systems:
        said = {row: _result(row, by_id, found) for row in system.rows}
        shown = [row for row, result in said.items() if result.startswith("passed")]
        mandatory = [row for row in system.rows if not row.bonus]
        kept_out = [bug for bug in system.bugs if _result(bug, by_id, found).startswith("passed")]
        cells = [
            system.id,
            f"[{system.name}](https://github.com/{system.repo}): {system.what}",
            f"{len(shown)} / {len(system.rows)}",
            f"{sum(not row.bonus for row in shown)} / {len(mandatory)}",
            sum(result == "no test yet" for result in said.values()),
            sum(bool(row.later) for row in system.rows),
            f"{len(kept_out)} / {len(system.bugs)}",
        ]
        lines.append(_line(*cells))
    return "\n".join([*lines, ""])


def _system(system: System, by_id: Mapping[str, list[Test]], found: Mapping[str, str]) -> str:
    lines = [
        f"## {system.id}: {system.name}",
        "",
        "| row | what | try it | tests | result | note |",
        "|---|---|---|---|---|---|",
    ]
    for row in system.rows:
        name = f"{row.id} *bonus*" if row.bonus else row.id
        command = f"`{row.command}`" if row.command else ""
        lines.append(_line(name, row.what, command, _links(row, by_id), _result(row, by_id, found), row.note))
    return "\n".join([*lines, ""])


def _bugs(all_systems: list[System], by_id: Mapping[str, list[Test]], found: Mapping[str, str]) -> str:
    lines = ["## Bugs of the seeds and the test that keeps each out", ""]
    lines += ["| bug | what went wrong | the test that keeps it out | result |", "|---|---|---|---|"]
    for bug in (bug for system in all_systems for bug in system.bugs):
        lines.append(_line(bug.id, bug.what, _links(bug, by_id), _result(bug, by_id, found)))
    return "\n".join([*lines, ""])


def _line(*cells: object) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", r"\|") for cell in cells) + " |"


def _links(entry: Row | Bug, by_id: Mapping[str, list[Test]]) -> str:
    links = []
    for test in by_id.get(entry.id, ()):
        file = test.path.removeprefix("tests/")
        links.append(f"[{file}](../{test.path})::{test.name}" + (f" ({test.left_out})" if test.left_out else ""))
    return "<br>".join(links)


def _result(entry: Row | Bug, by_id: Mapping[str, list[Test]], found: Mapping[str, str]) -> str:
    tests = [test for test in by_id.get(entry.id, ()) if not test.left_out]
    said = {found.get(test.id, "not run") for test in tests}
    for worst in ("failed", "not run", "skipped"):
        if worst in said:
            return worst
    if said:
        return "passed"
    return f"later: {entry.later}" if entry.later else "no test yet"
