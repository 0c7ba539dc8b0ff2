"""What a recursive head has to be better than: the same model tuned in other ways, or a looped one from nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.integrations.extras import extra
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.token_loss import labelled_loss
from longhand.models.trm_backbone import Backbone, DecoderBackbone
from longhand.olympiad.backbone import Qwen2Backbone
from longhand.olympiad.training.batches import DeviceRows
from longhand.olympiad.training.checkpoint import BASELINE_ABOUT, check_backbone, load_weights, read_about

Method = Literal["last-layers", "extra-layer", "lora", "whole", "looped"]
METHODS: tuple[Method, ...] = get_args(Method)

LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj")


class BaselineConfig(BaseModel):
    """Which weights are trained, beginning where; keys of other methods have no effect and are not saved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = Field(description="what is trained")
    n_layers: int = Field(1, ge=1, description="last-layers: so many; looped: blocks of the loop (count)")
    include_lm_head: bool = Field(False, description="last-layers: a copy of the head too")
    rank: int = Field(128, ge=1, description="lora: rank of what is added to a matrix")
    alpha: int = Field(256, ge=1, description="lora: what is added counts alpha / rank times")
    dropout: float = Field(0.05, ge=0, lt=1, description="lora: share of inputs left out in training")
    n_loops: int = Field(8, ge=2, description="looped: passes of the loop, the mean of those in training (count)")


class TrainedPart(nn.Module):
    """The trained parameters of a model and no others, so that an optimizer and an average see these alone.

    They are the model's own: what changes here changes there. Names are the model's with slashes for dots.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        for name, parameter in parameters.items():
            parameter.requires_grad_(True)
            self.register_parameter(name.replace(".", "/"), parameter)


class Baseline:
    """A language model of which `trained` changes; `backbone` is all of it, as it is asked for answers."""

    def __init__(
        self,
        config: BaselineConfig,
        backbone: Backbone,
        states: Callable[[Tensor, Tensor | None], Tensor],
        head: Callable[[Tensor], Tensor],
    ) -> None:
        self.config, self.backbone = config, backbone
        self.trained = TrainedPart({n: p for n, p in backbone.module.named_parameters() if p.requires_grad})
        self._states, self._head = states, head

    def loss_sum(self, rows: DeviceRows) -> Tensor:
        """The sum of cross-entropies over all labels (nats): the loss of a recursive head, on the same labels."""
        states = self._states(rows.ids, rows.mask)
        return labelled_loss(states, rows.labels[:, 1:], self._head, self.backbone.vocab_size, "softmax")


def build_baseline(config: BaselineConfig, backbone: Backbone, *, seed: int) -> Baseline:
    """What a method trains, on a backbone that nobody else may use from now on.

    What is new begins by changing nothing: of an added layer and of LoRA the matrices that write are 0, a copied head
    is a copy. The looped model has nothing of the backbone but its sizes and vocabulary. Raises `UserError` for more
    layers than there are, and for a backbone that is no Qwen2 model.
    """
    with _own_random_state(seed):
        if config.method == "looped":
            return _looped(config, backbone, seed)
        if not isinstance(backbone, Qwen2Backbone):
            raise UserError(f"--method {config.method} needs a Qwen2 model; this one has --method trm and looped")
        model = backbone.model.requires_grad_(False)
        _CHANGES[config.method](config, model)

    def states(ids: Tensor, mask: Tensor | None) -> Tensor:
        attended = None if mask is None else mask.long()
        found: Tensor = model.model(input_ids=ids, attention_mask=attended, use_cache=False).last_hidden_state
        return found

    return Baseline(config, backbone, states, model.lm_head)


def load_baseline(directory: Path, backbone: Backbone) -> Baseline:
    """The baseline in a checkpoint, on the backbone it was trained on, in evaluation mode.

    Raises `UserError`, one line, for what is missing or damaged, and for another backbone.
    """
    about = read_about(directory, BASELINE_ABOUT)
    check_backbone(about, backbone, directory)
    baseline = build_baseline(BaselineConfig(**about["baseline"]), backbone, seed=0)
    load_weights(directory, baseline.trained)
    baseline.backbone.module.requires_grad_(False).eval()
    return baseline


def _last_layers(config: BaselineConfig, model: Any) -> None:
    layers = model.model.layers
    if config.n_layers > len(layers):
        raise UserError(f"n_layers {config.n_layers} is more than the {len(layers)} of this model; lower it")
    layers[-config.n_layers :].requires_grad_(True)
    model.model.norm.requires_grad_(True)
    if config.include_lm_head:
        # A copy: where head and embedding are one matrix, training the head must not change what is read.
        model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())


def _extra_layer(config: BaselineConfig, model: Any) -> None:
    with extra("olympiad"):
        from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer
    sizes, layers = model.config, model.model.layers
    sizes.num_hidden_layers = len(layers) + 1
    sizes.layer_types = [*sizes.layer_types, "full_attention"]
    layer = Qwen2DecoderLayer(sizes, layer_idx=len(layers)).to(device=model.device, dtype=model.dtype)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if parameter.dim() < 2:
                parameter.fill_(1.0 if name.endswith("norm.weight") else 0.0)
            elif name.endswith(("o_proj.weight", "down_proj.weight")):
                parameter.zero_()
            else:
                parameter.normal_(0.0, sizes.initializer_range)
    layers.append(layer)
    layer.requires_grad_(True)
    model.model.norm.requires_grad_(True)


def _lora(config: BaselineConfig, model: Any) -> None:
    with extra("olympiad"):
        from peft import LoraConfig, inject_adapter_in_model
    settings = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=list(LORA_TARGETS)
    )
    inject_adapter_in_model(settings, model)  # makes the adapters trainable, and nothing else


def _whole(config: BaselineConfig, model: Any) -> None:
    model.requires_grad_(True)


_CHANGES: Mapping[Method, Callable[[BaselineConfig, Any], None]] = {
    "last-layers": _last_layers,
    "extra-layer": _extra_layer,
    "lora": _lora,
    "whole": _whole,
}


def _looped(config: BaselineConfig, like: Backbone, seed: int) -> Baseline:
    """A looped model (models/looped.py) of the sizes of another, from nothing."""
    sizes = ModelConfig(
        name="looped",
        d_model=like.d_model,
        n_heads=like.n_heads,
        n_layers=config.n_layers,
        n_loops=config.n_loops,
        max_seq_len=like.max_seq_len,
    )
    model = build_model(sizes, like.vocab_size, seed=seed).to(like.device)
    backbone = DecoderBackbone(model)
    model.requires_grad_(True)

    def head(states: Tensor) -> Tensor:
        return F.linear(states, *backbone.lm_head())

    return Baseline(config, backbone, lambda ids, mask: model.norm(model.hidden(ids, mask)), head)


@contextmanager
def _own_random_state(seed: int) -> Iterator[None]:
    """Draw initial weights from a seed; torch's global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
