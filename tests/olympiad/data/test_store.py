"""Stores: rows come back as they were encoded, nothing is cut, and an interrupted build leaves nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.olympiad.data.batches import ShuffledBatches, padded
from longhand.olympiad.data.build_store import build_store
from longhand.olympiad.data.chat import IGNORED, ChatFormat
from longhand.olympiad.data.store import TokenStore
from longhand.olympiad.data.word_problem import RowReport, WordProblem
from longhand.olympiad.tokenizer import train_bpe
from longhand.olympiad.word_problems.generate import GeneratedSource


@dataclass
class ListSource:
    """Problems of a test; after the last comes `failure`."""

    problems: list[WordProblem]
    failure: BaseException | None = None

    def read(self, report: RowReport | None = None) -> Iterator[WordProblem]:
        yield from self.problems
        if self.failure is not None:
            raise self.failure

    def describe(self) -> dict[str, Any]:
        return {"problems": len(self.problems)}


def problem(words: int, answer: str | None = "5") -> WordProblem:
    return WordProblem(f"p{words}", "How many?" + " pens" * words, "It is \\boxed{5}.", answer)


@pytest.fixture(scope="module")
def store(chat: ChatFormat, tmp_path_factory: pytest.TempPathFactory) -> TokenStore:
    path = tmp_path_factory.mktemp("store") / "rows"
    build_store(path, GeneratedSource(103), chat, max_length=2048)
    return TokenStore(path)


@pytest.mark.row("S3-D1")
def test_rows_come_back_as_they_were_encoded(chat: ChatFormat, store: TokenStore) -> None:
    problems = list(GeneratedSource(103).read())
    assert len(store) == len(problems)
    assert [store[i] for i in range(len(store))] == chat.encode(problems)
    assert chat.decode(store[0].ids).endswith(f"\\boxed{{{problems[0].answer}}}<|im_end|>")
    assert isinstance(store.ids, np.memmap)
    store.check_tokenizer(chat.tokenizer)
    store.check_contents()


@pytest.mark.row("S3-D1")
@settings(max_examples=25)
@given(lengths=st.lists(st.integers(0, 60), min_size=1, max_size=12), max_length=st.integers(60, 130))
def test_law_3_rows_fit_whole_or_are_dropped_and_counted(
    chat: ChatFormat, tmp_path_factory: pytest.TempPathFactory, lengths: list[int], max_length: int
) -> None:
    path = tmp_path_factory.mktemp("build") / "rows"
    problems = [problem(words) for words in lengths]
    rows: list[Any] = chat.encode(problems)
    fitting = [row for row in rows if len(row.ids) <= max_length]
    if not fitting:
        with pytest.raises(UserError, match="no row is left"):
            build_store(path, ListSource(problems), chat, max_length=max_length)
        assert list(path.parent.iterdir()) == []
        return
    report = build_store(path, ListSource(problems), chat, max_length=max_length)
    built = TokenStore(path)
    assert [built[i] for i in range(len(built))] == fitting
    assert all(built[i].ids[-1] == chat.eos_id for i in range(len(built)))
    assert report.read == len(problems) == report.kept + report.dropped.total()
    assert report.dropped["too long"] == len(problems) - len(fitting)
    assert built.manifest["report"] == report.to_dict()


def test_law_3_is_broken_by_cutting(chat: ChatFormat) -> None:
    row: Any = chat.encode([problem(40)])[0]
    cut = row.ids[: len(row.ids) - 3]  # what `truncation=True` does
    assert chat.eos_id not in cut[row.prompt_length :]
    assert "\\boxed{5}" not in chat.decode(cut)


def test_rows_without_a_box_are_dropped_or_wanted(chat: ChatFormat, tmp_path: Path) -> None:
    source = ListSource([problem(1), problem(2, answer=None)])
    assert build_store(tmp_path / "a", source, chat, max_length=500).dropped == {"no boxed answer": 1}
    assert build_store(tmp_path / "b", source, chat, max_length=500, require_answer=False).kept == 2


@pytest.mark.parametrize("failure", [UserError("line 7"), KeyboardInterrupt()])
def test_an_interrupted_build_leaves_what_was_there(chat: ChatFormat, tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "rows"
    with pytest.raises(type(failure)):
        build_store(path, ListSource([problem(1)] * 600, failure), chat, max_length=500)
    assert list(tmp_path.iterdir()) == []
    build_store(path, ListSource([problem(1)]), chat, max_length=500)
    with pytest.raises(type(failure)):
        build_store(path, ListSource([problem(2)] * 600, failure), chat, max_length=500)
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows"]
    assert len(TokenStore(path)) == 1


def test_only_a_store_is_replaced(chat: ChatFormat, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="no store"):
        build_store(tmp_path, ListSource([problem(1)]), chat, max_length=500)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_damaged_or_foreign_store_is_refused(chat: ChatFormat, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    build_store(path, ListSource([problem(1), problem(2)]), chat, max_length=500)
    with pytest.raises(UserError, match="another tokenizer"):
        TokenStore(path).check_tokenizer(train_bpe(["other"], 300))
    ids = (path / "ids.bin").read_bytes()
    (path / "ids.bin").write_bytes(ids[:-4] + b"\x01\x00\x00\x00")
    with pytest.raises(UserError, match="was changed"):
        TokenStore(path).check_contents()
    (path / "ids.bin").write_bytes(ids[:-4])
    with pytest.raises(UserError, match="not as long"):
        TokenStore(path)
    (path / "manifest.json").write_text(json.dumps({"format": "else"}))
    with pytest.raises(UserError, match="no store"):
        TokenStore(path)
    with pytest.raises(UserError, match="no store"):
        TokenStore(tmp_path)


@settings(max_examples=40)
@given(
    batch_size=st.integers(1, 40),
    seed=st.integers(0, 99),
    bucket=st.sampled_from([1, 2, 5]),
    drop_last=st.booleans(),
)
def test_every_epoch_has_every_row_once_in_its_own_order(
    store: TokenStore, batch_size: int, seed: int, bucket: int, drop_last: bool
) -> None:
    batches = ShuffledBatches(store, batch_size, seed=seed, bucket=bucket, drop_last=drop_last)
    steps = batches.steps_per_epoch
    epochs = [[row for i in range(steps) for row in batches.rows(e * steps + i)] for e in range(2)]
    for rows in epochs:
        assert max(Counter(rows).values()) == 1
        assert len(rows) == (len(store) // batch_size * batch_size if drop_last else len(store))
    assert epochs[0] != epochs[1]
    again = ShuffledBatches(store, batch_size, seed=seed, bucket=bucket, drop_last=drop_last)
    for step in (2 * steps - 1, 0, steps):  # to resume is to ask for the step
        assert np.array_equal(again.rows(step), batches.rows(step))


def test_a_bucket_brings_rows_of_one_length_together(store: TokenStore) -> None:
    def padding(bucket: int) -> int:
        batches = ShuffledBatches(store, 8, bucket=bucket)
        return sum(int((~batches[i].mask).sum()) for i in range(batches.steps_per_epoch))

    assert padding(12) < padding(1) / 2


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_outside_the_mask_and_never_learnt(store: TokenStore, side: Any) -> None:
    batch = padded(store, np.array([3, 0, 50]), side)
    for i, row in enumerate((3, 0, 50)):
        expected = store[row]
        assert batch.ids[i][batch.mask[i]].tolist() == expected.ids
        assert batch.labels[i][batch.mask[i]].tolist() == expected.labels
        assert (batch.ids[i][~batch.mask[i]] == store.pad_id).all()
        assert (batch.labels[i][~batch.mask[i]] == IGNORED).all()
        assert batch.mask[i][0 if side == "right" else -1]
    assert batch.mask.sum(axis=1).max() == batch.ids.shape[1]


def test_bad_sizes_are_refused(store: TokenStore, chat: ChatFormat, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="make no batch of 500"):
        ShuffledBatches(store, 500, drop_last=True)
    with pytest.raises(UserError, match="1 or more"):
        ShuffledBatches(store, 0)
    with pytest.raises(UserError, match="max_length 0"):
        build_store(tmp_path / "x", ListSource([problem(1)]), chat, max_length=0)
