"""`longhand olympiad gateway` and `pack`: from a csv to a submission, and a bundle that answers without us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.olympiad.commands import Run, files_of, fine, lines_of, refused

from longhand.olympiad.contest.bundle_manifest import verify
from longhand.olympiad.contest.contract import ADDRESS, RERUN
from longhand.olympiad.contest.language_model import load
from longhand.olympiad.contest.submissions import read_submission
from longhand.shipped import model_path

SUMS = "id,problem,answer\n" + "".join(f"p{i},What is ${i}0+{i}$?,{11 * i}\n" for i in range(1, 6))


@pytest.mark.row("S3-C1", "S3-E1")
def test_from_a_csv_of_five_problems_to_a_valid_submission(
    run: Run, word_model: Path, parrot: Path, tmp_path: Path
) -> None:
    csv, out = tmp_path / "test.csv", tmp_path / "submission.parquet"
    asked = ["How much is it?", "How much is it?", "What?", "x" * 2000, "How much is it?"]
    csv.write_text("id,problem,answer\n" + "".join(f"p{i},{text},{7 + i % 2}\n" for i, text in enumerate(asked)))
    log = tmp_path / "log.jsonl"
    command = ["gateway", "--model", word_model, "--checkpoint", parrot / "run", "--data", csv, "--out", out]
    text = fine(run(*command, "--max-new-tokens", 20, "--log", log, "--private"))
    answers = read_submission(out)
    assert list(answers) == [f"p{i}" for i in range(5)]
    assert [answers[f"p{i}"] for i in (0, 1, 4)] == [7, 7, 7]
    assert answers["p3"] == 0, "its prompt is longer than the context: an answer all the same"
    right = sum(answer == 7 + int(name[1]) % 2 for name, answer in answers.items())
    assert f"{right} of 5 right" in text
    assert [row["id"] for row in lines_of(log)] == list(answers)
    unanswered = sum(row["fallback"] for row in lines_of(log))
    assert f"{unanswered} of them are 0, as the model had none: {unanswered} no answer in its text" in text


@pytest.mark.row("S3-C1", "S3-B3")
def test_two_runs_of_an_arithmetic_model_are_scored(run: Run, tmp_path: Path) -> None:
    csv, out = tmp_path / "test.csv", tmp_path / "submission.parquet"
    csv.write_text(SUMS.replace(",55\n", ",56\n"))
    text = fine(run("gateway", "--model", "add-sub-3", "--data", csv, "--out", out, "--runs", 2))
    wanted = {f"p{i}": 11 * i for i in range(1, 6)}
    assert read_submission(out) == wanted
    assert read_submission(tmp_path / "submission-2.parquet") == wanted
    assert "4 of 5 right" in text
    assert "4 of 5 points in two runs" in text


def test_votes_come_one_by_one_and_end_when_they_are_decided(word_model: Path, parrot: Path) -> None:
    plain = load(str(word_model), str(parrot / "run"), max_new_tokens=20)
    assert [one["answer"] for one in plain("How much is it?", 100.0)] == [7]
    voting = load(str(word_model), str(parrot / "run"), votes=12, temperature=0.05, max_new_tokens=20)
    answers = [one["answer"] for one in voting("How much is it?", 100.0)]
    assert answers == [7] * 8, "after two times four the other four cannot change it"
    how = {"temperature": 0.05, "max_new_tokens": 20, "until_decided": False}
    weighed = load(str(word_model), str(parrot / "run"), votes=12, **how)
    assert len(list(weighed("How much is it?", 100.0))) == 12, "the others may be surer"
    assert list(voting("How much is it?", 0.0)) == [], "there was no time"
    assert list(plain("How much? " * 300, 100.0)) == [], "its prompt is longer than the context"


@pytest.mark.row("S3-K1")
def test_a_bundle_has_model_and_checkpoint_and_answers_by_itself(
    run: Run, word_model: Path, parrot: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    command = ["pack", "--username", "somebody", "--model", word_model, "--checkpoint", parrot / "run"]
    text = fine(run(*command, "--output-dir", out, "--max-new-tokens", 20, "--select", "checked", "--no-upload"))
    assert "nothing was uploaded" in text
    assert "kaggle datasets create" in text
    verify(out)
    settings = json.loads((out / "contest.json").read_text(encoding="utf-8"))
    assert (settings["selector"], settings["arguments"]["until_decided"]) == ("checked", False)
    names = set(files_of(out))
    assert {"weights/config.json", "weights/tokenizer.json", "weights/checkpoint/baseline.json"} <= names
    assert not [name for name in names if "training_state" in name], "what a run needs to go on stays here"
    assert not any(path.is_symlink() for path in out.rglob("*"))
    with zipfile.ZipFile(out / "longhand-src.zip") as archive:
        assert "longhand/olympiad/contest/language_model.py" in archive.namelist()
    csv = tmp_path / "test.csv"
    csv.write_text("id,problem\na,How much is it?\n")
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", RERUN, ADDRESS)}
    done = subprocess.run(
        [sys.executable, str(out / "notebook.py"), str(csv)], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_submission(tmp_path / "submission.parquet") == {"a": 7}


def test_what_cannot_take_part_is_one_line_and_writes_nothing(run: Run, word_model: Path, tmp_path: Path) -> None:
    csv, out, bundle = tmp_path / "test.csv", tmp_path / "submission.parquet", tmp_path / "bundle"
    csv.write_text(SUMS)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("number,text\n1,2\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "mamba"}')

    def bad(*words: object, fragments: list[str], data: Path = csv) -> None:
        refused(run("gateway", *words, "--data", data, "--out", out), *fragments)
        assert not out.exists()

    bad(fragments=["--model DIR"])
    bad("--model", "Qwen/Qwen2.5-Math-7B-Instruct", fragments=["not downloaded"])
    bad("--model", "nobody-knows-me", fragments=["nobody-knows-me", "shipped"])
    bad("--model", other, fragments=["'mamba'"])
    bad("--model", word_model, "--checkpoint", other, fragments=["no checkpoint"])
    bad("--model", "add-sub-3", "--votes", 4, fragments=["--votes"])
    bad("--model", word_model, "--votes", 0, fragments=["--votes 0"])
    bad("--model", "add-sub-3", "--select", "checked", fragments=["--select"])
    bad("--model", "add-sub-3", fragments=["number, text", "id, problem"], data=wrong)
    bad("--model", "add-sub-3", fragments=["missing.csv"], data=tmp_path / "missing.csv")
    refused(run("pack", "--model", "add-sub-3"), "--username")
    refused(run("pack", "--username", "Not A Name", "--model", "add-sub-3", "--output-dir", bundle), "Not A Name")
    (bundle).mkdir()
    (bundle / "precious").write_text("mine")
    refused(run("pack", "--username", "somebody", "--model", "add-sub-3", "--output-dir", bundle), "no bundle")
    assert files_of(bundle) == {"precious": b"mine"}


@pytest.mark.row("S3-K1")
def test_an_arithmetic_model_is_packed_too_and_no_flag_uploads(run: Run, tmp_path: Path) -> None:
    text = fine(run("pack", "--username", "somebody", "--model", "add-sub-3", "--output-dir", tmp_path / "bundle"))
    assert "somebody/longhand-contest" in text
    assert text.endswith("nothing was uploaded\n")
    packed, shipped = files_of(tmp_path / "bundle/weights"), files_of(model_path("add-sub-3"))
    assert packed.items() <= shipped.items()
    assert "model.safetensors" in packed
