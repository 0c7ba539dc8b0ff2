"""Numbers of short trainings of every block, which may change only with a line in the changelog."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from longhand.training.distributed import Group
from longhand.training.run_config import RunConfig
from longhand.training.setup import set_up
from longhand.training.step import take_step

KINDS: dict[str, dict[str, Any]] = {
    "post-norm": {"name": "think", "dropout": 0.1},
    "zero memory": {"name": "poc", "dropout": 0.1},
    "looped": {"name": "think", "n_loops": 3},
    "feedback": {"name": "think", "block": "feedback"},
    "state space": {"name": "mamba", "d_state": 4},
    "pope": {"name": "gpt2", "pos_encoding": "pope"},
    "softmax1": {"name": "gpt2", "softmax": "softmax1"},
}

# loss of step 1, mean loss of steps 181 to 200
GOLDEN: dict[str, tuple[float, float]] = {
    "post-norm": (3.418569, 0.762029),
    "zero memory": (3.764445, 0.767785),
    "looped": (3.549721, 0.668061),
    "feedback": (3.418131, 0.619270),
    "state space": (3.539400, 0.592199),
    "pope": (3.550428, 0.707980),
    "softmax1": (3.545170, 0.682159),
}


def measure(kind: str) -> tuple[float, float]:
    config = {
        "format": {"operand_width": 1, "answer_width": 2, "reverse_answer": True},
        "data": {"domain": {"max_operand": 9}, "train_fraction": 1.0, "loss": "answer"},
        "model": {"d_model": 16, "n_layers": 1, "max_seq_len": 8, **KINDS[kind]},
        "training": {"batch_size": 32, "max_steps": 200, "learning_rate": 0.01, "precision": "fp32"},
    }
    setup = set_up(RunConfig.from_dict(config), Group(0, 1, torch.device("cpu")))
    state = setup.fresh_state()
    state.model.train()
    losses = []
    for batches in setup.batches(0, 200):
        take_step(state, batches, setup.config.training, setup.plan.schedule(state.step), setup.group)
        losses.append((state.sums[0] / state.sums[1]).item())
        state.sums.zero_()
    return losses[0], sum(losses[-20:]) / 20


@pytest.mark.row("S0-B7", "S0-B8", "S0-B9", "S0-B10", "S0-B11")
@pytest.mark.parametrize("kind", list(KINDS))
def test_two_hundred_steps_learn_as_much_as_they_always_did(kind: str) -> None:
    assert measure(kind) == pytest.approx(GOLDEN[kind], rel=2e-3)
