"""Baselines on equal terms: each trains what it says and nothing else, on the labels that all others have."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.token_loss import labelled_loss
from longhand.models.trm_backbone import Backbone, config_for
from longhand.olympiad.answering import load_answering
from longhand.olympiad.backbone import load_backbone
from longhand.olympiad.data.batches import ShuffledBatches, padded
from longhand.olympiad.data.build_store import build_store
from longhand.olympiad.data.chat import ChatFormat
from longhand.olympiad.data.dataset import open_dataset
from longhand.olympiad.data.store import TokenStore
from longhand.olympiad.generate import PlainModel, generate
from longhand.olympiad.run import AnyTrainer
from longhand.olympiad.tokenizer import load_tokenizer
from longhand.olympiad.training import baseline as baseline_module
from longhand.olympiad.training.baseline import (
    LORA_TARGETS,
    METHODS,
    BaselineConfig,
    Method,
    build_baseline,
    load_baseline,
)
from longhand.olympiad.training.baseline_trainer import BaselineTrainer
from longhand.olympiad.training.batches import FixedBatches, Rows
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.olympiad.training.trainer import RecursiveTrainer

RUN = RecursiveTrainingConfig(learning_rate=1e-2, ema_decay=0.9)
SMALL: dict[str, Any] = {"rank": 4, "alpha": 8, "n_loops": 2}


@pytest.fixture(scope="session")
def batches(word_model: Path, words: Path, tmp_path_factory: pytest.TempPathFactory) -> ShuffledBatches:
    store = tmp_path_factory.mktemp("stores") / "tokens"
    chat = ChatFormat(load_tokenizer(word_model))
    build_store(store, open_dataset(words, dataset="gsm8k", split="train"), chat, max_length=400)
    return ShuffledBatches(TokenStore(store), 4, seed=1)


def hashes(module: nn.Module) -> dict[str, str]:
    """Of every tensor, trained or not, by name."""
    return {
        name: hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()
        for name, tensor in module.state_dict().items()
    }


TRAINED = {
    "last-layers": ["model.layers.1.", "model.norm.weight"],
    "extra-layer": ["model.layers.2.", "model.norm.weight"],
    "lora": [f".{target}.lora_{letter}." for target in LORA_TARGETS for letter in "AB"],
    "whole": [""],
    "looped": [""],
}


@pytest.mark.row("S3-B1a", "S3-B1b", "S3-B1c")
@pytest.mark.parametrize("method", METHODS)
def test_it_trains_what_it_says_and_nothing_else(method: Method, word_model: Path, batches: ShuffledBatches) -> None:
    trainer = BaselineTrainer(load_backbone(word_model), BaselineConfig(method=method, **SMALL), RUN, batches)
    before = hashes(trainer.module)
    trainer.run()
    after = hashes(trainer.module)
    changed = {name for name in before if before[name] != after[name]}
    wanted = {name for name in before if any(part in name for part in TRAINED[method])}
    assert changed == wanted
    assert before.keys() == after.keys()
    assert trainer.updates.optimizer.steps == batches.steps_per_epoch == 3


def test_the_head_of_last_layers_is_a_copy(word_model: Path, batches: ShuffledBatches) -> None:
    config = BaselineConfig(method="last-layers", include_lm_head=True)
    trainer = BaselineTrainer(load_backbone(word_model), config, RUN, batches)
    before = hashes(trainer.module)
    trainer.run()
    changed = {name for name, value in hashes(trainer.module).items() if value != before[name]}
    assert "lm_head.weight" in changed
    assert "model.embed_tokens.weight" not in changed, "they are one matrix in the model that was loaded"


@pytest.mark.row("S3-B1a", "S3-B1b", "S3-B1c")
def test_all_methods_learn_from_the_same_labels(
    word_model: Path, batches: ShuffledBatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit the same targets in the same places; the published comparison had others for each."""
    seen: list[tuple[int, ...]] = []

    def watched(hidden: Tensor, labels: Tensor, *rest: Any) -> Tensor:
        seen.append(tuple(labels.flatten().tolist()))
        assert hidden.shape[:2] == labels.shape
        return labelled_loss(hidden, labels, *rest)

    monkeypatch.setattr(baseline_module, "labelled_loss", watched)
    monkeypatch.setattr("longhand.models.trm.labelled_loss", watched)
    found: dict[str, list[tuple[int, ...]]] = {}
    for method in METHODS:
        BaselineTrainer(load_backbone(word_model), BaselineConfig(method=method, **SMALL), RUN, batches).run()
        found[method], seen[:] = list(seen), []
    backbone = load_backbone(word_model)
    trm = config_for(backbone, n_layers=1, n_latent=1, t_recursion=1, n_supervision=2)
    RecursiveTrainer(backbone, trm, RUN, batches).run()
    assert seen[::2] == seen[1::2], "every step of the supervision of a batch has its labels"
    found["trm"] = seen[::2]
    rows = [tuple(batches[i].labels[:, 1:].flatten().tolist()) for i in range(batches.steps_per_epoch)]
    assert all(labels == rows for labels in found.values()), {name: len(labels) for name, labels in found.items()}
    assert any(label != -100 for row in rows for label in row)


