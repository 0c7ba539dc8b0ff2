from __future__ import annotations

from typing import Any

import pytest
import torch

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder

SIZES: dict[str, Any] = {"name": "think", "d_model": 16, "n_heads": 2, "max_seq_len": 12, "init": "scaled"}
IDS = torch.randint(0, 16, (3, 9), generator=torch.Generator().manual_seed(0))


def _unrolled(looped: Decoder) -> Decoder:
    """The model of as many blocks, each pass with a copy of the weights."""
    config = looped.config
    model = build_model(ModelConfig(**{**SIZES, "n_layers": config.depth}), 16, seed=1)
    weights = {name: weight for name, weight in looped.state_dict().items() if "loop_embeddings" not in name}
    for name in list(weights):
        if name.startswith("blocks."):
            _, block, rest = name.split(".", 2)
            for loop in range(1, config.n_loops):
                weights[f"blocks.{int(block) + loop * config.n_layers}.{rest}"] = weights[name]
    model.load_state_dict(weights)
    return model


@pytest.mark.row("S0-B7")
@torch.no_grad()
def test_loops_without_embeddings_are_blocks_of_equal_weights_one_after_the_other() -> None:
    looped = build_model(ModelConfig(**SIZES, n_layers=2, n_loops=3, loop_embeddings=False), 16, seed=0)
    assert looped.config.depth == 6
    torch.testing.assert_close(looped(IDS), _unrolled(looped)(IDS))
    once = build_model(ModelConfig(**SIZES, n_layers=2), 16)
    assert looped.num_parameters() == once.num_parameters()


@pytest.mark.row("S0-B7")
@torch.no_grad()
def test_the_vector_of_each_pass_is_added_to_the_stream_before_it() -> None:
    looped = build_model(ModelConfig(**SIZES, n_layers=1, n_loops=4), 16, seed=0)
    assert looped.loop_embeddings is not None
    assert looped.loop_embeddings.weight.shape == (4, 16)
    plain = _unrolled(looped)
    for loop, block in enumerate(plain.blocks):
        vector = looped.loop_embeddings.weight[loop]
        block.register_forward_pre_hook(lambda _, arguments, v=vector: (arguments[0] + v, *arguments[1:]))
    torch.testing.assert_close(looped(IDS), plain(IDS))


@pytest.mark.row("S0-B7")
@pytest.mark.parametrize(("d_model", "n_loops"), [(256, 4), (512, 6), (512, 8)])
def test_the_cache_holds_every_pass(d_model: int, n_loops: int) -> None:
    config = ModelConfig(name="think", d_model=d_model, n_layers=1, n_loops=n_loops, d_ff=8)
    model = build_model(config, 16)
    assert len(model.new_cache(2).layers) == n_loops == config.depth
