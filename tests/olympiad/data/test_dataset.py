"""Three schemas from local parquet and jsonl; whatever is missing is one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars
import pytest

from longhand.errors import UserError
from longhand.olympiad.data.dataset import open_dataset
from longhand.olympiad.data.schemas import SCHEMAS, Schema
from longhand.olympiad.data.word_problem import RowReport, WordProblem
from longhand.olympiad.word_problems.generate import generate, write_problems
from longhand.olympiad.word_problems.samples import sample_path

GSM8K = {"question": "What is 2+3?", "answer": "It is 2+3 = <<2+3=5>>5.\n#### 5"}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        polars.DataFrame(rows).write_parquet(path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(data: Path | str, **options: Any) -> list[WordProblem]:
    return list(open_dataset(data, **options).read())


@pytest.mark.row("S3-D1", "S3-D2")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_schema_is_recognised_and_read_from_both_formats(tmp_path: Path, schema: Schema) -> None:
    for name in ("train.jsonl", "train.parquet"):
        write_problems(tmp_path / schema / name.split(".")[1] / name, 30, schema=schema)
    jsonl, parquet = read(tmp_path / schema / "jsonl"), read(tmp_path / schema / "parquet")
    assert open_dataset(tmp_path / schema / "jsonl").schema == schema
    assert jsonl == parquet
    assert len(jsonl) == 30
    assert all(problem.answer and problem.solution.count("\\boxed{") == 1 for problem in jsonl)
    answers = [row["answer"].rpartition("#### ")[2] for row in generate(30)]
    assert [problem.answer for problem in jsonl] == answers
    if schema == "numina":
        assert {problem.source for problem in jsonl} == {"longhand"}
    if schema == "math":
        assert all(problem.level.startswith("Level ") and problem.type for problem in jsonl)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_shipped_samples_are_what_the_generator_makes(schema: Schema) -> None:
    for split, n in (("train", 150), ("test", 50)):
        shipped = open_dataset(sample_path(schema), dataset=schema, split=split)
        again = open_dataset(sample_path(schema), dataset=schema, split=split)
        assert len(list(shipped.read())) == n
        assert shipped == again
        column = "question" if schema == "gsm8k" else "problem"
        rows = generate(n, 0, split, schema)  # type: ignore[arg-type]
        assert [problem.question for problem in shipped.read()] == [row[column] for row in rows]
    size = sum(file.stat().st_size for each in SCHEMAS for file in sample_path(each).glob("t*"))
    assert size < 300_000


def test_marks_are_kept_or_stripped(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "x.jsonl", [GSM8K])
    assert read(path)[0].solution == "It is 2+3 = 5.\n\\boxed{5}"
    assert read(path, steps="keep")[0].solution == "It is 2+3 = <<2+3=5>>5.\n\\boxed{5}"


def test_shards_of_a_split_are_read_in_order_and_no_other_split(tmp_path: Path) -> None:
    for split, shard in (("train", 1), ("test", 0), ("train", 0)):
        row = {"question": f"{split} {shard}", "answer": "#### 1"}
        write_rows(tmp_path / "main" / f"{split}-{shard:05}-of-00002.parquet", [row])
    assert [problem.question for problem in read(tmp_path, split="train")] == ["train 0", "train 1"]
    assert [problem.question for problem in read(tmp_path, split="test")] == ["test 0"]
    with pytest.raises(UserError, match="has no split validation; it has test, train"):
        open_dataset(tmp_path, split="validation")
    with pytest.raises(UserError, match="several splits"):
        open_dataset(tmp_path)


def test_a_split_is_the_name_of_a_folder_too(tmp_path: Path) -> None:
    write_rows(tmp_path / "test" / "algebra.jsonl", [GSM8K])
    assert len(read(tmp_path, split="test")) == 1
    with pytest.raises(UserError, match="has no split train; it has test"):  # never the test rows in its place
        open_dataset(tmp_path, split="train")


def test_rows_that_cannot_be_converted_are_counted(tmp_path: Path) -> None:
    rows = [GSM8K, {**GSM8K, "answer": "no mark"}, {**GSM8K, "question": " "}, {**GSM8K, "answer": None}]
    report = RowReport()
    problems = list(open_dataset(write_rows(tmp_path / "x.jsonl", rows)).read(report))
    assert [problem.id for problem in problems] == ["gsm8k/x/1"]
    assert report.dropped == {"no ####": 1, "no question": 1, "no answer": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("openai/gsm8k", "nothing is downloaded"),
        ("https://example.org/train.jsonl", "on the network"),
        ("hf://datasets/openai/gsm8k", "on the network"),
        ("no-such-folder", "there is no file or folder"),
        (None, "needs --data PATH"),
    ],
)
def test_what_is_not_here_is_refused_with_the_remedy(data: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        open_dataset(data, dataset="gsm8k")
    assert "--data" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["jsonl", "parquet"])
def test_columns_that_do_not_fit_are_named(tmp_path: Path, end: str) -> None:
    path = write_rows(tmp_path / f"x.{end}", [{"prompt": "1+1", "answer": "2"}])
    with pytest.raises(UserError, match="has the columns answer, prompt"):
        open_dataset(path)
    with pytest.raises(UserError, match="but numina has problem and solution"):
        open_dataset(path, dataset="numina")
    good = write_rows(tmp_path / f"y.{end}", [GSM8K])
    with pytest.raises(UserError, match="--dataset gsm8k has these"):
        open_dataset(good, dataset="math")


BAD_LINES = {
    "{": "this is not JSON",
    "[1]": "a row is an object",
    '{"question": "1"}': "the row has no answer",
    '{"question": 1, "answer": "#### 1"}': "which is no text",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(GSM8K) + "\n\n" + line + "\n")
    with pytest.raises(UserError, match=BAD_LINES[line]) as caught:
        read(path)
    assert "3" in str(caught.value)
    path.write_bytes(json.dumps(GSM8K).encode() + b"\n\xff\n")
    with pytest.raises(UserError, match="line 2: this is not text"):
        read(path)


def test_files_that_cannot_be_read_or_chosen_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_text("PAR1 not at all")
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "rows.csv").write_text("question,answer\n")
    for name, said in (("broken.parquet", "cannot read"), ("empty.jsonl", "no rows"), ("rows.csv", "no .parquet or")):
        with pytest.raises(UserError, match=said) as caught:
            open_dataset(tmp_path / name)
        assert "\n" not in str(caught.value)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UserError, match="files in it"):
        open_dataset(tmp_path / "nothing")
    both = tmp_path / "both"
    for name in ("train.jsonl", "train.parquet"):
        write_rows(both / name, [GSM8K])
    with pytest.raises(UserError, match="name the files of one"):
        open_dataset(both)
    for variant in ("main", "socratic"):
        write_rows(tmp_path / "hub" / variant / "train.jsonl", [GSM8K])
    with pytest.raises(UserError, match="every question twice"):
        open_dataset(tmp_path / "hub")
