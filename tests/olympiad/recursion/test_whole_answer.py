"""Whole answers: the published supervision, its halting, and slots that are filled anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from longhand.errors import UserError
from longhand.models.stablemax import log_stablemax
from longhand.models.trm_config import PUBLISHED, TrmConfig
from longhand.models.whole_answer import build_whole_answer
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.olympiad.training.slots import FixedExamples, SlotReport, SlotTrainer, load_whole_answer
from longhand.runs.manifest import file_sha256

BLANK, PLUS, VOCAB = 10, 11, 12
TRM = {"d_model": 32, "n_heads": 2, "d_ff": 64, "n_latent": 2, "t_recursion": 2, "n_supervision": 4, "max_seq_len": 8}


def config(**keys: Any) -> TrmConfig:
    return TrmConfig(**{**TRM, **PUBLISHED, **keys})


def sums(n: int = 100) -> FixedExamples:
    """a + b as [a, +, b, blank, blank], to be answered in the last two places."""
    pairs = np.array([(a, b) for a in range(10) for b in range(10)][:n])
    ids = np.full((n, 5), BLANK, dtype=np.int64)
    ids[:, 0], ids[:, 1], ids[:, 2] = pairs[:, 0], PLUS, pairs[:, 1]
    labels = np.full((n, 5), -100, dtype=np.int64)
    labels[:, 3], labels[:, 4] = pairs.sum(axis=1) // 10, pairs.sum(axis=1) % 10
    return FixedExamples(ids, labels, seed=0)


def trainer(
    steps: int, trm: TrmConfig | None = None, examples: FixedExamples | None = None, **keys: Any
) -> SlotTrainer:
    run = {"max_steps": steps, "learning_rate": 3e-3, "schedule": "constant", "ema_decay": 0.9, "weight_decay": 0.0}
    return SlotTrainer(
        trm or config(), VOCAB, RecursiveTrainingConfig(**{**run, **keys}), examples or sums(), n_slots=8
    )


@pytest.mark.row("S3-M2", "S3-T2")
def test_sums_are_learned_and_slots_that_are_right_are_left() -> None:
    examples = sums(8)
    run = trainer(260, config(n_layers=1, n_supervision=3), examples, warmup_steps=20)
    reports: list[SlotReport] = []
    run.run(on_step=reports.append)
    ids, labels = torch.from_numpy(examples.ids), torch.from_numpy(examples.labels)
    after_each = (run.evaluated.answers(ids) == labels) | (labels < 0)
    assert after_each.shape == (3, 8, 5), "an answer is always all its steps"
    assert after_each[-1].all(), "the averaged weights have learned eight sums"
    assert reports[-1].loss < 0.3 * reports[0].loss
    assert run.examples_seen > 8 + 260 * 8 / 3, "more than if each had taken all its steps"


def test_a_step_is_the_published_loss() -> None:
    model = build_whole_answer(config(), VOCAB, seed=0)
    examples = sums()
    ids, labels = torch.from_numpy(examples.ids[:6]), torch.from_numpy(examples.labels[:6])
    y, z = model.start(ids)
    done = model.step(ids, y, z, labels)
    x = F.embedding(ids, model.embedding.weight) * 32**0.5
    assert x.std().item() == pytest.approx(1, abs=0.2)
    y, z = model.recursion(x, y, z, model.recursion.read(x, None))
    logits = model.head(y)
    expected = -log_stablemax(logits)[labels >= 0].gather(1, labels[labels >= 0][:, None]).sum()
    torch.testing.assert_close(done.loss_sum, expected)
    assert done.loss_sum.dtype is torch.float64
    assert done.n_places == 12
    assert done.halt is not None
    assert torch.equal(done.halt, torch.full((6,), -5.0)), "no answer is taken to be right before it was seen"
    right = ((logits.argmax(-1) == labels) | (labels < 0)).all(-1)
    assert torch.equal(done.right, right)
    torch.testing.assert_close(
        done.halt_loss, F.binary_cross_entropy_with_logits(done.halt, right.float(), reduction="sum")
    )
    assert not done.y.requires_grad
    assert not done.z.requires_grad


def test_every_place_sees_every_other_and_none_sees_padding() -> None:
    model = build_whole_answer(config(), VOCAB, seed=0)
    ids = torch.tensor([[1, PLUS, 2, BLANK, BLANK]])
    x = model.embed(ids).detach().requires_grad_(True)
    y, z = model.recursion.start(x)
    y, _ = model.recursion(x, y, z, model.recursion.read(x, None))
    (slope,) = torch.autograd.grad(y[:, 0].square().sum(), x)
    assert (slope.abs().sum(-1) > 0).all()
    padded = torch.tensor([[1, PLUS, 2, BLANK, BLANK, 7, 7]])
    mask = torch.tensor([[True] * 5 + [False] * 2])
    alone, in_company = model.answers(ids), model.answers(padded, mask)
    assert torch.equal(alone, in_company[..., :5])


def test_a_slot_ends_when_it_is_right_out_of_steps_or_not_yet() -> None:
    run = trainer(1)
    run._steps = torch.tensor([1, 1, 4, 4, 2, 3, 1, 2])
    sure = torch.tensor([1.0, -1, 1, -1, 1, 1, -5, -5])
    seen = torch.stack([run._ended(sure) for _ in range(400)]).float().mean(dim=0)
    assert seen[[2, 3]].tolist() == [1, 1], "out of steps"
    assert seen[[1, 6, 7]].tolist() == [0, 0, 0], "not right and not out of steps"
    assert 0.85 < seen[0] < 0.95, "one time in ten it has to go on, whatever it thinks"
    assert seen[0] < seen[4] < seen[5] < 1, "and the less so the more steps it has had"
    assert run._ended(None).tolist() == [False, False, True, True, False, False, False, False]


def test_a_new_example_begins_anew_and_its_neighbours_go_on() -> None:
    run = trainer(9, config(halting=False, n_supervision=2))
    run.run(stop_at=1)
    before = run._y.clone(), run._shown.clone()
    run._refill(torch.tensor([False, True, False, False, True, False, False, False]))
    stays = [0, 2, 3, 5, 6, 7]
    assert torch.equal(run._y[stays], before[0][stays])
    assert run._shown.tolist() == [0, 8, 2, 3, 9, 5, 6, 7]
    assert torch.equal(run._y[1], run.model.recursion.start_y.expand(5, 32))
    assert torch.equal(run._ids[4], torch.from_numpy(run.examples[9][0]))
    assert run._steps.tolist() == [1, 0, 1, 1, 0, 1, 1, 1]


@pytest.mark.row("S3-O1")
@pytest.mark.parametrize("stop_at", [1, 6, 11])
def test_slots_resume_bit_for_bit(tmp_path: Path, stop_at: int) -> None:
    trm = config(n_supervision=3)
    for name, stops in (("whole", []), ("parts", [stop_at])):
        torch.manual_seed(3)
        run = trainer(14, trm, learning_rate=1e-2)
        for stop in stops:
            run.run(tmp_path / name, stop_at=stop)
            torch.manual_seed(8)
            run = SlotTrainer.resume(tmp_path / name, sums())
        run.run(tmp_path / name)
    hashes = [
        {p.name: file_sha256(p) for p in (tmp_path / name).rglob("*") if p.is_file()} for name in ("whole", "parts")
    ]
    assert hashes[0] == hashes[1]
    ids = torch.from_numpy(sums().ids)
    assert torch.equal(load_whole_answer(tmp_path / "whole").answers(ids), run.evaluated.answers(ids))


def test_settings_without_a_meaning_are_refused() -> None:
    with pytest.raises(UserError, match="slots are trained for max_steps, without epochs"):
        SlotTrainer(config(), VOCAB, RecursiveTrainingConfig(epochs=2, max_steps=3), sums(), n_slots=2)
    with pytest.raises(UserError, match="n_slots is 0; give at least 1"):
        SlotTrainer(config(), VOCAB, RecursiveTrainingConfig(max_steps=3), sums(), n_slots=0)
