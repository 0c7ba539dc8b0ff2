from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.problem import Problem
from longhand.data.config import DataConfig
from longhand.data.hard_cases import carry_travels
from longhand.data.problems import from_problems
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

UNIFIED = vocabulary("unified")
SUMS = [(a, b) for a in range(7, 17) for b in range(0, 20, 2)]


def as_csv(rows: list[tuple[int, int]]) -> str:
    lines = [f"{a}+{b}={a + b},{a},+,{b},{a + b}\r\n" for a, b in rows]
    return "equation,operand_1,operation,operand_2,answer\r\n" + "".join(lines)


def as_jsonl(rows: list[tuple[int, int]]) -> str:
    return "".join(
        json.dumps({"prompt": f"{a}+{b}=", "target": f"{a + b}", "text": f"<bos>{a}+{b}={a + b}<eos>"}) + "\n"
        for a, b in rows
    )


def as_json(rows: list[tuple[int, int]]) -> str:
    return json.dumps({"examples": [f"{a}+{b}={a + b}<end>" for a, b in rows]})


def as_text(rows: list[tuple[int, int]]) -> str:
    return "".join(f"{a}+{b}={a + b}\n" for a, b in rows)


SHAPES = {"csv": as_csv, "jsonl": as_jsonl, "json": as_json, "txt": as_text}


def open_stream(
    path: Path, batch_size: int = 10, seed: int = 0, format: Format | None = None, **data: Any
) -> TrainStream:
    config = DataConfig(source="files", path=str(path), **data)
    return TrainStream(config, format or Format(), UNIFIED, batch_size=batch_size, seed=seed)


def texts(stream: TrainStream, step: int) -> list[str]:
    tokens = stream.source.rows(step, stream.batch_size, stream.seed)
    return [UNIFIED.decode(tokens.row(i), skip_special=True) for i in range(len(tokens))]


@pytest.mark.parametrize("shape", SHAPES)
def test_all_four_shapes_give_the_same_batches(shape: str, tmp_path: Path) -> None:
    for name, write in (("one", SHAPES[shape]), ("other", as_text)):
        folder = tmp_path / name
        folder.mkdir()
        suffix = shape if name == "one" else "txt"
        for split, rows in (("train", SUMS[:70]), ("val", SUMS[70:90]), ("test", SUMS[90:])):
            (folder / f"{split}.{suffix}").write_bytes(write(rows).encode())
    one, other = open_stream(tmp_path / "one"), open_stream(tmp_path / "other")
    assert [texts(one, step) for step in range(9)] == [texts(other, step) for step in range(9)]
    assert one.validation().problems == other.validation().problems
    assert one.describe()["rows"] == {"train": 70, "val": 20, "test": 10}


def test_an_epoch_sees_every_row_once_and_the_next_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(as_text(SUMS[:73]))
    (tmp_path / "val.txt").write_text(as_text(SUMS[73:]))
    stream = open_stream(tmp_path)
    rows = [text for step in range(15) for text in texts(stream, step)]
    first, second = rows[:73], rows[73:146]
    assert sorted(first) == sorted(second) == sorted(as_text(SUMS[:73]).splitlines())
    assert first != second
    assert first != [text for step in range(8) for text in texts(open_stream(tmp_path, seed=1), step)][:73]
    larger = open_stream(tmp_path, batch_size=73)
    assert texts(larger, 0) == first


def hard(text: str) -> bool:
    (a, b) = map(int, text.partition("=")[0].split("+"))
    return bool(carry_travels(from_problems([Problem((a, b), ("+",))]))[0])


@pytest.mark.parametrize("share", [0.25, 0.8])
def test_a_mixture_gives_each_rule_its_share_of_an_epoch_as_a_function_of_the_step(
    share: float, tmp_path: Path
) -> None:
    rows = [(a, b) for a in range(90, 110) for b in range(10)]
    (tmp_path / "train.txt").write_text(as_text(rows))
    (tmp_path / "val.txt").write_text("1+1=2\n")
    stream = open_stream(tmp_path, mixture={"uniform": 1 - share, "cascade": share})
    n_hard = sum(hard(f"{a}+{b}=") for a, b in rows)
    epochs = [[text for step in range(20 * e, 20 * e + 20) for text in texts(stream, step)] for e in range(4)]
    expected = share * len(rows) + (1 - share) * n_hard
    for texts_of_epoch in epochs:
        assert len(texts_of_epoch) == len(rows)
        assert sum(map(hard, texts_of_epoch)) == pytest.approx(expected, abs=8)
        easy = [text for text in texts_of_epoch if not hard(text)]
        assert len(set(easy)) == len(easy)  # the uniform part is drawn without replacement
    assert len(set(map(tuple, epochs))) == 4
    again = open_stream(tmp_path, mixture={"uniform": 1 - share, "cascade": share})
    assert texts(again, 37) == epochs[1][170:180]
    record = stream.describe()
    assert record["over_represented"] == ["cascade"]
    assert record["rows_per_rule"] == {"uniform": 200, "cascade": n_hard}


