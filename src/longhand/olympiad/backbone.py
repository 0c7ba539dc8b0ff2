"""Language models on this disk as backbones: a checkpoint of longhand, or a Qwen2 directory of Hugging Face's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.integrations.extras import extra
from longhand.models.trm_backbone import Backbone, DecoderBackbone
from longhand.runs.checkpoint import CONFIG, MODEL_TYPE, find_checkpoint, load_checkpoint

QWEN2 = "qwen2"


def load_backbone(
    path: str | Path, *, device: str | torch.device = "cpu", dtype: torch.dtype | None = None
) -> Backbone:
    """The model in a directory: a checkpoint or run directory of longhand, or one that holds a Qwen2 model.

    Nothing is ever downloaded. `dtype` is float32 unless given. Raises `UserError`, one line, for what is no directory
    or holds another architecture.
    """
    directory = Path(path)
    if not directory.is_dir():
        raise UserError(
            f"no model directory at {path}: models are not downloaded; give the path of one that is on this disk"
        )
    kind = _model_type(directory)
    if kind == QWEN2:
        return _load_qwen2(directory, torch.device(device), dtype or torch.float32)
    if kind not in (None, MODEL_TYPE):
        raise UserError(f"{directory} holds a model of type {kind!r}; a backbone is {MODEL_TYPE} or {QWEN2}")
    model = load_checkpoint(find_checkpoint(directory)).build_model()
    return DecoderBackbone(model.to(device=device, dtype=dtype or torch.float32))


def _model_type(directory: Path) -> str | None:
    """What `config.json` says, None where there is none at the top."""
    file = directory / CONFIG
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return str(content["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} names no model_type; copy the whole directory again") from error


def _load_qwen2(directory: Path, device: torch.device, dtype: torch.dtype) -> Qwen2Backbone:
    with extra("olympiad"):
        from transformers import Qwen2ForCausalLM
    try:
        model = Qwen2ForCausalLM.from_pretrained(directory, local_files_only=True, dtype=dtype)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{directory} cannot be read as a Qwen2 model: {str(error).splitlines()[0]}") from error
    return Qwen2Backbone(model.to(device))


class Qwen2Backbone(Backbone):
    """A `Qwen2ForCausalLM` of Hugging Face's; the base of its positions is read from `config.rope_parameters`."""

    def __init__(self, model: Any) -> None:
        config = model.config
        self.model = model.eval().requires_grad_(False)
        self.d_model, self.n_heads, self.vocab_size = (
            config.hidden_size,
            config.num_attention_heads,
            config.vocab_size,
        )
        self.max_seq_len, self.norm_eps = config.max_position_embeddings, config.rms_norm_eps
        self.rope_theta = float(config.rope_parameters["rope_theta"])
        self._before_norm: Tensor | None = None
        # The class returns its states after the norm only.
        model.model.norm.register_forward_pre_hook(self._take_note)

    def _take_note(self, module: nn.Module, arguments: tuple[Tensor]) -> None:
        self._before_norm = arguments[0]

    @property
    def module(self) -> nn.Module:
        """The model itself."""
        module: nn.Module = self.model
        return module

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        device: torch.device = self.model.device
        return device

    @torch.no_grad()
    def hidden(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Qwen2Cache | None = None
    ) -> Tensor:
        """What its layers make of the tokens; see `Backbone.hidden`."""
        time = input_ids.size(1)
        real = None if attention_mask is None else attention_mask.bool()
        if cache is not None:
            real = cache.admit(input_ids, real)
        positions = None if real is None else (real.cumsum(dim=1) - 1).clamp_(min=0)[:, -time:]
        self.model.model(
            input_ids=input_ids,
            attention_mask=None if real is None else real.long(),
            position_ids=positions,
            past_key_values=None if cache is None else cache.states,
            use_cache=cache is not None,
        )
        hidden, self._before_norm = self._before_norm, None
        assert hidden is not None
        return hidden

    def final_norm(self) -> nn.Module:
        """A copy of the norm between hidden states and head, to be trained."""
        original = self.model.model.norm
        norm: nn.Module = type(original)(
            self.d_model, eps=self.norm_eps
        )  # no deep copy: the hook would bring the model
        norm.load_state_dict(original.state_dict())
        return norm.to(self.device)

    def normed(self, hidden: Tensor) -> Tensor:
        """Its hidden states after its own final norm."""
        after: Tensor = self.model.model.norm.forward(hidden)  # past the hook
        return after

    def lm_head(self) -> tuple[Tensor, Tensor | None]:
        """Weight of its head, which may be that of its embedding; it has no bias."""
        return self.model.lm_head.weight, None

    def new_cache(self, batch: int, max_len: int) -> Qwen2Cache:
        """An empty cache for `batch` rows; it grows as it is filled."""
        with extra("olympiad"):
            from transformers import DynamicCache
        return Qwen2Cache(DynamicCache(config=self.model.config))

    def flops_per_token(self, seq_len: int) -> int:
        """Operations of its forward pass without the head, per token of a sequence."""
        config = self.model.config
        d, head_dim = config.hidden_size, config.hidden_size // config.num_attention_heads
        projections = 2 * d * d + 2 * d * config.num_key_value_heads * head_dim
        layer = projections + 3 * d * config.intermediate_size + 2 * seq_len * d
        return int(2 * config.num_hidden_layers * layer)


class Qwen2Cache:
    """Hugging Face's cache, and which of the tokens in it are real."""

    def __init__(self, states: Any) -> None:
        self.states = states
        self._real: Tensor | None = None  # bool [batch, tokens so far]; None while no row has padding

    def admit(self, input_ids: Tensor, real: Tensor | None) -> Tensor | None:
        """Which tokens are real, bool [batch, stored + time], or None if all are; `real` speaks of the new ones."""
        batch, time = input_ids.shape
        past = self.states.get_seq_length()
        if self._real is None and (real is None or bool(real.all())):
            return None
        before = input_ids.new_ones(batch, past, dtype=torch.bool) if self._real is None else self._real
        new = input_ids.new_ones(batch, time, dtype=torch.bool) if real is None else real
        self._real = torch.cat((before, new), dim=1)
        return self._real

    def select(self, rows: Tensor) -> None:
        """Keep the given rows of the batch, in the given order; `rows` is int64 [new batch]."""
        self.states.batch_select_indices(rows)
        if self._real is not None:
            self._real = self._real.index_select(0, rows)
