"""Weights of decoders that were built from torch's `nn.TransformerDecoder`, as longhand's own."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.poc import poc_config, poc_links
from longhand.models.weight_map import restore_weights


def from_transformer_decoder(state_dict: Mapping[str, Tensor], *, n_heads: int = 4) -> Decoder:
    """The model whose weights `state_dict` holds: `token_emb.weight`, `decoder.layers.0.self_attn.in_proj_weight`, ...

    Sizes are read from the shapes; the number of heads shows in none of them. Weights are copied and keep their type.
    Raises `UserError` for weights that are missing, left over or do not fit.
    """
    config = ModelConfig(**poc_config(state_dict, n_heads))
    weights = restore_weights(poc_links(config), state_dict)
    model = build_model(config, weights["embedding.weight"].size(0), seed=0)
    for name, parameter in model.named_parameters():
        if weights[name].shape != parameter.shape:
            raise UserError(
                f"the weight {name} has shape {tuple(weights[name].shape)}; the others ask for {tuple(parameter.shape)}"
            )
    model = model.to(weights["embedding.weight"].dtype)
    model.load_state_dict(weights)
    return model
