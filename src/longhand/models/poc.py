"""The character-level decoder built from torch's `nn.TransformerDecoder`, which attends to a memory of zeros.

What makes it itself: post-norm blocks with three parts, of which the middle one adds the same vector everywhere;
learned positions, ReLU, biases everywhere, Xavier weights. With 4 layers of width 128, d_ff 512, context 32 and 16
tokens it has 1,066,768 parameters, 265,216 of them in the middle parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from longhand.errors import UserError
from longhand.models.architecture import Architecture
from longhand.models.weight_map import Link, same

if TYPE_CHECKING:
    from torch import Tensor

    from longhand.models.config import ModelConfig

POC = Architecture(
    name="poc",
    paper="torch.nn.TransformerDecoder after Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762",
    norm="layernorm",
    norm_place="post",
    mlp="relu",
    pos_encoding="learned",
    tie_weights=False,
    head_bias=True,
    legacy_cross_attention=True,
    attention_bias=True,
    mlp_bias=True,
    init="xavier",
    residual_init_scaling=False,
    dropout_places=("attention", "mlp", "residual"),
)


def poc_config(weights: Mapping[str, Tensor], n_heads: int) -> dict[str, Any]:
    """Our configuration keys from the shapes of their weights, which do not tell the number of heads."""
    for name in ("token_emb.weight", "pos_emb.weight", "decoder.layers.0.linear1.weight"):
        if name not in weights:
            raise UserError(f"the weights have no tensor {name!r}; they are not those of a TransformerDecoder model")
    d_ff, d_model = weights["decoder.layers.0.linear1.weight"].shape
    return {
        "name": "poc",
        "d_model": d_model,
        "n_heads": n_heads,
        "n_layers": len({name.split(".")[2] for name in weights if name.startswith("decoder.layers.")}),
        "d_ff": d_ff,
        "max_seq_len": weights["pos_emb.weight"].size(0),
        "dropout": 0.1,
    }


def poc_links(config: ModelConfig) -> Iterator[Link]:
    """Our weights and theirs, which differ in name only."""
    yield same("embedding.weight", "token_emb.weight")
    yield same("positions.weight", "pos_emb.weight")
    for i in range(config.n_layers):
        ours, theirs = f"blocks.{i}", f"decoder.layers.{i}"
        for our_attention, their_attention in (("attention", "self_attn"), ("cross", "multihead_attn")):
            for kind in ("weight", "bias"):
                yield same(f"{ours}.{our_attention}.qkv.{kind}", f"{theirs}.{their_attention}.in_proj_{kind}")
                yield same(f"{ours}.{our_attention}.out.{kind}", f"{theirs}.{their_attention}.out_proj.{kind}")
        for our_part, their_part in (
            ("attention_norm", "norm1"),
            ("cross_norm", "norm2"),
            ("mlp_norm", "norm3"),
            ("mlp.up", "linear1"),
            ("mlp.down", "linear2"),
        ):
            for kind in ("weight", "bias"):
                yield same(f"{ours}.{our_part}.{kind}", f"{theirs}.{their_part}.{kind}")
    for part in ("norm", "head"):
        for kind in ("weight", "bias"):
            yield same(f"{part}.{kind}", f"{part}.{kind}")
