"""Nothing leaves this machine unless somebody says so, and then all of it does."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from longhand.errors import UserError
from longhand.olympiad.contest.bundle import BundleSpec, pack
from longhand.olympiad.contest.upload import plan_upload, upload
from longhand.shipped import model_path

MODEL = model_path("add-sub-3")

# A program named kaggle: notes its arguments, and keeps what would arrive. Folders only where --dir-mode says so; what
# is at Kaggle already it knows from a file named as the data set.
KAGGLE = """
import json, shutil, sys
from pathlib import Path
home = Path(__file__).parent
arguments = sys.argv[1:]
with (home / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
if arguments[1] == "status":
    sys.exit(0 if (home / "there").exists() else 1)
if (home / "says").exists():
    print((home / "says").read_text())
    sys.exit(0)
folder = Path(arguments[arguments.index("-p") + 1])
mode = arguments[arguments.index("--dir-mode") + 1] if "--dir-mode" in arguments else "skip"
for path in folder.rglob("*"):
    if path.is_file() and (path.parent == folder or mode != "skip"):
        target = home / "arrived" / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
(home / "there").touch()
print("Your private Dataset is being created.")
"""


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "bin"
    home.mkdir()
    (home / "kaggle.py").write_text(KAGGLE, encoding="utf-8")
    program = home / "kaggle"
    command = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(str(home / 'kaggle.py'))}"
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{home}{os.pathsep}{os.environ['PATH']}")
    return home


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "bundle"
    pack(BundleSpec(MODEL, "somebody"), folder)
    return folder


@pytest.fixture
def bundle(packed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(packed, tmp_path / "bundle"))


def calls(kaggle: Path) -> list[list[str]]:
    path = kaggle / "calls.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def arrived(kaggle: Path) -> set[str]:
    home = kaggle / "arrived"
    return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}


@pytest.mark.row("S3-K1")
def test_unless_told_to_it_only_shows_what_it_would_do(kaggle: Path, bundle: Path) -> None:
    shown: list[str] = []
    assert not upload(bundle, show=shown.append)
    assert calls(kaggle) == []
    assert shown[-1] == "nothing was uploaded"
    assert shown[0].startswith(f"{bundle} as the private data set somebody/longhand-contest: ")
    assert any("weights/model.safetensors" in line for line in shown)
    assert any(f"kaggle datasets create -p {bundle} --dir-mode zip" in line for line in shown)


@pytest.mark.row("S3-K1")
def test_told_to_it_shows_the_same_and_creates_the_data_set_then_versions_of_it(kaggle: Path, bundle: Path) -> None:
    plan, shown = plan_upload(bundle, "better weights").lines(), []
    assert upload(bundle, really=True, message="better weights", show=shown.append)
    assert shown[: len(plan)] == plan
    assert "being created" in shown[-1]
    assert upload(bundle, really=True, message="better weights", show=shown.append)
    status = ["datasets", "status", "somebody/longhand-contest"]
    assert calls(kaggle) == [
        status,
        ["datasets", "create", "-p", str(bundle), "--dir-mode", "zip"],
        status,
        ["datasets", "version", "-p", str(bundle), "-m", "better weights", "--dir-mode", "zip"],
    ]
    assert arrived(kaggle) == {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}


@pytest.mark.row("S3-K1")
def test_a_bundle_that_was_changed_is_not_uploaded(kaggle: Path, bundle: Path) -> None:
    (bundle / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"notes\.txt is not part of the bundle"):
        upload(bundle, really=True, show=lambda line: None)
    assert calls(kaggle) == []


def test_what_kaggle_does_not_take_is_said_in_its_words(kaggle: Path, bundle: Path) -> None:
    (kaggle / "says").write_text("Dataset creation error: the title is in use", encoding="utf-8")
    with pytest.raises(UserError, match=r"^kaggle did not take somebody/longhand-contest: .*title is in use$"):
        upload(bundle, really=True, show=lambda line: None)


def test_without_kaggles_program_it_says_what_to_install(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match=r"^cannot run kaggle .*: pip install kaggle$"):
        upload(bundle, really=True, show=lambda line: None)


def _upload_as_it_was(model: Path, output: Path) -> None:
    """The faults of the published uploader, and nothing else of it.

    It clears the output folder without asking, copies code and documents but no weights, and calls Kaggle's program
    without --dir-mode.
    """
    if output.exists():
        shutil.rmtree(output)
    (output / "src").mkdir(parents=True)
    (output / "src" / "engine.py").write_text("...", encoding="utf-8")
    (output / "README.md").write_text("...", encoding="utf-8")
    subprocess.run(["kaggle", "datasets", "create", "-p", str(output)], check=True, capture_output=True)


@pytest.mark.row("S3-K1")
def test_all_of_a_bundle_arrives_and_nobodys_folder_is_lost_unlike_with_the_published_uploader(
    kaggle: Path, bundle: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "kaggle_dataset"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work", encoding="utf-8")

    with pytest.raises(UserError, match="is there already and no bundle"):
        pack(BundleSpec(MODEL, "somebody"), mine)
    assert (mine / "thesis.tex").exists()
    upload(bundle, really=True, show=lambda line: None)
    assert {"weights/model.safetensors", "weights/tokenizer.json", "longhand-src.zip"} <= arrived(kaggle)

    shutil.rmtree(kaggle / "arrived")
    _upload_as_it_was(MODEL, mine)
    assert not (mine / "thesis.tex").exists()  # lost
    assert arrived(kaggle) == {"README.md"}  # neither the code nor any weights
