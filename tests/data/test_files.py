"""Rows and folders: what is read, and what is refused with a place and a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longhand.arithmetic.problem import Problem
from longhand.data.folders import open_folder
from longhand.data.record import Record, record_of
from longhand.data.rows import read_row, strip_marks
from longhand.errors import UserError
from longhand.text.formats import Format


@pytest.mark.row("S1-D1")
@pytest.mark.parametrize(
    ("text", "prompt", "target"),
    [
        ("5+8=13", "5+8=", "13"),
        ("<bos>5+8=13<eos>", "5+8=", "13"),
        ("<begin>5+8=13<end>", "5+8=", "13"),
        ("951 + 11 = 962", "951 + 11 = ", "962"),
        ("What is 65 - 62? 3", "What is 65 - 62? ", "3"),
        ("What is 65 - 62?\t3", "What is 65 - 62? ", "3"),
        ("65-62\t3", "65-62=", "3"),
        ("65-62=\t3", "65-62=", "3"),
        ("58+9=<think>8+9=17 5+1=6</think>67<end>", "58+9=", "<think>8+9=17 5+1=6</think>67"),
    ],
)
def test_a_row_is_cut_where_its_question_ends(text: str, prompt: str, target: str) -> None:
    record = read_row(text)
    assert (record.prompt, record.target) == (prompt, target)
    assert record.text == (prompt + target if "\t" in text else text)
    assert record.problem is not None
    assert record.answer == record.problem.answer
    assert record.prompt + record.target == record.rendered.text


@pytest.mark.row("S1-B2")
@pytest.mark.parametrize(
    ("text", "problem", "answer"),
    [
        ("5+-3=2", Problem((5, -3), ("+",)), "2"),
        ("1+2*3=7", Problem((1, 2, 3), ("+", "*")), "7"),
        ("7/2=3r1", Problem((7, 2), ("/",), division="remainder"), "3r1"),
        ("7/2=7/2", Problem((7, 2), ("/",)), "7/2"),
        ("7/2\t3.5", Problem((7, 2), ("/",)), "7/2"),
        ("007+01=008", Problem((7, 1), ("+",)), "8"),
        ("2+2=5", Problem((2, 2), ("+",)), "5"),
    ],
)
def test_a_row_states_a_problem_and_an_answer_right_or_wrong(text: str, problem: Problem, answer: str) -> None:
    record = read_row(text)
    assert record.problem == problem
    assert record.answer == answer


def test_a_format_is_obeyed_where_it_is_known() -> None:
    reversed_numbers = Format(reverse_operands=True, reverse_answer=True)
    assert read_row("8+21=02", reversed_numbers).problem == Problem((8, 12), ("+",))
    assert read_row("8+21=02", reversed_numbers).answer == "20"
    with pytest.raises(UserError, match="leading zeros"):
        read_row("007+1=8", Format())
    left = Format(semantics="left_to_right")
    assert read_row("1+2*3=9", left).problem == Problem((1, 2, 3), ("+", "*"), "left_to_right")


def test_padding_after_the_steps_is_not_part_of_the_answer() -> None:
    record = read_row("3+5=<think>3+5=8</think><noop><noop>8<end>")
    assert record.answer == "8"
    assert record.cot == "<think>3+5=8</think><noop><noop>"


@pytest.mark.row("S1-B2")
def test_a_question_in_words_has_an_answer_but_no_problem() -> None:
    record = read_row("Total of -55 and -3998246349.526.\t-3998246404.526")
    assert record.problem is None
    assert record.answer == "-3998246404.526"
    assert record.prompt.endswith(". ")


@pytest.mark.row("S1-D1")
@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "hello world",
        "5+8",
        "5+8=",
        "5+8=thirteen",
        "5+x=8",
        "5/0=0",
        "5+8=<think>8+5=13",
        "５+8=13",
        "5+x=\t8",
    ],
)
def test_a_row_that_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        read_row(text)


def test_marks_are_stripped_in_every_spelling_but_never_from_inside() -> None:
    for begin, end in (("<bos>", "<eos>"), ("<BOS>", "<EOS>"), ("<begin>", "<end>"), ("<START>", "<END>"), ("", "")):
        assert strip_marks(f"{begin}1+1=<think></think>2{end}") == "1+1=<think></think>2"


def test_a_record_of_a_problem_reads_back() -> None:
    format = Format(steps="columns", style="question")
    record = record_of(Problem((658, 189), ("+",)), format, begin="<begin>", end="<end>")
    assert record.text == "<begin>What is 658 + 189? <think>8+9=17 5+8+1=14 6+1+1=8</think>847<end>"
    assert read_row(record.text, format) == record


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(content)
    return folder


def test_a_folder_knows_its_splits_by_the_names_of_its_files(tmp_path: Path) -> None:
    folder = open_folder(write(tmp_path, train_txt="1+1=2\n", validation_txt="1+2=3\n", test_txt="1+3=4\n"))
    assert [*folder.files] == ["train", "val", "test"]
    assert [record.answer for record in folder.records("val")] == ["3"]
    assert folder.manifest is None


def test_one_file_is_a_data_set_without_splits(tmp_path: Path) -> None:
    write(tmp_path, dataset_txt="1+1=2\n")
    for path in (tmp_path, tmp_path / "dataset.txt"):
        assert [record.line for record in open_folder(path).records("all")] == [1]


def test_the_manifest_tells_how_one_of_its_files_is_written(tmp_path: Path) -> None:
    from longhand.data.make import make_dataset

    make_dataset("think", tmp_path / "d", {"num_examples": 20, "reversed_format": True}, "txt")
    for folder, split in ((open_folder(tmp_path / "d"), "train"), (open_folder(tmp_path / "d" / "train.txt"), "all")):
        records: list[Record] = list(folder.records(split))
        assert all(record.problem and record.problem.answer == record.answer for record in records)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no train, val or test file"),
        ({"readme_md": "text"}, "no train, val or test file"),
        ({"one_txt": "1+1=2", "two_txt": "1+1=2"}, "it holds one.txt, two.txt"),
        ({"train_txt": "1+1=2", "train_csv": "equation\n1+1=2\n"}, "mixed: train.csv and train.txt are the same split"),
        ({"train_txt": "1+1=2", "val_csv": "equation\n1+1=2\n"}, "mixed: train.txt holds txt and val.csv csv"),
        ({"train_jsonl": "1+1=2", "val_jsonl": '{"prompt": "1+1=", "target": "2"}'}, "mixed"),
        ({"train_txt": "1+1=2", "val_txt": "\n"}, "val.txt holds no rows"),
    ],
)
def test_empty_and_mixed_folders_are_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_folder(write(tmp_path / "data", **files))


def test_a_missing_folder_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="longhand data make"):
        open_folder(tmp_path / "nowhere")


@pytest.mark.row("S0-B2")
def test_the_metadata_of_math_llm_is_not_taken_for_data(tmp_path: Path) -> None:
    write(tmp_path, train_jsonl="<begin>1+1=2<end>\n", metadata_json=json.dumps({"seed": 1}))
    assert [*open_folder(tmp_path).files] == ["train"]
