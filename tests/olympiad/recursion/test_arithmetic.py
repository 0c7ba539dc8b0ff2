"""A recursive head on one of our own models, from its training to its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longhand.data.config import DataConfig
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.trm_backbone import DecoderBackbone, config_for
from longhand.olympiad.backbone import load_backbone
from longhand.olympiad.solver import load_recursive_solver
from longhand.olympiad.training.arithmetic_batches import ArithmeticBatches, as_rows
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.olympiad.training.measure import measure_steps
from longhand.olympiad.training.trainer import RecursiveTrainer
from longhand.runs.checkpoint import Checkpoint, save_checkpoint
from longhand.solvers.base import NextToken, Solver
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

WORDS = vocabulary("mini18")
FORMAT = Format(operand_width=1, answer_width=2, reverse_answer=True)


def stream(**keys: Any) -> TrainStream:
    config = DataConfig(**{"domain": {"max_operand": 9}, "loss": "answer", "train_fraction": 1.0, **keys})
    return TrainStream(config, FORMAT, WORDS, batch_size=16)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model: what is learned, the head learns."""
    directory = tmp_path_factory.mktemp("own") / "model"
    source = stream()
    config = ModelConfig(
        name="llama2", d_model=32, n_heads=2, n_layers=1, max_seq_len=source.longest - 1, init="scaled"
    )
    model = build_model(config, len(WORDS), seed=0)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    saved = Checkpoint(
        model=config.model_dump(mode="json"), weights=weights, vocabulary=WORDS, format=FORMAT, domain=source.domain
    )
    save_checkpoint(directory, saved)
    return directory


@pytest.mark.row("S3-M1", "S3-T2")
def test_a_head_learns_arithmetic_and_answers_through_the_solver(checkpoint: Path, tmp_path: Path) -> None:
    backbone = load_backbone(checkpoint)
    batches = ArithmeticBatches(stream(), 30)
    trm = config_for(backbone, n_layers=1, n_latent=1, t_recursion=2, n_supervision=2)
    run = RecursiveTrainer(backbone, trm, RecursiveTrainingConfig(learning_rate=3e-3, ema_decay=0.9), batches)
    run.run(tmp_path / "head")
    asked = [batches[i] for i in range(4)]
    before = measure_steps(RecursiveTrainer(backbone, trm, RecursiveTrainingConfig(), batches).head, backbone, asked)
    after = measure_steps(run.evaluated, backbone, asked)
    assert after[-1].loss < 0.7 * before[-1].loss

    solver = load_recursive_solver(checkpoint, tmp_path / "head")
    assert isinstance(solver, Solver)
    prompts = ["3+4=", "9+9=", "1+", "7-5="]
    together = solver.solve(prompts, max_new_tokens=3)
    for prompt, completion in zip(prompts, together, strict=True):
        alone = solver.solve([prompt], max_new_tokens=3)[0]
        assert (alone.text, alone.token_ids, alone.finish_reason) == (
            completion.text,
            completion.token_ids,
            completion.finish_reason,
        )
    first = solver.next_tokens(solver.prompt_ids("3+4="), 1)[0]
    assert first.token_id == together[0].token_ids[0]
    assert first.logprob == pytest.approx(together[0].logprobs[0], abs=1e-5)
    searched = solver.solve(["3+4="], beam=3, max_new_tokens=3)[0]
    ids = solver.prompt_ids("3+4=")
    for token, logprob in zip(searched.token_ids, searched.logprobs, strict=True):
        chances = {chance.token_id: chance.logprob for chance in solver.next_tokens(ids, len(WORDS))}
        assert logprob == pytest.approx(chances[token], abs=1e-5), "its caches follow the beams"
        ids.append(token)
    assert not isinstance(solver, NextToken), "it is not asked what it would have written"


def test_the_head_of_another_model_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    other = build_model(ModelConfig(name="gpt2", d_model=32, n_heads=2, n_layers=1), len(WORDS), seed=1)
    backbone = DecoderBackbone(other)
    trm = config_for(backbone, n_layers=1, n_supervision=1)
    RecursiveTrainer(backbone, trm, RecursiveTrainingConfig(), ArithmeticBatches(stream(), 1)).run(tmp_path / "head")
    with pytest.raises(
        UserError, match="was trained on a backbone whose n_parameters is 15264, and this one's is 13984"
    ):
        load_recursive_solver(checkpoint, tmp_path / "head")


@pytest.mark.parametrize("padding", ["left", "right"])
def test_inputs_and_targets_become_ids_and_labels(padding: str) -> None:
    batch = stream(padding=padding).batch(3)
    rows = as_rows(batch)
    assert (rows.ids[:, :-1] == batch.input_ids).all()
    assert (rows.mask[:, :-1] == batch.attention_mask).all()
    assert ((rows.labels[:, 1:] >= 0) == (batch.weights > 0)).all()
    assert (rows.labels[rows.labels >= 0] == rows.ids[rows.labels >= 0]).all()
    assert (rows.labels == WORDS.id_of("eos")).sum() == 16, "every row has its end mark"
