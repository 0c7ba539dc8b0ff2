"""Every row of a data set is recomputed, worked steps included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longhand.data.check import check
from longhand.data.make import make_dataset
from longhand.errors import UserError


def texts(folder: Path, **rows: str) -> Path:
    folder.mkdir(exist_ok=True)
    for split, lines in rows.items():
        (folder / f"{split}.txt").write_text(lines.replace("|", "\n") + "\n")
    return folder


def test_right_rows_pass_and_the_findings_are_json(tmp_path: Path) -> None:
    report = check(texts(tmp_path / "d", train="1+1=2|What is 9 - 4? 5", val="2+1=3", test="7/2=3r1"))
    assert report["ok"]
    assert {split: entry["rows"] for split, entry in report["splits"].items()} == {"train": 2, "val": 1, "test": 1}
    assert json.loads(json.dumps(report)) == report


def test_a_wrong_answer_is_named_by_file_and_line(tmp_path: Path) -> None:
    report = check(texts(tmp_path, train="1+1=2|5+5=10|2+2=5", test="1+1=3"))
    assert not report["ok"]
    assert [report["splits"][split]["wrong"] for split in ("train", "test")] == [1, 1]
    assert report["wrong_rows"] == [
        "train.txt, line 3: 2+2=5 (the answer is 4)",
        "test.txt, line 1: 1+1=3 (the answer is 2)",
    ]


@pytest.mark.row("S0-F2", "S0-B4")
@pytest.mark.parametrize(
    ("row", "right"),
    [
        ("658+189=<think>8+9=17 5+8+1=14 6+1+1=8</think>847<end>", True),
        ("658+189=<think>8+9=17 5+8+1=14 6+1+1=9</think>847<end>", False),
        ("658+189=<think>8+9=17 5+8+1=14</think>847<end>", False),
        ("99+21=<think>99+12=021</think>120<end>", True),
        ("99+21=<think>99+12=011</think>120<end>", False),
        ("951/11=<think>9/11=0r9 95/11=8r7 71/11=6r5</think>86r5", True),
        ("3+5=<think><noop><noop></think>8", True),
    ],
)
def test_worked_steps_of_any_kind_are_followed_step_by_step(tmp_path: Path, row: str, right: bool) -> None:
    report = check(texts(tmp_path, train=row))
    assert report["ok"] is right
    assert report["splits"]["train"]["worked_steps"] == {"rows": 1, "wrong": int(not right)}
    assert bool(report["wrong_rows"]) is not right


def test_steps_that_a_manifest_promises_must_be_there(tmp_path: Path) -> None:
    make_dataset("think", tmp_path / "d", {"num_examples": 10}, "txt")
    path = tmp_path / "d" / "test.txt"
    path.write_text("12+34=46<end>\n")
    report = check(tmp_path / "d")
    assert report["wrong_rows"] == ["test.txt, line 1: 12+34=46<end> (the worked steps are wrong)"]


def test_leaks_are_reported_by_kind_and_do_not_fail_the_check(tmp_path: Path) -> None:
    report = check(texts(tmp_path, train="1+2=3|9-4=5", val="1+2=3|2+1=3", test="3-2=1|4+5=9|8+8=16"))
    assert report["leaks"] == {
        "val": {"rows": 2, "exact": 1, "commuted": 1, "inverse": 0},
        "test": {"rows": 3, "exact": 0, "commuted": 0, "inverse": 2},
    }
    assert report["ok"]


def test_rows_in_words_are_counted_as_not_checked(tmp_path: Path) -> None:
    report = check(texts(tmp_path, train="1+1=2|What is -4 less than 6?\t10"))
    assert report["splits"]["train"]["unchecked"] == 1
    assert not report["ok"]
    assert report["warnings"] == ["1 rows ask in words and were not recomputed"]


def test_rows_read_in_the_other_order_are_pointed_out(tmp_path: Path) -> None:
    report = check(texts(tmp_path, train="1+2*3=9|1+2*3=7"))
    assert report["splits"]["train"]["wrong"] == 1
    assert "order of evaluation" in report["warnings"][0]


def test_a_file_edited_after_it_was_made_fails_even_if_its_rows_are_right(tmp_path: Path) -> None:
    make_dataset("mini", tmp_path / "d", {"n_samples": 20})
    assert check(tmp_path / "d")["ok"]
    path = tmp_path / "d" / "val.jsonl"
    path.write_text(path.read_text() + '{"prompt": "1+1=", "target": "2"}\n')
    report = check(tmp_path / "d")
    assert (report["ok"], report["changed_files"]) == (False, ["val.jsonl"])


def test_a_row_that_cannot_be_read_stops_the_check_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.txt, line 2: "):
        check(texts(tmp_path, train="1+1=2|1+1"))
