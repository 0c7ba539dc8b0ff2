"""Numbers of training that may change only with a line in the changelog.

They hold the data stream, the initial weights, the model, the loss, the optimizer and the schedule together. Another
processor adds float32 in another order: weights changed by a millionth moved these numbers by less than that.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from longhand.training.distributed import Group
from longhand.training.run_config import RunConfig
from longhand.training.setup import set_up
from longhand.training.step import take_step

# name of the architecture: loss and gradient norm of step 1, mean loss of steps 91 to 100, norm of the weights after
GOLDEN: dict[str, tuple[float, float, float, float]] = {
    "gpt2": (3.533949, 3.291258, 1.201057, 14.31446),
    "llama2": (3.517277, 1.882556, 1.325632, 14.85704),
    "mixtral": (3.526894, 1.924467, 1.370416, 16.75193),
}


def measure(name: str) -> tuple[float, float, float, float]:
    config: dict[str, Any] = {
        "format": {"operand_width": 2, "answer_width": 3, "reverse_answer": True},
        "data": {
            "domain": {"max_operand": 99},
            "mixture": {"uniform": 0.5, "cascade": 0.25, "short": 0.25},
            "train_fraction": 0.5,
            "loss": "answer",
        },
        "model": {"name": name, "d_model": 32, "n_heads": 2, "n_layers": 2, "max_seq_len": 12},
        "training": {
            "batch_size": 64,
            "max_steps": 100,
            "learning_rate": 0.003,
            "warmup_steps": 10,
            "precision": "fp32",
        },
    }
    setup = set_up(RunConfig.from_dict(config), Group(0, 1, torch.device("cpu")))
    state = setup.fresh_state()
    state.model.train()
    norms, losses = [], []
    for batches in setup.batches(0, 100):
        rate = setup.plan.schedule(state.step)
        norm, _ = take_step(state, batches, setup.config.training, rate, setup.group)
        norms.append(norm.item())
        losses.append((state.sums[0] / state.sums[1]).item())
        state.sums.zero_()
    weights = torch.cat([p.detach().flatten() for p in state.model.parameters()]).norm().item()
    return losses[0], norms[0], sum(losses[-10:]) / 10, weights


@pytest.mark.parametrize("name", ["gpt2", "llama2", "mixtral"])
def test_one_step_and_a_hundred_steps_give_the_numbers_they_always_gave(name: str) -> None:
    first_loss, first_norm, last_loss, weights = measure(name)
    golden = GOLDEN[name]
    assert (first_loss, first_norm) == pytest.approx(golden[:2], rel=1e-5)
    assert (last_loss, weights) == pytest.approx(golden[2:], rel=1e-4)
