"""Writers: four shapes, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from longhand.arithmetic.problem import Problem
from longhand.data.readers import Shape, read_file
from longhand.data.record import Record, record_of
from longhand.data.rows import read_row
from longhand.data.writers import write_records
from longhand.errors import UserError
from longhand.text.formats import Format

SUM = record_of(Problem((278, 961), ("+",)), Format())
CHAIN = record_of(Problem((1, 2, 30), ("+", "-")), Format())


@pytest.mark.row("S2-G2")
def test_csv_is_that_of_math_llm_poc(tmp_path: Path) -> None:
    write_records(tmp_path / "a.csv", [SUM], "csv")
    expected = b"equation,operand_1,operation,operand_2,answer\r\n278+961=1239,278,+,961,1239\r\n"
    assert (tmp_path / "a.csv").read_bytes() == expected


def test_csv_grows_columns_for_more_operands(tmp_path: Path) -> None:
    write_records(tmp_path / "a.csv", [SUM, CHAIN], "csv", max_operands=3)
    assert (tmp_path / "a.csv").read_text().split() == [
        "equation,operand_1,operation,operand_2,operation_2,operand_3,answer",
        "278+961=1239,278,+,961,,,1239",
        "1+2-30=-27,1,+,2,-,30,-27",
    ]


@pytest.mark.row("S4-G2")
def test_jsonl_is_that_of_mini_language_models(tmp_path: Path) -> None:
    record = record_of(Problem((554, 456), ("+",)), Format(), begin="<bos>", end="<eos>")
    write_records(tmp_path / "a.jsonl", [record], "jsonl")
    expected = '{"prompt": "554+456=", "target": "1010", "text": "<bos>554+456=1010<eos>"}\n'
    assert (tmp_path / "a.jsonl").read_text() == expected


@pytest.mark.row("S0-G2")
def test_json_is_that_of_math_llm(tmp_path: Path) -> None:
    write_records(tmp_path / "a.json", [record_of(Problem((3, 5), ("+",)), Format(), end="<end>"), SUM], "json")
    assert json.loads((tmp_path / "a.json").read_text()) == {"examples": ["3+5=8<end>", "278+961=1239"]}


def test_txt_is_a_row_per_line(tmp_path: Path) -> None:
    write_records(tmp_path / "a.txt", [SUM, CHAIN], "txt")
    assert (tmp_path / "a.txt").read_bytes() == b"278+961=1239\n1+2-30=-27\n"


@pytest.mark.parametrize("shape", get_args(Shape))
def test_what_is_written_reads_back_and_is_described(tmp_path: Path, shape: Shape) -> None:
    path = tmp_path / f"a.{shape}"
    entry = write_records(path, iter([SUM, CHAIN]), shape, max_operands=3)
    content = path.read_bytes()
    assert (entry.rows, entry.bytes) == (2, len(content))
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert [(record.problem, record.answer) for record in read_file(path)] == [
        (record.problem, record.answer) for record in (SUM, CHAIN)
    ]


@pytest.mark.parametrize("shape", get_args(Shape))
def test_nothing_is_left_of_a_file_that_fails_half_way(tmp_path: Path, shape: Shape) -> None:
    def failing() -> Iterator[Record]:
        yield SUM
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(tmp_path / "a", failing(), shape)
    assert list(tmp_path.iterdir()) == []


def test_questions_in_words_have_no_columns(tmp_path: Path) -> None:
    words = read_row("How many are two and two?\t4")
    with pytest.raises(UserError, match="choose jsonl"):
        write_records(tmp_path / "a.csv", [words], "csv")
    for shape in ("jsonl", "txt"):
        write_records(tmp_path / f"a.{shape}", [words], shape)
        assert read_file(tmp_path / f"a.{shape}") == [replace(words, line=1)]
