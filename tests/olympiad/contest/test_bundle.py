"""A bundle: the same to the byte, whole, checked, without secrets, and written only where nothing is lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.olympiad.contest.test_secret_scan import PLANTED

from longhand.errors import UserError
from longhand.olympiad.contest.bundle import BundleSpec, pack
from longhand.olympiad.contest.bundle_manifest import verify
from longhand.olympiad.contest.contract import ADDRESS, RERUN
from longhand.olympiad.contest.program import run_program
from longhand.shipped import model_path

MODEL = model_path("add-sub-3")
SPEC = BundleSpec(MODEL, "somebody")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """One wheel of one module, as a packer of wheels writes it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_solver-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            "tiny_solver.py", "def load(model, add):\n    return lambda problem, seconds: len(problem) + add\n"
        )
        wheel.writestr(
            "tiny_solver-1.0.dist-info/METADATA", "Name: tiny-solver\nVersion: 1.0\nLicense-Expression: MIT\n"
        )
        wheel.writestr("tiny_solver-1.0.dist-info/licenses/LICENSE", "Do as you like.\n")
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "bundle"
    pack(SPEC, folder)
    return folder


@pytest.mark.row("S3-K1")
def test_it_holds_everything_and_a_manifest_of_it(bundle: Path) -> None:
    files = contents(bundle)
    assert {name for name in files if not name.startswith("weights/")} == {
        "LICENSE",
        "THIRD_PARTY_LICENSES.md",
        "contest.json",
        "dataset-metadata.json",
        "kernel-metadata.json",
        "longhand-src.zip",
        "manifest.json",
        "notebook.py",
    }
    for path in MODEL.iterdir():
        assert files[f"weights/{path.name}"] == path.read_bytes()
    assert b"Apache License" in files["LICENSE"]
    listed = json.loads(files["manifest.json"])["files"]
    assert {name: entry["sha256"] for name, entry in listed.items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != "manifest.json"
    }
    dataset, kernel = (json.loads(files[f"{name}-metadata.json"]) for name in ("dataset", "kernel"))
    assert dataset["id"] == kernel["dataset_sources"][0] == "somebody/longhand-contest"
    assert dataset["licenses"] == [{"name": "apache-2.0"}]
    assert (kernel["is_private"], kernel["enable_internet"], kernel["code_file"]) == (True, False, "notebook.py")
    with zipfile.ZipFile(bundle / "longhand-src.zip") as archive:
        names = archive.namelist()
    assert "longhand/olympiad/contest/predictor.py" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".so"))]


@pytest.mark.row("S3-K1")
def test_packed_twice_it_is_the_same_to_the_byte_whatever_dates_permissions_and_umask(
    bundle: Path, tmp_path: Path, wheels: Path
) -> None:
    copy = tmp_path / "copied" / "model"
    shutil.copytree(MODEL, copy)
    for number, path in enumerate(sorted(copy.iterdir())):
        os.utime(path, (10**9 + number, 10**9 + number))
        path.chmod(0o600)
    before = os.umask(0o077)
    try:
        pack(BundleSpec(copy, "somebody"), tmp_path / "again", tmp_path / "again.zip")
    finally:
        os.umask(before)
    assert contents(tmp_path / "again") == contents(bundle)

    pack(SPEC, tmp_path / "third", tmp_path / "third.zip")
    assert (tmp_path / "third.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "third.zip") as archive:
        assert {entry.filename: archive.read(entry) for entry in archive.infolist()} == contents(bundle)
        assert {(entry.date_time[0], entry.external_attr >> 16) for entry in archive.infolist()} == {(1980, 0o100644)}
    pack(BundleSpec(MODEL, "somebody", wheels=wheels), tmp_path / "with wheels")
    assert "MIT" in (tmp_path / "with wheels" / "THIRD_PARTY_LICENSES.md").read_text(encoding="utf-8")
    assert "Do as you like." in (tmp_path / "with wheels" / "THIRD_PARTY_LICENSES.md").read_text(encoding="utf-8")


def change(name: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)

    return do


@pytest.mark.row("S3-K1")
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (change("weights/model.safetensors"), "model.safetensors was changed after it was packed"),
        (change("notebook.py"), "notebook.py was changed"),
        (lambda folder: (folder / "notes.txt").write_text("mine"), "notes.txt is not part of the bundle"),
        (lambda folder: (folder / "LICENSE").unlink(), "LICENSE is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "is no bundle"),
        (lambda folder: (folder / "manifest.json").write_text('{"files": {}}'), "is no bundle"),
    ],
)
def test_damage_is_found_and_named(bundle: Path, tmp_path: Path, damage: Callable[[Path], Any], reason: str) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    verify(folder)
    damage(folder)
    with pytest.raises(UserError, match=f"^[^\n]*{reason}[^\n]*$"):
        verify(folder)


