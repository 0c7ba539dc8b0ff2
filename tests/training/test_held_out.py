from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from longhand.training.distributed import Group
from longhand.training.held_out import HeldOutRows
from longhand.training.run_config import RunConfig
from longhand.training.setup import set_up

ALONE = Group(0, 1, torch.device("cpu"))


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("loss", ["answer", "full"])
def test_a_row_is_right_exactly_when_greedy_decoding_writes_it(
    tiny: Callable[..., RunConfig], padding: str, loss: str
) -> None:
    # Formats without widths make rows of different lengths; some steps of training make some rows right.
    config = tiny(
        format={"operand_width": None, "answer_width": None},
        data={"padding": padding, "loss": loss, "train_fraction": 0.3, "val_fraction": 0.6},
    )
    setup = set_up(config, ALONE)
    state = setup.fresh_state()
    for batches in setup.batches(0, 60):
        ids, targets = torch.from_numpy(batches[0].input_ids), torch.from_numpy(batches[0].targets)
        mask, weights = torch.from_numpy(batches[0].attention_mask), torch.from_numpy(batches[0].weights)
        logits = state.model(ids, mask)
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        torch.dot(losses, weights.flatten()).div(len(ids)).backward()
        state.optimizer.step(config.training.learning_rate)
        state.parameters.gradients.zero_()
    measured = setup.held_out.evaluate(state.model)
    tokens = setup.stream.validation(config.training.eval_samples).tokens
    vocabulary = setup.stream.vocabulary
    right = 0
    for index in range(len(tokens)):
        row, prompt = tokens.row(index), int(tokens.prompt_lengths[index])
        written = state.model.generate(torch.tensor([row[:prompt]]), len(row) - prompt, vocabulary.id_of("eos"))
        right += written[0].tolist() == row
    assert measured["val_total"] == len(tokens)
    assert measured["val_exact_match"] == right / len(tokens)
    assert 0 < right < len(tokens)


@pytest.mark.row("S2-T2")
@pytest.mark.parametrize("loss", ["completion", "full"])
def test_loss_and_token_accuracy_are_means_over_tokens(tiny: Callable[..., RunConfig], loss: str) -> None:
    setup = set_up(tiny(data={"loss": loss}), ALONE)
    model = setup.fresh_state().model
    measured = setup.held_out.evaluate(model)
    tokens = setup.stream.validation(2000).tokens
    losses, hits, all_hits = [], [], []
    for index in range(len(tokens)):
        row, prompt = tokens.row(index), int(tokens.prompt_lengths[index])
        log_probs = model(torch.tensor([row[:-1]]))[0].double().log_softmax(dim=-1)
        for position in range(1 if loss == "full" else prompt, len(row)):
            losses.append(-log_probs[position - 1, row[position]].item())
            all_hits.append(log_probs[position - 1].argmax().item() == row[position])
            hits += all_hits[-1:] if position >= prompt else []
    assert measured["val_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert measured["val_token_accuracy"] == pytest.approx(np.mean(hits))
    assert measured.get("val_token_accuracy_all") == (pytest.approx(np.mean(all_hits)) if loss == "full" else None)


def test_evaluation_changes_nothing(tiny: Callable[..., RunConfig]) -> None:
    setup = set_up(tiny(model={"dropout": 0.5}), ALONE)
    model = setup.fresh_state().model.train()
    first = setup.held_out.evaluate(model)
    assert model.training
    assert setup.held_out.evaluate(model) == first  # no dropout: evaluation is exact
    assert not any(p.grad is not None and p.grad.any() for p in model.parameters())


def test_nothing_held_out_is_false(tiny: Callable[..., RunConfig]) -> None:
    setup = set_up(tiny(data={"train_fraction": 1.0, "val_fraction": 0.0}), ALONE)
    assert not HeldOutRows(setup.stream, 10, ALONE)


def test_shares_of_processes_are_disjoint_and_whole(tiny: Callable[..., RunConfig]) -> None:
    setup = set_up(tiny(), ALONE)
    shares = [HeldOutRows(setup.stream, 11, Group(rank, 2, torch.device("cpu"))) for rank in (0, 1)]
    rows = [tuple(ids.tolist()) for share in shares for part in share.passes for ids in part.batch.input_ids]
    whole = HeldOutRows(setup.stream, 11, ALONE)
    assert sorted(rows) == sorted(tuple(ids.tolist()) for part in whole.passes for ids in part.batch.input_ids)
