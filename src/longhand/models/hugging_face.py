"""Weights and configurations of the Hugging Face classes GPT2LMHeadModel, LlamaForCausalLM, MixtralForCausalLM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.gpt2 import fits_gpt2, from_gpt2_config, gpt2_links, to_gpt2_config
from longhand.models.llama2 import fits_llama, from_llama_config, llama_links, to_llama_config
from longhand.models.mixtral import fits_mixtral, from_mixtral_config, mixtral_links, to_mixtral_config
from longhand.models.plain import not_plain
from longhand.models.weight_map import Link, export_weights, restore_weights


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one Hugging Face class writes a model."""

    fits: Callable[[ModelConfig], bool]
    to_config: Callable[[ModelConfig, int], dict[str, Any]]
    from_config: Callable[[Mapping[str, Any]], dict[str, Any]]
    links: Callable[[ModelConfig], Iterator[Link]]


_LAYOUTS: Mapping[str, _Layout] = {
    "gpt2": _Layout(fits_gpt2, to_gpt2_config, from_gpt2_config, gpt2_links),
    "llama": _Layout(fits_llama, to_llama_config, from_llama_config, llama_links),
    "mixtral": _Layout(fits_mixtral, to_mixtral_config, from_mixtral_config, mixtral_links),
}

# Tables that older files carry along; they are computed here.
_NOT_A_WEIGHT = re.compile(r"(\.attn\.(bias|masked_bias)|\.rotary_emb\.inv_freq)$")


def to_hugging_face(model: Decoder) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The contents of `config.json` and `model.safetensors` from which the Hugging Face class loads this model.

    Weights are copies, under the names used in files. Which class fits is decided by the parts of the model,
    not by its name. Raises `UserError` when none does.
    """
    config = model.config
    special = not_plain(config)
    if special is not None:
        raise UserError(f"no Hugging Face class here has {special}")
    for layout in _LAYOUTS.values():
        if layout.fits(config):
            weights = {name: tensor.detach() for name, tensor in model.state_dict().items()}
            return layout.to_config(config, model.vocab_size), export_weights(layout.links(config), weights)
    raise UserError(
        f"no Hugging Face class here has norm: {config.norm}, mlp: {config.mlp}, pos_encoding:"
        f" {config.pos_encoding}, n_kv_heads: {config.n_kv_heads}, attention_bias: {config.attention_bias} together"
    )


def from_hugging_face(config: Mapping[str, Any], state_dict: Mapping[str, Tensor]) -> Decoder:
    """The model in a Hugging Face `config` (`config.to_dict()`, or the contents of `config.json`) and its weights.

    Takes the names of files and those of the classes in memory. The weights keep their type and are copied.
    Raises `UserError` for another architecture, a variant not computed here, or weights that do not fit.
    """
    model_type = config.get("model_type")
    layout = _LAYOUTS.get(str(model_type))
    if layout is None:
        raise UserError(f"model_type {model_type!r} is not supported; it must be one of {', '.join(_LAYOUTS)}")
    try:
        ours = ModelConfig(**layout.from_config(config))
        vocab_size = int(config["vocab_size"])
    except KeyError as error:
        raise UserError(f"the Hugging Face configuration has no key {error.args[0]!r}") from None
    weights = restore_weights(layout.links(ours), _as_in_files(state_dict, ours))
    model = build_model(ours, vocab_size, seed=0)
    for name, parameter in model.named_parameters():
        if weights[name].shape != parameter.shape:
            raise UserError(
                f"the weight {name} has shape {tuple(weights[name].shape)}; the configuration asks for"
                f" {tuple(parameter.shape)}"
            )
    model = model.to(weights["embedding.weight"].dtype)
    model.load_state_dict(weights)
    return model


def _as_in_files(state_dict: Mapping[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """The weights under the names used in files, whatever version or class they came from."""
    named: dict[str, Tensor] = {}
    is_bare = "wte.weight" in state_dict  # the first GPT-2 files were of the model without its head
    for name, tensor in state_dict.items():
        if _NOT_A_WEIGHT.search(name):
            continue
        if is_bare and name != "lm_head.weight":
            name = f"transformer.{name}"
        name = re.sub(r"\.mlp\.(gate\.weight|experts\.)", r".block_sparse_moe.\1", name)
        if name.endswith(".experts.gate_up_proj"):
            for expert, (gate, up) in enumerate(zip(*tensor.chunk(2, dim=1), strict=True)):
                stem = name.removesuffix("gate_up_proj")
                named |= {f"{stem}{expert}.w1.weight": gate, f"{stem}{expert}.w3.weight": up}
        elif name.endswith(".experts.down_proj"):
            stem = name.removesuffix("down_proj")
            named |= {f"{stem}{expert}.w2.weight": down for expert, down in enumerate(tensor)}
        else:
            named[name] = tensor
    if config.tie_weights:
        head = named.pop("lm_head.weight", None)
        embedding = named.get("transformer.wte.weight", named.get("model.embed_tokens.weight"))
        if head is not None and embedding is not None and not torch.equal(head, embedding):
            raise UserError("lm_head.weight differs from the token embedding, but tie_word_embeddings is true")
    return named
