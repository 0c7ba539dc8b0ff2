from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from longhand.data.batches import Batch
from longhand.errors import UserError
from longhand.native.library import load
from longhand.training.distributed import Group
from longhand.training.engine import bytes_per_row, plan_batch
from longhand.training.loop import train
from longhand.training.progress import Silence
from longhand.training.run_config import RunConfig
from longhand.training.setup import Setup, set_up
from longhand.training.state import TrainingState
from longhand.training.step import take_step

Tiny = Callable[..., RunConfig]
ALONE = Group(0, 1, torch.device("cpu"))

needs_kernels = pytest.mark.skipif(load() is None, reason="no native kernels: no compiler when longhand was installed")


def trained(config: RunConfig, steps: int = 20) -> tuple[Setup, TrainingState]:
    setup = set_up(config, ALONE)
    state = setup.fresh_state()
    state.model.train()
    for batches in setup.batches(0, steps):
        take_step(state, batches, config.training, 0.003, ALONE)
    return setup, state


def weights_of(state: TrainingState) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in state.model.parameters()])


@pytest.mark.parametrize("name", ["gpt2", "llama2"])
@pytest.mark.parametrize("padding", ["left", "right"])
def test_both_engines_train_the_same_model(tiny: Tiny, name: str, padding: str) -> None:
    if load() is None:
        pytest.skip("no native kernels: no compiler when longhand was installed")
    # Rows of different lengths, several layers, beginnings in common.
    sections = {
        "format": {"operand_width": None, "answer_width": None},
        "data": {"padding": padding},
        "model": {"name": name, "n_layers": 2, "d_model": 32, "d_ff": 64, "n_heads": 2},
    }
    results = {}
    for engine in ("native", "torch"):
        _, state = trained(tiny(**sections, runtime={"engine": engine, "device": "cpu"}))
        assert (state.engine is None) == (engine == "torch")
        results[engine] = weights_of(state)
        torch.testing.assert_close(state.sums[1].item(), state.sums[1].item())
    torch.testing.assert_close(results["native"], results["torch"], rtol=1e-3, atol=1e-4)


@needs_kernels
def test_passes_of_a_few_rows_add_up_to_the_step_of_all(tiny: Tiny) -> None:
    whole = weights_of(trained(tiny(), 5)[1])
    parts = weights_of(trained(tiny(runtime={"micro_batch": 3, "device": "cpu"}), 5)[1])
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5)


@needs_kernels
def test_the_same_seed_gives_the_same_weights_to_the_bit(tiny: Tiny) -> None:
    config = tiny(training={"precision": "bf16", "optimizer": "muon"})
    assert torch.equal(weights_of(trained(config)[1]), weights_of(trained(config)[1]))


def test_padding_on_the_left_is_the_same_batch_as_padding_on_the_right() -> None:
    ids, mask = np.array([[5, 6, 7, 0], [8, 9, 0, 0]]), np.array([[1, 1, 1, 0], [1, 1, 0, 0]], dtype=np.bool_)
    weights = np.array([[0, 1, 1, 0], [0, 1, 0, 0]], dtype=np.float32)
    right = Batch(ids, ids + 1, weights, mask, 3)
    roll = [np.stack([row[-1:].tolist() + row[:-1].tolist() for row in a[:1]] + [np.roll(a[1], 2)]) for a in
            (ids, ids + 1, weights, mask)]  # fmt: skip
    left = Batch(*roll, 3)
    assert left.attention_mask.tolist() == [[False, True, True, True], [False, False, True, True]]
    (plan, targets, counted), (other, other_targets, other_counted) = plan_batch(left, 11), plan_batch(right, 11)
    assert (plan.row_of == other.row_of).all()
    assert plan.keep == other.keep == 1
    assert (targets * counted == other_targets * other_counted).all()


def test_what_was_chosen_is_said_and_kept(tiny: Tiny, tmp_path: Path) -> None:
    said: list[str] = []

    class Listens(Silence):
        def say(self, message: str) -> None:
            said.append(message)

    result = train(tiny(), tmp_path / "run", progress=Listens())
    kept = json.loads((result.model_dir / "training.json").read_text())
    assert kept["precision"] == "fp32"
    assert kept["threads"] == 1
    assert kept["engine"].startswith("native" if load() else "torch")
    assert said[0].startswith("cpu: processes 1, threads 1, precision fp32, engine ")


@needs_kernels
def test_an_engine_that_cannot_compute_the_model_is_refused(tiny: Tiny) -> None:
    with pytest.raises(UserError, match=r"runtime.engine native cannot train this model \(dropout 0.1"):
        trained(tiny(model={"dropout": 0.1}, runtime={"engine": "native", "device": "cpu"}))
    with pytest.raises(UserError, match="micro_batch is for the native engine"):
        trained(tiny(runtime={"engine": "torch", "micro_batch": 4, "device": "cpu"}))
    with pytest.raises(UserError, match="compile is for the torch engine"):
        trained(tiny(runtime={"engine": "native", "compile": True, "device": "cpu"}))


def test_a_pass_holds_about_what_it_says(tiny: Tiny) -> None:
    model = tiny(model={"d_model": 64, "d_ff": 256, "n_layers": 2, "n_heads": 4}).model
    # per layer and token in bf16: 6 x 64 + 2 x 64 in products of width 64, 2 x 256 in the MLP; 2 x 64 in float32
    assert bytes_per_row(model, torch.bfloat16) == 2 * ((8 * 64 + 2 * 256) * 2 + 2 * 64 * 4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, in its own compiler
def test_compiled_losses_are_the_plain_ones(tiny: Tiny) -> None:
    plain = trained(tiny(runtime={"engine": "torch", "device": "cpu"}), 3)[1]
    compiled = trained(tiny(runtime={"compile": True, "device": "cpu"}), 3)[1]
    torch.testing.assert_close(weights_of(compiled), weights_of(plain), rtol=1e-4, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("compiled", [False, True])
def test_on_cuda_the_steps_are_those_of_the_cpu(tiny: Tiny, compiled: bool) -> None:
    config = tiny(runtime={"device": "cuda", "compile": compiled})
    group = Group(0, 1, torch.device("cuda", 0))
    setup = set_up(config, group)
    state = setup.fresh_state()
    state.model.train()
    for batches in setup.batches(0, 5):
        take_step(state, batches, config.training, 0.003, group)
    there = weights_of(state).cpu()
    torch.testing.assert_close(there, weights_of(trained(tiny(), 5)[1]), rtol=1e-2, atol=1e-3)
