from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.arithmetic.carries import longest_chain
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.splits import SplitConfig
from longhand.data import stream as stream_module
from longhand.data.batches import Batch
from longhand.data.config import DataConfig
from longhand.data.domain_sampler import SampledSource
from longhand.data.domain_table import TableSource
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

UNIFIED = vocabulary("unified")
MIXED = {"uniform": 0.5, "cascade": 0.25, "short": 0.25}


def open_stream(batch_size: int = 64, seed: int = 0, format: Format | None = None, **data: Any) -> TrainStream:
    config = DataConfig(**{"domain": {"max_operand": 199}, "mixture": MIXED, **data})
    return TrainStream(config, format or Format(), UNIFIED, batch_size=batch_size, seed=seed)


@pytest.fixture(params=["table", "sampled"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to draw from a domain must keep the same promises."""
    if request.param == "sampled":
        monkeypatch.setattr(stream_module, "TABLE_LIMIT", 0)
    return str(request.param)


def read_problems(stream: TrainStream, steps: int) -> list[Problem]:
    """The problems that the rows of some batches spell."""
    found = []
    for step in range(steps):
        batch = stream.batch(step)
        for ids, targets, weights in zip(batch.input_ids, batch.targets, batch.weights, strict=True):
            text = UNIFIED.decode([*ids.tolist(), int(targets[-1])], skip_special=True)
            parsed = stream.format.parse(text)
            assert parsed.answer == parsed.problem.answer
            answer = UNIFIED.decode(targets[weights == 1].tolist())
            assert answer == f"{text.partition('=')[2]}<eos>"
            found.append(parsed.problem)
    return found


def same(left: Batch, right: Batch) -> bool:
    return all(np.array_equal(getattr(left, f.name), getattr(right, f.name)) for f in fields(Batch))


def test_the_source_is_the_one_the_domain_is_small_enough_for(kind: str) -> None:
    assert isinstance(open_stream().source, TableSource if kind == "table" else SampledSource)


@pytest.mark.parametrize("inverse", [True, False])
def test_no_batch_holds_a_held_out_problem(kind: str, inverse: bool) -> None:
    stream = open_stream(batch_size=256, inverse=inverse, split_seed=3)
    split = SplitConfig(0.2, 0.05, 3, inverse)
    assert {split.split_of(problem) for problem in read_problems(stream, 8)} == {"train"}
    for name in ("val", "test"):
        held_out = stream.held_out(name, 100)  # type: ignore[arg-type]
        assert held_out.problems is not None
        assert {split.split_of(problem) for problem in held_out.problems} == {name}


def test_twins_and_inverse_facts_stay_on_one_side() -> None:
    trained = set(map(str, read_problems(open_stream(batch_size=2048), 20)))
    held_out = open_stream().validation().problems
    assert held_out is not None
    for problem in held_out:
        a, b = problem.operands
        c = a + b if problem.operators == ("+",) else a - b
        facts = [f"{a}+{b}", f"{b}+{a}", f"{c}-{a}", f"{c}-{b}"]
        if problem.operators == ("-",):
            facts = [f"{a}-{b}", f"{a}-{c}", f"{b}+{c}", f"{c}+{b}"]
        assert trained.isdisjoint(facts)


@given(st.integers(0, 10**9), st.integers(0, 2**40))
@settings(max_examples=25)
def test_a_batch_depends_on_seed_and_step_only(step: int, seed: int) -> None:
    stream = open_stream(seed=seed)
    expected = stream.batch(step)
    stream.batch(step + 1)
    assert same(stream.batch(step), expected)
    assert same(open_stream(seed=seed).batch(step), expected)
    assert not same(stream.batch(step + 1), expected)
    assert not same(open_stream(seed=seed + 1).batch(step), expected)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_ranks_together_are_the_global_batch(kind: str, world: int) -> None:
    stream = open_stream()
    whole = stream.batch(5)
    parts = [stream.batch(5, rank, world) for rank in range(world)]
    assert {part.n_keep for part in parts} == {whole.n_keep}
    for name in ("input_ids", "targets", "weights", "attention_mask"):
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    with pytest.raises(UserError, match="batch_size 64 cannot be shared evenly by 3"):
        open_stream().batch(0, 0, 3)
    with pytest.raises(UserError, match="batch_size 0"):
        open_stream(batch_size=0)


def test_the_mixture_is_what_the_batch_is_made_of(kind: str) -> None:
    cascades = [longest_chain(p) > 0 for p in read_problems(open_stream(mixture={"cascade": 1.0}), 4)]
    assert all(cascades)
    n_cascade = sum(longest_chain(p) > 0 for p in read_problems(open_stream(mixture=MIXED), 40))
    n_uniform = sum(longest_chain(p) > 0 for p in read_problems(open_stream(mixture={"uniform": 1.0}), 40))
    share = n_uniform / 2560  # of cascades in the domain itself; the short quarter has a few more
    assert abs(n_cascade / 2560 - (0.25 + 0.6 * share)) < 0.05


def test_short_is_uniform_over_lengths_and_within_them(kind: str) -> None:
    domain = {"max_operand": 99, "operators": ("+",)}
    problems = read_problems(open_stream(mixture={"short": 1.0}, domain=domain, train_fraction=0.5, batch_size=500), 16)
    cells = Counter((len(str(a)), len(str(b))) for a, b in (p.operands for p in problems))
    assert set(cells) == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert max(abs(count - 2000) for count in cells.values()) < 200
    single = Counter(map(str, (p for p in problems if max(p.operands) < 10)))
    split = SplitConfig(0.5, 0.05)
    every = (Problem((a, b), ("+",)) for a in range(10) for b in range(10))
    assert set(single) == {str(problem) for problem in every if split.split_of(problem) == "train"}
    assert max(abs(count - 2000 / len(single)) for count in single.values()) < 5 * (2000 / len(single)) ** 0.5


def test_long_division_is_uniform_over_how_often_the_divisor_is_subtracted() -> None:
    domain = {"max_operand": 99, "operators": ("+", "/")}
    rule = {"mixture": {"long_division": 1.0}, "domain": domain, "train_fraction": 0.9}
    stream = open_stream(batch_size=500, **rule)  # type: ignore[arg-type]
    problems = read_problems(stream, 16)
    assert {p.operators for p in problems} == {("/",)}
    counts = Counter(sum(map(int, str(a // b))) for a, b in (p.operands for p in problems))
    assert set(counts) == set(range(19))  # 99/1 takes 18 of them
    assert max(abs(count - 8000 / 19) for count in counts.values()) < 5 * (8000 / 19) ** 0.5
    assert stream.describe()["problems_per_rule"]["long_division"] < stream.describe()["problems_trained_on"]


def test_uniform_is_uniform_over_the_training_problems(kind: str) -> None:
    stream = open_stream(mixture={"uniform": 1.0}, domain={"max_operand": 9}, train_fraction=0.5, batch_size=4000)
    counts = Counter(map(str, read_problems(stream, 1)))
    assert max(abs(n - 4000 / len(counts)) for n in counts.values()) < 5 * (4000 / len(counts)) ** 0.5


def test_every_training_problem_and_no_other_is_in_the_table() -> None:
    stream = open_stream(mixture={"uniform": 1.0}, domain={"max_operand": 9}, train_fraction=0.5, batch_size=4000)
    domain, split = stream.domain, SplitConfig(0.5, 0.05)
    assert domain is not None
    wanted = {str(problem) for problem in domain if split.split_of(problem) == "train"}
    assert set(map(str, read_problems(stream, 1))) == wanted
    assert stream.describe()["problems_trained_on"] == len(wanted)


def test_validation_rows_do_not_repeat_and_begin_with_those_of_a_smaller_draw() -> None:
    stream = open_stream(seed=1)
    every = stream.validation()
    assert every.problems is not None
    assert len(set(every.problems)) == len(every) == stream.describe()["held_out"]["val"]
    few = open_stream(seed=2).validation(50)
    assert few.problems == list(every.problems)[:50]
    assert [few.tokens.row(i) for i in range(50)] == [every.tokens.row(i) for i in range(50)]


def test_validation_rows_spell_their_problems(kind: str) -> None:
    rows = open_stream().validation(30)
    assert rows.problems is not None
    for i, problem in enumerate(rows.problems):
        assert UNIFIED.decode(rows.tokens.row(i)) == f"{problem}={problem.answer}<eos>"


def test_nothing_held_out_is_said(kind: str) -> None:
    with pytest.raises(UserError, match=r"no problem is held out as val; raise data\.val_fraction"):
        open_stream(train_fraction=1.0).validation(10)
    assert len(open_stream(train_fraction=1.0).source.held_out("val", 10)) == 0
    with pytest.raises(UserError, match=r"no problem is held out as test; lower data\.train_fraction"):
        open_stream(train_fraction=0.9, val_fraction=0.1).held_out("test", 10)


@pytest.mark.parametrize("padding", ["left", "right"])
def test_no_batch_is_wider_than_the_longest_row(kind: str, padding: str) -> None:
    stream = open_stream(padding=padding, batch_size=512)
    widths = {stream.batch(step).input_ids.shape[1] for step in range(5)}
    assert max(widths) == stream.longest - 1 == len("199+199=398")


def test_a_row_longer_than_the_context_is_refused() -> None:
    stream = open_stream()
    stream.check_context(11)
    with pytest.raises(UserError, match=r"longest row has 12 tokens and needs model\.max_seq_len 11, which is 10"):
        stream.check_context(10)


@pytest.mark.parametrize("steps", ["columns", "none"])
def test_worked_steps_are_encoded_as_the_format_writes_them(steps: Any) -> None:
    stream = open_stream(format=Format(steps=steps), loss="completion")
    for step in (0, 1, 0):
        batch = stream.batch(step)
        for ids, targets in zip(batch.input_ids, batch.targets, strict=True):
            text = UNIFIED.decode([*ids.tolist(), int(targets[-1])], skip_special=True)
            assert stream.format.render(stream.format.parse(text).problem).text == text
        assert batch.input_ids.shape[1] <= stream.longest - 1


def test_the_record_for_the_checkpoint_is_json_and_says_what_was_seen() -> None:
    record = open_stream(batch_size=32, seed=9).describe()
    assert json.loads(json.dumps(record)) == record
    counted = record["problems_trained_on"] + record["held_out"]["val"] + record["held_out"]["test"]
    assert counted == record["problems_in_domain"] == 60_100
    assert record["share_trained_on"] == record["problems_trained_on"] / 60_100
    assert abs(record["share_trained_on"] - 0.2) < 0.02
    assert record["over_represented"] == ["cascade", "short"]
    assert (record["loss"], record["seed"], record["batch_size"]) == ("completion", 9, 32)
    assert record["chosen_by"]["inverse"] is True


def test_a_sampled_domain_does_not_claim_counts(kind: str) -> None:
    record = open_stream().describe()
    assert (record["problems_trained_on"] is None) == (kind == "sampled")
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"domain": {"operators": ("/",), "max_operand": 30}}, "cascade"),
        ({"domain": {"max_operand": 1}, "train_fraction": 1e-6, "mixture": {"uniform": 1.0}}, "train_fraction"),
        ({"domain": {"semantics": "left_to_right"}}, "set semantics and division alike"),
        ({"domain": {"min_operand": -9, "max_operand": -1, "operators": ("+",)}}, "no problem"),
    ],
)
def test_domains_with_nothing_to_train_on_are_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_stream(**data)


def test_a_vocabulary_that_cannot_spell_the_domain_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="unknown character '-'"):
        TrainStream(DataConfig(domain={"max_operand": 9}), Format(), vocabulary("cot16"), batch_size=4)
