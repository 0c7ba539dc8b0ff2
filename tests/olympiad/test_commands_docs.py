"""docs/olympiad.md: its commands run, its faults have tests, and it claims nothing that was not measured."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from platform import python_version

import pytest
from packaging.specifiers import SpecifierSet

from longhand.cli.main import build_parser, main
from longhand.olympiad.contest.bundle_manifest import verify
from longhand.olympiad.contest.submissions import read_submission

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/olympiad.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]

SMALLER = {
    "model --out": "--hidden 32 --layers 2 --heads 2 --kv-heads 1 --vocab 400 --context 400",
    "model --from-run": "",
    "problems": "--n 6",
    "train": "--num-samples 4 --batch-size 4 --max-length 400",
    "evaluate": "--num-samples 1 --max-new-tokens 3",
    "gateway": "--max-new-tokens 3 --votes 1",
    "pack": "",
}
"""Flags behind those of a command of the page, of which the last counts: the same verbs and files, in seconds."""


@pytest.mark.row("S3-B1d", "S3-DOC")
def test_every_command_of_the_page_is_one_that_exists() -> None:
    parser = build_parser()
    for command in COMMANDS:
        words = shlex.split(command)
        if words[0] == "longhand":
            parser.parse_args(words[1:])
    shown = {shlex.split(command)[2] for command in COMMANDS if command.startswith("longhand olympiad")}
    assert shown == {"model", "problems", "train", "evaluate", "gateway", "pack"}


@pytest.mark.row("S3-T1", "S3-E1", "S3-K1", "S3-B1c")
def test_the_commands_of_the_page_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS:
        if not command.startswith("longhand"):
            subprocess.run(["bash", "-c", command], check=True)
            continue
        words = shlex.split(command)[1:]
        smaller = next(flags for start, flags in SMALLER.items() if " ".join(words[1:]).startswith(start))
        code = main([*words, *smaller.split()])
        # In its short form the model has learned nothing, and a contest in which it never answers ends with 1.
        assert code == (1 if words[1] == "gateway" else 0), command
    assert set(read_submission(tmp_path / "submission.parquet")) == {"1", "2"}
    verify(tmp_path / "bundle")


@pytest.mark.row("S3-DOC")
def test_every_fault_of_the_page_has_a_test_that_is_there() -> None:
    table = PAGE.split("<!-- faults -->")[1].split("<!-- end of faults -->")[0]
    rows = re.findall(r"^\| (\d+) \| .+ \| `(.+)::(.+)` \|$", table, flags=re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == [*range(1, 24)], "fourteen that are documented, nine that are not"
    for _, path, name in rows:
        assert f"\ndef {name}(" in (ROOT / "tests/olympiad" / path).read_text(encoding="utf-8"), name


def test_the_page_claims_no_speed() -> None:
    """Issue 12: a gain in speed has a row in the results, with its interval, or it is not claimed."""
    assert not re.findall(r"\d\s*(?:tokens/s|times (?:as )?fast|% faster|x faster)", PAGE)


@pytest.mark.row("S3-P1")
def test_python_from_3_11_and_the_one_that_runs_this() -> None:
    """The code is checked as that of the oldest, and no newer one is shut out for what a compiler cannot do yet."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    allowed = SpecifierSet(settings["project"]["requires-python"])
    assert python_version() in allowed
    assert [version for version in ("3.10.14", "3.11.0", "3.12.0", "3.13.0") if version in allowed] == [
        "3.11.0", "3.12.0", "3.13.0",
    ]  # fmt: skip
    assert settings["tool"]["mypy"]["python_version"] == "3.11"
    assert settings["tool"]["ruff"]["target-version"] == "py311"
