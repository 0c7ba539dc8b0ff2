"""Readers know every shape the published systems write, and name the line they cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from longhand.arithmetic.problem import Problem
from longhand.data.readers import iter_records, read_file, sniff
from longhand.errors import UserError
from longhand.text.formats import Format

CSV = "equation,operand_1,operation,operand_2,answer\r\n278+961=1239,278,+,961,1239\r\n9-4=5,9,-,4,5\r\n"
JSONL = (
    '{"prompt": "278+961=", "target": "1239", "text": "<bos>278+961=1239<eos>"}\n'
    '{"prompt": "9-4=", "target": "5", "text": "<bos>9-4=5<eos>"}\n'
)
JSON = '{\n  "examples": [\n    "278+961=1239<end>",\n    "9-4=5<end>"\n  ],\n  "metadata": {"seed": 1}\n}\n'
TEXT = "278+961=1239\nWhat is 9 - 4? 5\n"
TABLE = "278+961\t1239\nWhat is 9 - 4?\t5\n"
RAW_LINES = "<begin>278+961=<think>872+169=9321</think>1239<end>\n<begin>9-4=5<end>\n"

SHAPES = {
    "train.csv": (CSV, "csv"),
    "train.jsonl": (JSONL, "jsonl"),
    "train.json": (JSON, "json"),
    "train.txt": (TEXT, "txt"),
    "train.tsv": (TABLE, "txt"),
    "raw.jsonl": (RAW_LINES, "txt"),
}


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.row("S0-G2", "S0-B2", "S1-D1", "S2-G2", "S4-G2")
@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_the_same_problems_and_answers(tmp_path: Path, name: str) -> None:
    content, shape = SHAPES[name]
    path = write(tmp_path, name, content)
    assert sniff(path) == shape
    records = read_file(path)
    assert [record.problem for record in records] == [Problem((278, 961), ("+",)), Problem((9, 4), ("-",))]
    assert [record.answer for record in records] == ["1239", "5"]


@pytest.mark.parametrize("name", SHAPES)
def test_a_byte_order_mark_and_blank_lines_do_not_matter(tmp_path: Path, name: str) -> None:
    content, shape = SHAPES[name]
    plain = read_file(write(tmp_path, name, content))
    path = write(tmp_path, name, b"\xef\xbb\xbf" + content.encode() + b"\n\n")
    assert sniff(path) == shape
    assert read_file(path) == plain


def test_the_signs_of_a_comparison_begin_after_the_first_equals_sign(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "12?7=<>\n5?5==\n<bos>22?12==><eos>\n")
    records = read_file(path, Format(notation="schoolbook"))
    assert [(record.target, record.answer) for record in records] == [("<>", ">"), ("=", "="), ("=>", ">")]
    assert all(record.problem is not None and record.problem.answer == record.answer for record in records)


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    assert [record.line for record in read_file(write(tmp_path, "a.csv", CSV))] == [2, 3]
    assert [record.line for record in read_file(write(tmp_path, "a.txt", "\n1+1=2\n\n1+2=3\n"))] == [2, 4]


def test_rows_are_read_one_by_one(tmp_path: Path) -> None:
    rows = iter_records(write(tmp_path, "a.txt", "1+1=2\nnonsense\n"))
    assert next(rows).answer == "2"
    with pytest.raises(UserError, match="line 2"):
        next(rows)


@pytest.mark.row("S1-D1")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", CSV + "1+1,1,+,1,2\r\n", r"a\.csv, line 4: '1\+1' has no"),
        ("a.csv", CSV + "1+1=2,1,+,1\r\n", r"a\.csv, line 4: 4 cells, where the header has 5"),
        ("a.csv", CSV + "1+1=2,1,+,2,2\r\n", r"line 4: the equation '1\+1=2' has other operands than its columns: 1 2"),
        ("a.csv", CSV + "1+1=2,1,-,1,2\r\n", "line 4: the equation .* has other operators"),
        ("a.csv", CSV + "1+1=2,1,+,1,3\r\n", "line 4: the equation .* has another answer than its column: 3"),
        ("a.csv", CSV + '1+1=2,1,+,1,"2\r\n', r"a\.csv, line 4: "),
        ("a.csv", CSV + "Tom?\t2,1,+,1,2\r\n", "line 4: the equation .* is no arithmetic"),
        ("a.jsonl", JSONL + '{"prompt": "1+1="', r"a\.jsonl, line 3: this is not JSON"),
        ("a.jsonl", JSONL + '{"prompt": "1+1="}', 'line 3: a row is an object with the strings "prompt" and "target"'),
        ("a.jsonl", JSONL + "[1]", 'line 3: a row is an object with the strings "prompt" and "target"'),
        ("a.jsonl", JSONL + '{"prompt": "1+=", "target": "2"}', r"line 3: '1\+='"),
        ("a.jsonl", JSONL + '{"prompt": "1+1=", "target": "2", "text": "1+1=3"}', 'line 3: "text" is'),
        ("a.json", '{"examples": ["1+1=2", "1+"]}', r"a\.json, example 2: "),
        ("a.json", '{"examples": ["1+1=2", 7]}', r"a\.json, example 2: 7 is not a string"),
        ("a.json", '{\n"examples": [\n"1+1=2"\n', r"a\.json, line \d: this is not JSON"),
        ("a.json", '{\n"rows": []}', 'no list of "examples"'),
        ("a.json", '{"examples": []}', "holds no rows"),
        ("a.txt", TEXT + "hello\n", r"a\.txt, line 3: 'hello' has no TAB"),
        ("a.txt", TEXT + "5+x=8\n", r"a\.txt, line 3: "),
        ("a.txt", TEXT.encode() + b"1+\xff=2\n", r"a\.txt, line 3: this is not text in UTF-8"),
        ("a.txt", " \n", "holds no rows"),
        ("a.csv", CSV.splitlines()[0], "holds no rows"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_file(write(tmp_path, name, content))
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_opened_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_file(tmp_path / "absent.txt")
    with pytest.raises(UserError, match="cannot read"):
        read_file(tmp_path)
