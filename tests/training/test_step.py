from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from longhand.data.batches import Batch
from longhand.training.distributed import Group
from longhand.training.objectives import next_token_losses, to_device
from longhand.training.run_config import RunConfig
from longhand.training.setup import Setup, set_up
from longhand.training.state import TrainingState
from longhand.training.step import average_and_clip_, take_step

ALONE = Group(0, 1, torch.device("cpu"))


def first_batch(setup: Setup) -> Batch:
    return next(iter(setup.batches(0, 1)))[0]


def weights_after(config: RunConfig, micro_batches: list[Batch]) -> tuple[dict[str, torch.Tensor], TrainingState]:
    setup = set_up(config, ALONE)
    state = setup.fresh_state()
    take_step(state, micro_batches, config.training, 0.01, ALONE)
    return {name: value.clone() for name, value in state.model.state_dict().items()}, state


def test_two_halves_of_a_batch_are_one_batch(tiny: Callable[..., RunConfig]) -> None:
    # Rows of different lengths, so that the halves have different numbers of counted tokens.
    config = tiny(format={"answer_width": None}, training={"accumulate_grad_batches": 2})
    batch = first_batch(set_up(config, ALONE))
    halves = [batch.rows(0, 8), batch.rows(8, 16)]
    assert halves[0].weights.sum() != halves[1].weights.sum()
    whole, state = weights_after(config, [batch])
    parts, state_of_parts = weights_after(config, halves)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(state_of_parts.sums, state.sums)


@pytest.mark.parametrize("padding", ["left", "right"])
def test_parts_of_like_length_have_the_gradient_of_their_batch(tiny: Callable[..., RunConfig], padding: str) -> None:
    domain = {"operators": ["+", "-", "*"], "max_operand": 99, "negatives": "allow"}
    config = tiny(
        format={"begin": True, "operand_width": 2, "answer_width": 4, "reverse_answer": True, "steps": "digitwise"},
        data={"domain": domain, "padding": padding},
        model={"max_seq_len": 48},
        training={"grad_clip": None},
        runtime={"engine": "torch"},
    )
    setup = set_up(config, ALONE)
    batch, state = first_batch(setup), setup.fresh_state()
    assert len(list(batch.parts_by_length())) > 1
    loss, _ = next_token_losses(state.model, to_device(batch, ALONE.device))
    (loss / float(batch.weights.sum())).backward()
    expected = state.parameters.gradients.clone()
    take_step(state, [batch], config.training, 0.01, ALONE)
    torch.testing.assert_close(state.parameters.gradients, expected, rtol=1e-4, atol=1e-7)


def test_the_gradient_is_that_of_the_mean_over_counted_tokens(tiny: Callable[..., RunConfig]) -> None:
    config = tiny(training={"grad_clip": None})
    setup = set_up(config, ALONE)
    batch = first_batch(setup)
    state = setup.fresh_state()
    logits = state.model(torch.from_numpy(batch.input_ids))
    losses = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), torch.from_numpy(batch.targets).flatten(), reduction="none"
    )
    mean = torch.dot(losses, torch.from_numpy(batch.weights).flatten()) / float(batch.weights.sum())
    mean.backward()
    expected = state.parameters.gradients.norm()
    norm, _ = take_step(state, [batch], config.training, 0.01, ALONE)
    assert norm.item() == pytest.approx(expected.item(), rel=1e-5)
    assert (state.sums[0] / state.sums[1]).item() == pytest.approx(mean.item(), rel=1e-6)


@pytest.mark.bug("S1-4")
@pytest.mark.parametrize(("largest", "scaled"), [(1.0, 1.0), (100.0, 10.0), (None, 10.0)])
def test_only_long_gradients_are_shortened(largest: float | None, scaled: float) -> None:
    gradients = torch.tensor([1.5] * 4 + [2.0] * 4)  # norm 5
    norm = average_and_clip_(gradients, torch.tensor(2.0), largest)
    assert norm.item() == pytest.approx(10.0)
    assert gradients.norm().item() == pytest.approx(scaled, rel=1e-5)
    assert (gradients[4] / gradients[0]).item() == pytest.approx(2.0 / 1.5)


def test_a_step_counts_and_forgets_the_gradients_before_it(tiny: Callable[..., RunConfig]) -> None:
    config = tiny()
    setup = set_up(config, ALONE)
    once, state = weights_after(config, [first_batch(setup)])
    assert state.step == state.optimizer.steps == 1
    other = setup.fresh_state()
    other.parameters.gradients.fill_(7.0)
    take_step(other, [first_batch(setup)], config.training, 0.01, ALONE)
    for name, value in other.model.state_dict().items():
        assert torch.equal(value, once[name])


def test_dropout_depends_on_seed_step_batch_and_rank_and_on_nothing_else(tiny: Callable[..., RunConfig]) -> None:
    config = tiny(model={"dropout": 0.5})
    batch = first_batch(set_up(config, ALONE))
    torch.manual_seed(1)
    first, _ = weights_after(config, [batch])
    torch.manual_seed(2)
    again, _ = weights_after(config, [batch])
    other, _ = weights_after(tiny(model={"dropout": 0.5}, training={"seed": 1}), [batch])
    without, _ = weights_after(tiny(), [batch])
    name = "head.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])
    assert not torch.equal(first[name], without[name])


def test_bf16_is_close_to_fp32_and_keeps_fp32_weights(tiny: Callable[..., RunConfig]) -> None:
    batch = first_batch(set_up(tiny(), ALONE))
    _, state = weights_after(tiny(), [batch])
    rounded, rounded_state = weights_after(tiny(training={"precision": "bf16"}), [batch])
    assert all(value.dtype == torch.float32 for value in rounded.values())
    assert state.sums[0].item() == pytest.approx(rounded_state.sums[0].item(), rel=0.02)
    assert state.sums[0].item() != rounded_state.sums[0].item()