def test_a_mixture_needs_problems_to_choose_from(tmp_path: Path) -> None:
    (tmp_path / "val.txt").write_text("1+1=2\n")
    (tmp_path / "train.txt").write_text("1+1=2\n3+4=7\n")
    with pytest.raises(UserError, match="cascade finds no travelling carry"):
        open_stream(tmp_path, mixture={"cascade": 1.0})
    with pytest.raises(UserError, match="long_division finds no division"):
        open_stream(tmp_path, mixture={"long_division": 1.0})
    (tmp_path / "train.txt").write_text("1+1=2\n1+2+3=6\n")
    with pytest.raises(UserError, match="cannot sort the rows"):
        open_stream(tmp_path, mixture={"short": 1.0})


def test_any_step_can_be_asked_for_first(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text(as_text(SUMS))
    one, other = open_stream(tmp_path / "rows.txt"), open_stream(tmp_path / "rows.txt")
    for step in range(40):
        one.batch(step)
    assert np.array_equal(one.batch(40).input_ids, other.batch(40).input_ids)
    ranks = [other.batch(40, rank, 2).input_ids for rank in range(2)]
    assert np.array_equal(np.concatenate(ranks), other.batch(40).input_ids)


@pytest.mark.parametrize("inverse", [True, False])
def test_one_file_is_split_by_the_keys_of_its_problems(inverse: bool, tmp_path: Path) -> None:
    rows = [f"{a}+{b}={a + b}\n" for a in range(30) for b in range(30)]
    rows += [f"{a}-{b}={a - b}\n" for a in range(30) for b in range(a + 1)]
    (tmp_path / "rows.txt").write_text("".join(rows))
    stream = open_stream(tmp_path / "rows.txt", train_fraction=0.6, val_fraction=0.2, inverse=inverse)
    record = stream.describe()
    assert sum(record["rows"].values()) == len(rows)
    assert abs(record["rows"]["train"] / len(rows) - 0.6) < 0.1
    assert record["held_out_rows_seen_in_training"] == {"val": 0, "test": 0}
    held_out = stream.validation().problems
    assert held_out is not None
    keys = {canonical_key(problem, inverse=inverse) for problem in held_out}
    trained = {text for step in range(200) for text in texts(stream, step)}
    assert keys.isdisjoint(canonical_key(stream.format.parse(text).problem, inverse=inverse) for text in trained)


def test_a_folder_with_a_single_file_is_split_as_that_file(tmp_path: Path) -> None:
    (tmp_path / "dataset.txt").write_text(as_text(SUMS))
    folder, file = open_stream(tmp_path), open_stream(tmp_path / "dataset.txt")
    assert texts(folder, 3) == texts(file, 3)


def test_held_out_rows_that_training_gives_away_are_counted(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("1+2=3\n5-1=4\n2+2=4\n")
    (tmp_path / "val.txt").write_text("2+1=3\n3-1=2\n9+9=18\n")
    (tmp_path / "test.txt").write_text("4+1=5\n")
    counted = {inverse: open_stream(tmp_path, inverse=inverse).describe() for inverse in (True, False)}
    assert counted[True]["held_out_rows_seen_in_training"] == {"val": 2, "test": 1}
    assert counted[False]["held_out_rows_seen_in_training"] == {"val": 1, "test": 0}


def test_rows_of_another_style_are_refused_or_rewritten_or_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("97-53=44\nWhat is 65 - 62? 3\n")
    (tmp_path / "val.txt").write_text("What is 8 * 7? 56\n")
    with pytest.raises(UserError, match=r"train\.txt, line 2: 'What is 65 - 62\? 3' is written '65-62=3'"):
        open_stream(tmp_path)
    assert sorted(texts(open_stream(tmp_path, batch_size=2, text="rewrite"), 0)) == ["65-62=3", "97-53=44"]
    kept = open_stream(tmp_path, batch_size=2, text="as_written")
    assert sorted(texts(kept, 0)) == ["97-53=44", "What is 65 - 62? 3"]


@pytest.mark.bug("S4-10")
def test_worked_steps_of_a_file_are_trained_on_as_they_stand(tmp_path: Path) -> None:
    row = "658+189=<think>8+9=17 5+8+1=14 6+1+1=8</think>847<end>"
    (tmp_path / "train.json").write_text(json.dumps({"examples": [row]}))
    (tmp_path / "val.json").write_text(json.dumps({"examples": ["3+5=8<end>"]}))
    with pytest.raises(UserError, match="in the run's format"):
        open_stream(tmp_path)
    stream = open_stream(tmp_path, batch_size=1, format=Format(steps="columns"), loss="answer")
    batch = stream.batch(0)
    assert UNIFIED.decode(batch.targets[batch.weights == 1].tolist()) == "847<eos>"


def test_questions_in_words_are_trained_on_but_ask_no_problem(tmp_path: Path) -> None:
    rows = [json.dumps({"prompt": f"What is Sam's sum of {i}? ", "target": str(i)}) + "\n" for i in range(60)]
    (tmp_path / "rows.jsonl").write_text("".join(rows))
    config = DataConfig(source="files", path=str(tmp_path / "rows.jsonl"), val_fraction=0.1)
    chars = UNIFIED.from_corpus(rows)
    stream = TrainStream(config, Format(), chars, batch_size=8)
    assert stream.validation().problems is None
    assert "Sam" in chars.decode(stream.source.rows(0, 8, 0).row(0))
    with pytest.raises(UserError, match="no arithmetic to rewrite"):
        TrainStream(config.model_copy(update={"text": "rewrite"}), Format(), chars, batch_size=8)


@pytest.mark.parametrize(
    ("files", "data", "message"),
    [
        ({}, {}, "no train, val or test file"),
        ({"train.csv": as_csv(SUMS), "train.jsonl": as_jsonl(SUMS)}, {}, "mixed"),
        ({"train.csv": as_csv(SUMS), "val.jsonl": as_jsonl(SUMS)}, {}, "mixed"),
        ({"train.txt": "1+1=2\n"}, {}, "has no val file"),
        ({"train.txt": "1+1=2\n", "val.txt": ""}, {}, "val.txt holds no rows"),
        ({"train.txt": "1+1=2\n2+2=5\n", "val.txt": "1+2=3\n"}, {}, r"train.txt, line 2: 2\+2 is 4, not 5"),
        ({"train.txt": "1+1=2\n2+x=5\n", "val.txt": "1+2=3\n"}, {}, "train.txt, line 2: .*'x'"),
        ({"train.txt": "1+1=2\n", "val.txt": "1+2=3\n"}, {"split_seed": 4}, "data.split_seed has no effect"),
        ({"train.txt": "1+1=2\n", "val.txt": "1+2=3\n"}, {"train_fraction": 0.4}, "data.train_fraction has no"),
        (
            {"train.txt": "1+1=2\n99+1=100\n", "val.txt": "1+2=3\n"},
            {"domain": {"max_operand": 9}},
            "line 2: '99\\+1=' does not lie in data.domain",
        ),
        ({"rows.txt": "1+1=2\n"}, {"train_fraction": 1e-9}, "falls into data.train_fraction 1e-09"),
    ],
)
def test_bad_data_gets_one_clear_line(
    files: dict[str, str], data: dict[str, Any], message: str, tmp_path: Path
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content.encode())
    with pytest.raises(UserError, match=message) as caught:
        open_stream(tmp_path, **data)
    assert "\n" not in str(caught.value)


def test_a_missing_path_and_an_unspellable_row_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no data set at"):
        open_stream(tmp_path / "nowhere")
    (tmp_path / "train.txt").write_text("2+1=3\n3-1=2\n")
    (tmp_path / "val.txt").write_text("1+1=2\n")
    config = DataConfig(source="files", path=str(tmp_path))
    with pytest.raises(UserError, match=r"train\.txt, line 2: unknown character '-'"):
        TrainStream(config, Format(), vocabulary("cot16"), batch_size=1)
