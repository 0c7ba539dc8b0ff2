"""What is installed is pinned, and what is imported is declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROVIDES = {"yaml": "pyyaml", "mpl_toolkits": "matplotlib"}


def pins() -> dict[str, str]:
    lines = re.findall(
        r"^([A-Za-z0-9_.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    return {canonicalize_name(name): version for name, version in lines}


def declared() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    words = [*PROJECT["project"]["dependencies"], *(word for extra in extras for word in extra)]
    return [Requirement(word) for word in words]


@pytest.mark.row("S2-R1")
def test_every_requirement_is_pinned_to_a_version_it_allows() -> None:
    pinned = pins()
    for requirement in declared():
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (requirement, version)


@pytest.mark.row("S2-R1")
def test_the_cpu_build_of_torch_can_be_asked_for_and_is_never_forced() -> None:
    assert "+cpu" not in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "--extra-index-url" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "$(PIP_FLAGS) --constraint constraints.txt" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.bug("S2-3f")
@pytest.mark.row("S2-R1")
def test_every_library_that_is_imported_is_declared() -> None:
    names = {canonicalize_name(requirement.name) for requirement in declared()}
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for module in modules:
                top = module.partition(".")[0]
                if top != "longhand" and top not in sys.stdlib_module_names:
                    assert PROVIDES.get(top, canonicalize_name(top)) in names, (path, module)
    assert "matplotlib" in {Requirement(word).name for word in PROJECT["project"]["dependencies"]}


@pytest.mark.row("S2-D1")
def test_the_documents_of_design_and_history_are_there_and_name_files_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("tour", "decisions", "log"):
        assert f"docs/{name}.md" in readme
    tour = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    named = re.findall(r"\*\*`([a-z_/]+\.py)`\*\*", tour)
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / "src" / "longhand" / name).is_file()] == []
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"^### (\d+)\. ", decisions, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
