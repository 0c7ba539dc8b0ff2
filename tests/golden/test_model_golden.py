"""Numbers of the three models that a refactor must reproduce; a change that moves them must say so.

Logits, gradient norm and the loss before and after one step of AdamW, on one batch.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from longhand.models.build import build_model
from longhand.models.config import ModelConfig

CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {"name": "gpt2", "max_seq_len": 20},
    "llama2": {"name": "llama2"},
    "mixtral": {"name": "mixtral", "d_model": 32, "n_heads": 2, "n_layers": 2, "d_ff": 64, "max_seq_len": 20},
    "scaled": {"name": "gpt2", "d_model": 64, "n_layers": 2, "mlp": "relu", "init": "scaled"},
}

# 554+456=1010, 7-12=-5 and 8*8=64 in the mini18 vocabulary: beginning mark, text, end mark, padding.
IDS = torch.tensor(
    [
        [1, 8, 8, 7, 13, 7, 8, 9, 17, 4, 3, 4, 3, 2],
        [1, 10, 14, 4, 5, 17, 14, 8, 2, 0, 0, 0, 0, 0],
        [1, 11, 15, 11, 17, 9, 7, 2, 0, 0, 0, 0, 0, 0],
    ]
)

# logits of "=" after "8*8" for ids 0, 3 and 17; loss before and after one step; norm of the first gradient
GOLDEN: dict[str, tuple[list[float], float, float, float]] = {
    "gpt2": ([0.391951, 0.062267, 1.106026], 2.967235, 2.517675, 7.379290),
    "llama2": ([-0.287630, -0.377313, 0.631179], 2.928442, 2.544025, 5.036215),
    "mixtral": ([-0.022068, -0.282652, 0.616320], 2.950358, 2.688437, 1.714506),
    "scaled": ([-0.426487, 1.985643, 13.142462], 10.553021, 7.462899, 19.171503),
}


def _two_steps(name: str) -> tuple[list[float], float, float, float]:
    model = build_model(ModelConfig(**CONFIGS[name]), 18, seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.1)
    losses, logits, norm = [], [], 0.0
    for step in range(2):
        optimizer.zero_grad()
        predicted = model(IDS[:, :-1], IDS[:, :-1] != 0)
        loss = F.cross_entropy(predicted.flatten(0, 1), IDS[:, 1:].flatten(), ignore_index=0)
        balance = model.auxiliary_loss()
        if balance is not None:
            loss = loss + 0.01 * balance
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            logits = predicted[2, 4, [0, 3, 17]].tolist()
            norm = torch.nn.utils.get_total_norm([w.grad for w in model.parameters() if w.grad is not None]).item()
        optimizer.step()
    return logits, losses[0], losses[1], norm


@pytest.mark.parametrize("name", list(CONFIGS))
def test_the_first_steps_of_training_are_pinned(name: str) -> None:
    logits, first_loss, second_loss, norm = _two_steps(name)
    golden = GOLDEN[name]
    assert logits == pytest.approx(golden[0], abs=1e-5)
    assert first_loss == pytest.approx(golden[1], abs=1e-5)
    assert second_loss == pytest.approx(golden[2], abs=1e-4)
    assert norm == pytest.approx(golden[3], rel=1e-4)
