"""The contenders compute the same thing."""

from __future__ import annotations

import pytest
import torch

from longhand.bench.contenders import eager, hugging_face, lightning, ours
from longhand.bench.contenders.steps import StepGate
from longhand.bench.spec import DecodeSpec, Precision, TrainSpec
from longhand.models.build import build_model

TRAIN = TrainSpec(32, 4, layers=2)


def test_the_eager_model_is_the_same_function() -> None:
    plain = eager.build(TRAIN)
    model = build_model(TRAIN.model_config(), TRAIN.vocab_size, seed=0)
    ids = torch.from_numpy(TRAIN.batches(1)[0].input_ids)
    torch.testing.assert_close(plain(ids)[0], model(ids), rtol=1e-4, atol=1e-4)
    assert sum(p.numel() for p in plain.parameters()) == model.num_parameters()


def test_hugging_face_sees_the_same_rows_and_loss() -> None:
    ready = hugging_face.ReadyBatches(TRAIN)
    theirs = ready.__getitems__([0])
    batch = TRAIN.batches()[1]
    assert (theirs["input_ids"][:, :-1].numpy() == batch.input_ids).all()
    counted = theirs["labels"][:, 1:] != -100  # the class compares each label with what the token before it gives
    assert (counted.numpy() == (batch.weights > 0)).all()
    assert (theirs["labels"][:, 1:].numpy() == batch.targets)[counted.numpy()].all()


@pytest.mark.parametrize("task", ["answer", "worked"])
def test_every_decoder_writes_the_same(task: str) -> None:
    spec = DecodeSpec(32, 6, layers=2, task=task, new_tokens=5)  # type: ignore[arg-type]
    answers = [
        [list(row) for row in module.decode_contender(spec)(spec.prompts)] for module in (ours, eager, hugging_face)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert {len(row) for row in answers[0]} == {5}  # nobody stops early
    assert len({tuple(row) for row in answers[0]}) > 1  # and not everybody says the same


@pytest.mark.parametrize(
    ("module", "precision"),
    [(ours, "fp32"), (ours, "bf16"), (eager, "fp32"), (eager, "bf16"), (hugging_face, "fp32"), (lightning, "fp32")],
)
def test_everybody_takes_steps_on_demand(module: object, precision: Precision) -> None:
    run = module.train_contender(TRAIN, precision)  # type: ignore[attr-defined]
    run(1)
    run(2)


def test_a_gate_counts_steps() -> None:
    gate, done = StepGate(), []

    def loop() -> None:
        while True:
            gate.wait()
            done.append(len(done))
            if len(done) == 6:
                raise ValueError("worn out")

    gate.start(loop)
    gate.take(2)
    assert len(done) == 2
    gate.take(3)
    assert len(done) == 5
    with pytest.raises(ValueError, match="worn out"):
        gate.take(1)
