"""`make demo` and `make test` need Python and nothing else, and install versions that are pinned."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"


def recipe(target: str, tmp_path: Path) -> list[str]:
    """What make would run where nothing is installed yet."""
    command = ["make", "--dry-run", "--no-print-directory", target, f"VENV={tmp_path / 'venv'}", f"PIP_FLAGS={INDEX}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.row("S0-S1", "S2-R1")
@pytest.mark.parametrize(("target", "last"), [("demo", "longhand demo"), ("test", "pytest")])
def test_one_command_makes_the_environment_and_goes_on(target: str, last: str, tmp_path: Path) -> None:
    lines = recipe(target, tmp_path)
    (made,) = [index for index, line in enumerate(lines) if " -m venv " in line]
    (installed,) = [index for index, line in enumerate(lines) if "--editable ." in line]
    assert made < installed < len(lines) - 1
    assert f"{INDEX} --constraint constraints.txt" in lines[installed]
    assert last in lines[-1]


@pytest.mark.row("S2-R1")
def test_every_library_is_pinned_for_the_two_commands() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)
    known = {name.lower().replace("_", "-") for name in pinned}
    assert {re.split(r"[<>=[]", name)[0].lower() for name in asked} <= known