@pytest.mark.parametrize("method", ["extra-layer", "lora", "last-layers", "whole"])
def test_it_begins_as_the_model_it_is_made_of(method: Method, word_model: Path) -> None:
    prompts = [[1, 5, 9, 30, 77], [4, 8]]
    ids = torch.tensor([prompts[0]])
    plain = load_backbone(word_model)
    expected = PlainModel(plain)(ids)
    tuned = build_baseline(BaselineConfig(method=method, **SMALL), load_backbone(word_model), seed=0)
    torch.testing.assert_close(PlainModel(tuned.backbone)(ids), expected, rtol=0, atol=1e-6)


@pytest.mark.row("S3-B2")
@pytest.mark.parametrize("method", METHODS)
def test_what_is_saved_answers_as_what_was_trained_in_batches_as_alone(
    method: Method, word_model: Path, batches: ShuffledBatches, tmp_path: Path
) -> None:
    """Cached, batched and from the file: the same tokens as the averaged weights give one by one without a cache."""
    trainer = BaselineTrainer(load_backbone(word_model), BaselineConfig(method=method, **SMALL), RUN, batches)
    trainer.run(tmp_path / "run")
    trainer.baseline.trained.load_state_dict(trainer.updates.evaluated.state_dict())
    alone = PlainModel(trainer.baseline.backbone)
    trainer.module.eval()
    loaded = load_answering(word_model, tmp_path / "run")
    assert loaded.name == method
    prompts = [[1, 5, 9, 30, 77], [4, 8], [100, 3, 200]]
    written = generate(loaded.model, prompts, max_new_tokens=5, eos_id=2, pad_id=0)
    for prompt, row in zip(prompts, written, strict=True):
        ids = list(prompt)
        for token in row.token_ids:
            assert int(alone(torch.tensor([ids]))[0, -1].argmax()) == token
            ids.append(token)


def test_a_batch_without_labels_is_left_out_and_counted(word_model: Path, batches: ShuffledBatches) -> None:
    """The mean over no labels is no number; nothing of it may reach the weights."""
    first = batches[0]
    empty = Rows(first.ids, np.full_like(first.labels, -100), first.mask)
    config = BaselineConfig(method="whole")
    with_it = BaselineTrainer(load_backbone(word_model), config, RUN, FixedBatches([empty, first]))
    with_it.run()
    assert (with_it.skipped_batches, with_it.step, with_it.updates.optimizer.steps) == (1, 2, 1)
    assert with_it.updates.flat.weights.isfinite().all()


def test_a_loss_that_is_no_number_ends_the_run_in_a_line(word_model: Path, batches: ShuffledBatches) -> None:
    run = BaselineTrainer(load_backbone(word_model), BaselineConfig(method="whole"), RUN, FixedBatches([batches[0]]))
    with torch.no_grad():
        run.updates.flat.weights[:] = math.inf
    with pytest.raises(UserError, match="no longer finite at step 1; lower learning_rate"):
        run.run()


def test_several_batches_of_a_step_are_their_rows_at_once(word_model: Path, batches: ShuffledBatches) -> None:
    """Whatever the number of labels of each: the published baselines took the mean of means."""
    parts = [padded(batches.store, np.arange(i, j)) for i, j in ((0, 1), (1, 4))]
    whole = padded(batches.store, np.arange(4))
    weights = []
    for rows, accumulated in ((parts, 2), ([whole], 1)):
        config = RUN.model_copy(update={"accumulate_grad_batches": accumulated, "learning_rate": 1e-3})
        trainer = BaselineTrainer(load_backbone(word_model), BaselineConfig(method="whole"), config, FixedBatches(rows))
        trainer.updates.forget_gradients()
        group = trainer._read(0)
        for each in group:
            trainer._add_gradients(each)
        weights.append(trainer.updates.flat.gradients / sum(each.n_targets for each in group))
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-3, atol=1e-6)


def trained(word_model: Path, batches: ShuffledBatches, folder: Path) -> AnyTrainer:
    trainer = BaselineTrainer(load_backbone(word_model), BaselineConfig(method="whole"), RUN, batches)
    trainer.run(folder, stop_at=1)
    return trainer


def test_another_backbone_and_other_data_are_refused(
    word_model: Path, batches: ShuffledBatches, tmp_path: Path
) -> None:
    trained(word_model, batches, tmp_path / "run")
    other: Backbone = load_backbone(word_model)
    with torch.no_grad():
        next(other.module.parameters()).add_(1.0)
    for refusal in (
        lambda: load_baseline(tmp_path / "run", other),
        lambda: BaselineTrainer.resume(tmp_path / "run", other, batches),
    ):
        with pytest.raises(UserError, match="give the backbone it was trained on"):
            refusal()
    fewer = ShuffledBatches(batches.store, 10)
    with pytest.raises(UserError, match="3 batches per epoch, and these are 1"):
        BaselineTrainer.resume(tmp_path / "run", load_backbone(word_model), fewer)
