"""Models that count the places of digits, trained: how far places are moved depends on the seed and the step alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from longhand.data.batches import Batch
from longhand.errors import UserError
from longhand.models.config_rules import COUNTS_DIGITS
from longhand.training.distributed import Group
from longhand.training.loop import train
from longhand.training.progress import Silence
from longhand.training.run_config import RunConfig
from longhand.training.setup import set_up
from longhand.training.step import take_step

Tiny = Callable[..., RunConfig]

ALONE = Group(0, 1, torch.device("cpu"))
SUMS: dict[str, dict[str, Any]] = {
    "format": {
        "begin": True, "notation": "schoolbook", "reverse_answer": False, "operand_width": None, "answer_width": None
    },
    "data": {"domain": {"operators": ["+"], "max_operand": 99}, "loss": "completion"},
    "model": {"max_seq_len": 12, "max_digits": 20},
}  # fmt: skip
each_kind = pytest.mark.parametrize("kind", COUNTS_DIGITS)


def sums(tiny: Tiny, kind: str, **changed: dict[str, Any]) -> RunConfig:
    chosen = {"model": {"pos_encoding": kind}}
    names = SUMS.keys() | changed.keys()
    keys = {name: {**SUMS.get(name, {}), **chosen.get(name, {}), **changed.get(name, {})} for name in names}
    return RunConfig.from_dict({**tiny(**keys).to_dict(), "vocabulary": "sum_rows"})


def weights_after(config: RunConfig, step: int, batch: Batch) -> dict[str, torch.Tensor]:
    state = set_up(config, ALONE).fresh_state()
    state.step = step
    take_step(state, [batch], config.training, 0.01, ALONE)  # type: ignore[arg-type]
    weights: dict[str, torch.Tensor] = state.model.state_dict()  # type: ignore[attr-defined]
    return weights


@each_kind
def test_a_step_depends_on_seed_and_step_and_on_nothing_else(tiny: Tiny, kind: str) -> None:
    config = sums(tiny, kind)
    batch = next(iter(set_up(config, ALONE).batches(0, 1)))[0]
    torch.manual_seed(1)
    first = weights_after(config, 0, batch)
    torch.manual_seed(2)
    again = weights_after(config, 0, batch)
    later = weights_after(config, 1, batch)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["positions.weight"], later["positions.weight"])


class KilledError(Exception):
    """Stands for a kill."""


class StopAfter(Silence):
    def advance(self, step: int) -> None:
        if step == 6:
            raise KilledError


@each_kind
def test_a_run_goes_on_to_the_bit(tiny: Tiny, tmp_path: Path, kind: str) -> None:
    config = sums(tiny, kind)
    train(config, tmp_path / "whole")
    with pytest.raises(KilledError):
        train(config, tmp_path / "parts", progress=StopAfter())
    train(config, tmp_path / "parts", resume="auto")
    whole, parts = (tmp_path / run / "model" / "model.safetensors" for run in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": {"loss": "full"}}, r"model\.layout sum reads a prompt as a whole, and data\.loss full counts"),
        ({"model": {"max_digits": 2}}, r"operands of 2 digits have sums of up to 3, and model\.max_digits is 2"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_the_first_step(
    tiny: Tiny, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as refused:
        set_up(sums(tiny, "abacus", **changed), ALONE)
    assert "\n" not in str(refused.value)


@each_kind
@pytest.mark.parametrize(
    ("key", "value"), [("vocabulary", "poc16"), ("format", {"begin": True}), ("format", {"notation": "schoolbook"})]
)
def test_rows_in_another_notation_are_refused(tiny: Tiny, kind: str, key: str, value: Any) -> None:
    config = RunConfig.from_dict({**sums(tiny, kind).to_dict(), key: value})
    with pytest.raises(UserError, match=rf"model\.layout sum reads rows with {key}"):
        set_up(config, ALONE)


@each_kind
@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_engines_that_do_not_compute_it_say_so(tiny: Tiny, kind: str, engine: str, tmp_path: Path) -> None:
    config = sums(tiny, kind, runtime={"engine": engine, "threads": None})
    with pytest.raises(UserError, match=rf"{engine}.*pos_encoding: {kind}"):
        train(config, tmp_path / "run")
