from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.evaluation import evaluate as module
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.report import Report
from longhand.evaluation.suites import DomainSuite
from longhand.evaluation.sweep import sweep
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.runs.checkpoint import Checkpoint, save_checkpoint
from longhand.solvers.base import Solver
from longhand.solvers.load import load
from longhand.solvers.oracle import Fault, Oracle
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

SMALL = Domain(max_operand=40)
FAULTS = dict.fromkeys(Fault, 0.03)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 500)


def _same(one: Report, other: Report) -> bool:
    return (
        one.tally == other.tally
        and one.shares == other.shares
        and one.failures == other.failures
        and one.n_decoded == other.n_decoded
        and bool(np.array_equal(one.codes, other.codes))
    )


def test_any_number_of_processes_finds_the_same(tmp_path: Path) -> None:
    oracle = Oracle(SMALL, fault_shares=FAULTS)
    suite = DomainSuite(SMALL)
    alone = evaluate(oracle, suite, samples=tmp_path / "1.jsonl")
    told: list[int] = []
    shared = sweep(
        partial(Oracle, SMALL, fault_shares=FAULTS), suite, processes=2,
        samples=tmp_path / "2.jsonl", progress=lambda done, _: told.append(done),
    )  # fmt: skip
    assert _same(alone, shared)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    assert told == sorted(told)
    assert told[-1] == SMALL.size


def _refuse() -> Solver:
    raise UserError("there is no such model")


def test_what_a_process_cannot_do_is_one_line_here() -> None:
    with pytest.raises(UserError, match="there is no such model"):
        sweep(_refuse, DomainSuite(SMALL), processes=1)
    with pytest.raises(UserError, match="processes is 0"):
        sweep(_refuse, DomainSuite(SMALL), processes=0)


def test_a_model_in_two_processes_is_the_model_in_one_to_the_last_bit(tmp_path: Path) -> None:
    config = ModelConfig(d_model=16, n_heads=2, n_layers=2, max_seq_len=12, tie_weights=False, init_std=0.5)
    model, domain = build_model(config, 18, seed=0), Domain(max_operand=30)
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    stored = Checkpoint(
        model=config.model_dump(mode="json"), weights=weights, vocabulary=vocabulary("mini18"),
        format=Format(), domain=domain,
    )  # fmt: skip
    save_checkpoint(tmp_path / "model", stored)
    open_solver, suite = partial(load, tmp_path / "model", threads=1), DomainSuite(domain)
    one, two = (sweep(open_solver, suite, processes=n, samples=tmp_path / f"{n}.jsonl") for n in (1, 2))
    assert _same(one, two)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    assert _same(one, evaluate(open_solver(), suite))
    assert len(one.tally) > 5
