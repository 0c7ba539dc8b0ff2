"""docs/systems.md is in step with its rows, with the marks above the tests, and with the command line."""

from __future__ import annotations

import importlib
import json
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest
from tests.docs.checkout import command_environment, looks_like_a_checkout

from longhand.cli import make_data
from longhand.cli.arguments import parse_overrides
from longhand.cli.main import build_parser
from longhand.cli.synonyms.registry import translate_command
from longhand.shipped import config_path, model_path
from longhand.training.run_config import load_run_config

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "systems"))
matrix: Any = importlib.import_module("matrix")
sys.path.pop(0)

SYSTEMS = matrix.systems()
ROWS = {row.id: row for system in SYSTEMS for row in system.rows}
BUGS = {bug.id: bug for system in SYSTEMS for bug in system.bugs}
TESTS = matrix.marked_tests()
SHOWN = {name for name, tests in matrix.tests_by_id(TESTS).items() if any(not test.left_out for test in tests)}

# Mandatory rows and bugs that have no test yet. A name that gets one has to go.
NOT_YET: set[str] = set()


def test_every_id_is_there_once_and_belongs_to_its_system() -> None:
    for system in SYSTEMS:
        assert all(entry.id.startswith(f"{system.id}-") for entry in (*system.rows, *system.bugs))
    assert len(ROWS) == sum(len(system.rows) for system in SYSTEMS)
    assert len(BUGS) == sum(len(system.bugs) for system in SYSTEMS)
    assert not set(ROWS) & set(BUGS)


def test_marks_name_rows_and_bugs_that_exist() -> None:
    assert {name for test in TESTS for name in test.ids} <= {*ROWS, *BUGS}


def test_every_mandatory_row_and_every_bug_has_a_test_or_a_reason() -> None:
    wanted = {row.id for row in ROWS.values() if not row.bonus} | set(BUGS)
    later = {entry.id for entry in (*ROWS.values(), *BUGS.values()) if entry.later}
    assert wanted - later - SHOWN == NOT_YET
    assert not later & SHOWN, "these are there by now"


def test_the_page_is_what_the_rows_the_marks_and_the_last_run_give() -> None:
    page = matrix.page(SYSTEMS, TESTS, matrix.results())
    assert matrix.PAGE.read_text(encoding="utf-8") == page, "run: python docs/systems/write.py"


def test_nothing_failed_and_every_test_of_the_page_was_run() -> None:
    found = matrix.results()
    assert set(found) == {test.id for test in TESTS if not test.left_out}, "run: python docs/systems/write.py"
    assert "failed" not in found.values()


COMMANDS = [row.command for row in ROWS.values() if row.command]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_exists(command: str) -> None:
    for part in command.split(" | "):
        words = shlex.split(part)
        _check(*(words[1:] if words[0].startswith("WANDB_MODE=") else words))


def _check(program: str, *words: str) -> None:
    """Refuse a command of a pipe that does not exist, or that its program would not understand."""
    if program == "longhand":
        _parse(list(words))
    elif program == "python" and words[0] == "-c":
        compile(words[1], "command", "exec")
    elif program in ("python", "pytest"):
        assert all((ROOT / word).exists() for word in words)
    elif program != "printf":
        assert program == "make"
        assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def _parse(words: list[str]) -> None:
    """Take the words of a command apart as the program does; names of configurations and models must be shipped."""
    if "--version" in words:
        return
    parser: ArgumentParser = build_parser()
    words, _ = translate_command(words)
    arguments, rest = parser.parse_known_args(words)
    if arguments.verb == "data" and arguments.data_verb == "make":
        make_data._parser(make_data._chosen_profile(rest)).parse_args(rest)
    elif arguments.verb == "train":
        if arguments.config:
            load_run_config(config_path(arguments.config), parse_overrides(rest))
    else:
        assert not rest
    model = getattr(arguments, "model", None)
    if model is not None and not str(model).startswith("runs/"):
        model_path(model)


@pytest.mark.slow
def test_every_command_runs(tmp_path: Path) -> None:
    looks_like_a_checkout(tmp_path)
    for command in COMMANDS:
        if not command.startswith(("make", "pytest")):
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=command_environment(), capture_output=True, text=True,
                input="quit\n", check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_what_tests_show_is_recorded_where_workers_run_them(tmp_path: Path) -> None:
    (tmp_path / "test_rows.py").write_text(
        "import pytest\n"
        "@pytest.mark.row('S0-G1', 'S0-G2')\n@pytest.mark.parametrize('n', [1, 2])\ndef test_a(n): assert n < 2\n"
        "@pytest.mark.row('S0-G2')\n@pytest.mark.bug('S0-1')\ndef test_b(): pass\n"
        "@pytest.mark.row('S0-G3')\ndef test_c(): pytest.skip('no reason')\n"
        "def test_d(): pass\n"
    )
    command = ["-m", "pytest", "-q", "-n", "1", "-p", "xdist", "-p", "tests.rows_plugin", "--rows", "rows.json"]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, *command, "test_rows.py"], cwd=tmp_path, env=command_environment() | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, f"{done.stdout}\n{done.stderr}"
    assert json.loads((tmp_path / "rows.json").read_text()) == {
        "S0-1": {"test_rows.py::test_b": "passed"},
        "S0-G1": {"test_rows.py::test_a": "failed"},
        "S0-G2": {"test_rows.py::test_a": "failed", "test_rows.py::test_b": "passed"},
        "S0-G3": {"test_rows.py::test_c": "skipped"},
    }