@pytest.mark.row("S3-K1")
def test_a_folder_that_is_not_a_bundle_as_it_was_packed_is_never_touched(bundle: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter.tex").write_text("years of work", encoding="utf-8")
    empty, file, link = tmp_path / "empty", tmp_path / "file", tmp_path / "link"
    empty.mkdir()
    file.write_text("mine", encoding="utf-8")
    link.symlink_to(foreign)
    edited, extended = tmp_path / "edited", tmp_path / "extended"
    shutil.copytree(bundle, edited)
    change("notebook.py")(edited)
    shutil.copytree(bundle, extended)
    (extended / "weights" / "notes.txt").write_text("mine", encoding="utf-8")
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    before = contents(tmp_path)
    for place in (foreign, empty, file, link, edited, extended, dangling):
        with pytest.raises(UserError, match=r"^[^\n]+$"):
            pack(SPEC, place)
    with pytest.raises(UserError, match="no archive of a bundle"):
        pack(SPEC, tmp_path / "new", file)
    assert contents(tmp_path) == before
    assert not (tmp_path / "new").exists()


def test_a_bundle_that_nobody_changed_is_replaced_and_one_that_lost_a_file_made_whole(
    bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    pack(BundleSpec(MODEL, "somebody-else"), folder, tmp_path / "bundle.zip")
    (folder / "LICENSE").unlink()
    pack(SPEC, folder, tmp_path / "bundle.zip")
    assert contents(folder) == contents(bundle)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "bundle.zip"]


@pytest.mark.row("S3-K1")
@pytest.mark.parametrize("place", ["README.md", "notes/kaggle.json", "inner.zip"])
def test_a_secret_stops_the_packing_with_its_place_and_nothing_is_written(tmp_path: Path, place: str) -> None:
    model = tmp_path / "model"
    shutil.copytree(MODEL, model)
    (model / "manifest.json").unlink()
    secret = PLANTED["Hugging Face token"](5)
    (model / place).parent.mkdir(exist_ok=True)
    if place.endswith(".zip"):
        with zipfile.ZipFile(model / place, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("deep/settings.py", f"\ntoken = '{secret}'\n")
        found = "weights/inner.zip/deep/settings.py:2 (Hugging Face token)"
    else:
        (model / place).write_text(f"\n\nlogin({secret!r})\n", encoding="utf-8")
        found = f"weights/{place}:3 (Hugging Face token)"
    with pytest.raises(UserError, match=r"^secrets are not packed: [^\n]*nothing was written[^\n]*$") as refused:
        pack(BundleSpec(model, "somebody"), tmp_path / "out", tmp_path / "out.zip")
    assert found in str(refused.value)
    assert secret[6:] not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    if place == "README.md":
        pack(BundleSpec(model, "somebody", allow=["weights/README.md"]), tmp_path / "out")  # known to be none


def test_what_cannot_be_packed_is_refused_before_anything_is_written(tmp_path: Path, wheels: Path) -> None:
    no_weights, no_tokenizer = tmp_path / "no weights", tmp_path / "no tokenizer"
    for folder, missing in ((no_weights, "model.safetensors"), (no_tokenizer, "tokenizer.json")):
        shutil.copytree(MODEL, folder)
        (folder / missing).unlink()
        (folder / "manifest.json").unlink()
    damaged = tmp_path / "damaged"
    shutil.copytree(MODEL, damaged)
    change("model.safetensors")(damaged)
    (tmp_path / "no wheels").mkdir()
    (wheels / "readme.txt").write_text("not a wheel", encoding="utf-8")
    for keys, reason in [
        ({"model": no_weights}, "has no weights"),
        ({"model": no_tokenizer}, "has no tokenizer"),
        ({"model": tmp_path / "missing"}, "is no directory of a model"),
        ({"model": damaged}, "was changed after it was written"),
        ({"wheels": tmp_path / "no wheels"}, "has no wheels"),
        ({"wheels": wheels}, "readme.txt is no wheel"),
        ({"username": "Some Body"}, "username = 'Some Body' is none at Kaggle"),
        ({"title": "short"}, "has 5 characters"),
    ]:
        with pytest.raises(UserError, match=f"^[^\n]*{reason}[^\n]*$"):
            pack(BundleSpec(**{"model": MODEL, "username": "somebody", **keys}), tmp_path / "out")
    with pytest.raises(UserError, match="which is to be packed"):
        pack(BundleSpec(no_weights, "somebody"), no_weights / "out")
    with pytest.raises(UserError, match="which it is to be the archive of"):
        pack(SPEC, tmp_path / "out", tmp_path / "out" / "out.zip")
    assert not (tmp_path / "out").exists()


def environment(**more: str) -> dict[str, str]:
    """Without what says where our sources are: a bundle brings its own."""
    left_out = {"PYTHONPATH", RERUN, ADDRESS}
    return {key: value for key, value in os.environ.items() if key not in left_out} | more


@pytest.mark.row("S3-C1", "S3-K1", "S3-B3")
def test_its_notebook_answers_the_hidden_problems_with_its_own_code_and_weights(bundle: Path, tmp_path: Path) -> None:
    """Moved elsewhere and read only, with the sources unpacked as Kaggle unpacks archives."""
    moved = tmp_path / "input"
    shutil.copytree(bundle, moved)
    with zipfile.ZipFile(moved / "longhand-src.zip") as archive:
        archive.extractall(moved / "longhand-src")
    (moved / "longhand-src.zip").unlink()
    csv = tmp_path / "test.csv"
    csv.write_text("id,problem\n0,What is $123+456$?\n1,What is $700 - 58$?\n2,What is it?\n", encoding="utf-8")
    notebook = tmp_path / "script.py"  # the host runs a copy of it
    shutil.copyfile(moved / "notebook.py", notebook)
    environ = environment(LONGHAND_BUNDLE=str(moved))
    command = [
        sys.executable,
        "-c",
        f"import os, pathlib, runpy, sys; os.chdir({str(tmp_path)!r}); sys.argv = ['script.py'];",
    ]
    command[-1] += "runpy.run_path('script.py', run_name='__main__');"
    command[-1] += "import longhand; pathlib.Path('where').write_text(longhand.__file__)"
    run_program(command, csv, out=tmp_path / "submission.parquet", environ=environ, private=True, start_seconds=120)
    assert pl.read_parquet(tmp_path / "submission.parquet").rows() == [("0", 579), ("1", 642), ("2", 0)]
    assert len((tmp_path / "contest-log.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    assert (tmp_path / "where").read_text(encoding="utf-8").startswith(str(moved / "longhand-src"))


@pytest.mark.row("S3-K1")
def test_its_notebook_tries_itself_out_with_a_solver_from_a_wheel(tmp_path: Path, wheels: Path) -> None:
    folder, work = tmp_path / "bundle", tmp_path / "working"
    pack(BundleSpec(MODEL, "somebody", solver="tiny_solver:load", arguments={"add": 40}, wheels=wheels), folder)
    work.mkdir()
    (work / "test.csv").write_text("id,problem\n0,xx\n", encoding="utf-8")
    command = [sys.executable, str(folder / "notebook.py"), "test.csv"]
    done = subprocess.run(command, cwd=work, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(work / "submission.parquet").rows() == [("0", 42)]
    verify(folder)  # and nothing was left behind in it


def test_where_the_host_brings_its_own_server_that_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Path
) -> None:
    """A stand-in for the host's helper files, which are not ours to ship: it notes what it was given."""
    from longhand.olympiad.contest.taking_part import take_part

    helper = tmp_path / "input" / "competitions" / "aimo" / "kaggle_evaluation"
    helper.mkdir(parents=True)
    (helper / "__init__.py").touch()
    (helper / "aimo_3_gateway.py").touch()
    (helper / "aimo_3_inference_server.py").write_text(
        """from pathlib import Path
import aimo_3_gateway
class AIMO3InferenceServer:
    def __init__(self, predict):
        self.predict = predict
    def serve(self):
        Path("served").write_text(self.predict.__name__)
    def run_local_gateway(self, data_paths):
        Path("local").write_text(repr(data_paths))
""",
        encoding="utf-8",
    )
    csv = helper.parent / "test.csv"
    csv.write_text("id,problem\n0,x\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv(RERUN, raising=False)
    take_part(bundle, inputs=tmp_path / "input")
    assert (tmp_path / "local").read_text(encoding="utf-8") == repr((str(csv),))
    monkeypatch.setenv(RERUN, "1")
    take_part(bundle, inputs=tmp_path / "input")
    assert (tmp_path / "served").read_text(encoding="utf-8") == "predict"
    monkeypatch.delenv(RERUN)
    with pytest.raises(UserError, match="no problems at"):
        take_part(bundle, inputs=tmp_path / "nothing")
