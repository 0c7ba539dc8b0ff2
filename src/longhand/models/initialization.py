"""The weights a model starts from."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from longhand.models.config import ModelConfig
from longhand.models.experts import Experts
from longhand.models.pope import PolarAttention
from longhand.models.positions import LearnedPositions
from longhand.models.state_space import SelectiveStateSpace

_WRITES_TO_RESIDUAL = (".out.weight", ".mlp.down.weight", ".mlp.down", ".out_proj.weight")


@torch.no_grad()
def initialize(model: nn.Module, config: ModelConfig) -> None:
    """Draw all weights of `model` from torch's global random generator.

    Matrices are normal with standard deviation `init_std`, or 1/sqrt(number of inputs) with init: scaled;
    token and position embeddings with `embedding_std`. With init: xavier all of them are uniform within
    sqrt(6 / (inputs + outputs)) (Glorot & Bengio, 2010, equation 16), embeddings too. `residual_init_scaling`
    divides those that write to the residual stream by the root of how many write to it, one or two per block (GPT-2,
    section 2.3). Biases start at 0, norms at 1.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            _draw(module.weight, f"{name}.weight", module.in_features, config)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, (nn.Embedding, LearnedPositions)):
            if config.embedding_std is None:
                nn.init.xavier_uniform_(module.weight)
            else:
                module.weight.normal_(0.0, config.embedding_std)
        elif isinstance(module, Experts):
            _draw(module.gate, f"{name}.gate", module.gate.size(2), config)
            _draw(module.up, f"{name}.up", module.up.size(2), config)
            _draw(module.down, f"{name}.down", module.down.size(1), config)
        elif isinstance(module, SelectiveStateSpace):
            module.initialize()
        elif isinstance(module, PolarAttention):
            module.phase_bias.uniform_(-2 * math.pi, 0)


def _draw(weight: Tensor, name: str, n_inputs: int, config: ModelConfig) -> None:
    writes = config.residual_init_scaling and name.endswith(_WRITES_TO_RESIDUAL)
    n_writes = (1 if config.block == "ssm" else 2) * config.depth
    factor = n_writes**-0.5 if writes else 1.0
    if config.init == "xavier":
        bound = factor * (6 / (weight.size(-1) + weight.size(-2))) ** 0.5
        weight.uniform_(-bound, bound)
    else:
        weight.normal_(0.0, factor * (n_inputs**-0.5 if config.init_std is None else config.init_std))
