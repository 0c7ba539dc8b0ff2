"""Where each token of a row looked: the weights of attention, as the model computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.attention import Attention
from longhand.models.decoder import Decoder
from longhand.models.softmax1 import softmax1

Weights = NDArray[np.float32]


@torch.inference_mode()
def attention_weights(model: Decoder, ids: Tensor) -> Weights:
    """The weights of every block in one row `ids` [time]: [n_layers, n_heads, time, time], query before key.

    Rows sum to 1 (to less with softmax1), and no token looks at a later one. Raises `UserError` for a model without
    attention, or with one of another kind.
    """
    blocks = [module for module in model.modules() if isinstance(module, Attention)]
    if not blocks or len(blocks) != model.config.n_layers:
        raise UserError(f"model.block {model.config.block}, {model.config.pos_encoding}: this attention is not shown")
    found: list[Tensor] = []

    def note(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        assert isinstance(module, Attention)
        x, bias, rotation, _, _ = arguments
        q, k, _ = module._project(x, rotation, x.size(1))
        k = k.repeat_interleave(module.n_heads // module.n_kv_heads, dim=0)
        scores = q @ k.transpose(-1, -2) * module.head_dim**-0.5 + bias
        found.append((torch.softmax if module.softmax == "standard" else softmax1)(scores, -1)[:, 0])

    hooks = [block.register_forward_pre_hook(note) for block in blocks]
    try:
        model(ids[None])
    finally:
        for hook in hooks:
            hook.remove()
    weights: Weights = torch.stack(found).float().cpu().numpy()
    return weights
