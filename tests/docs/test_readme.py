"""Every command block of the README and the pages for newcomers runs as written, the long ones in a short form."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.checkout import command_environment, looks_like_a_checkout

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/quickstart.md", "docs/tour.md", "docs/certificates.md"]

# What stands in for commands that take minutes, make the environment, or are this test itself. The replacement runs the
# same verbs with the same files as its result, so that the commands after it find what they need.
SHORT = {
    "make demo": "longhand demo --config smoke --output-dir runs/demo --processes 1",
    "make bench": "longhand bench data --quick",
    "make test": "",
    "source .venv/bin/activate": "",
    "longhand evaluate models/add-sub-3 --suite exhaustive --output-file report.json": (
        "longhand evaluate models/add-sub-3 --suite carries --output-file report.json"
    ),
    "longhand data make --profile mini --out data/mini": (
        "longhand data make --profile mini --out data/mini --n-samples 400"
    ),
    "longhand train --config llama2 --output-dir runs/llama2": (
        "longhand train --config llama2 --output-dir runs/llama2 --training.max_steps 3 --training.warmup_steps 1"
    ),
    "longhand train --config configs/llama2.yaml --data.path data/mini --output-dir runs/llama2": (
        "longhand train --config configs/llama2.yaml --data.path data/mini --output-dir runs/llama2"
        " --training.max_steps 3 --training.warmup_steps 1"
    ),
}


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def _script(page: str) -> str:
    lines = ["set -e"]
    for block in _blocks(page, "bash"):
        lines += [SHORT.get(line, line) for line in block.strip().splitlines()]
    return "\n".join(lines)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like a fresh checkout to the commands: configurations and models, no runs."""
    looks_like_a_checkout(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_every_command_block_runs(page: str, checkout: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", _script(page)],
        cwd=checkout,
        env=command_environment(),
        stdin=subprocess.DEVNULL,  # a terminal would wait for somebody to type
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_every_python_block_of_the_readme_prints_what_its_comment_says(checkout: Path) -> None:
    (block,) = _blocks("README.md", "python")
    wanted = re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=checkout,
        env=command_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == wanted
    assert wanted


def test_every_short_form_stands_for_a_line_that_is_still_there() -> None:
    written = {line for page in PAGES for block in _blocks(page, "bash") for line in block.strip().splitlines()}
    assert set(SHORT) <= written


def test_the_readme_names_the_command_that_ci_runs() -> None:
    (command,) = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line.startswith("make")]
    assert f"```bash\n{command}\n```" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.row("S2-D1")
def test_every_link_of_the_readme_leads_somewhere() -> None:
    for page in [*PAGES, "CONTRIBUTING.md"]:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            if "://" not in target:
                assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


@pytest.mark.row("S2-D1")
def test_the_tour_names_files_that_are_there_and_decisions_are_numbered_in_order() -> None:
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|cpp))`", (ROOT / "docs/tour.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    known = {path.name for path in (ROOT / "src").rglob("*.*")}
    source = ROOT / "src" / "longhand"
    assert [name for name in named if not ((source / name).is_file() if "/" in name else name in known)] == []
    decisions = (ROOT / "docs/decisions.md").read_text(encoding="utf-8")
    numbers = re.findall(r"^### (\d+)\. ", decisions, flags=re.MULTILINE)
    assert [int(number) for number in numbers] == [*range(1, len(numbers) + 1)]
