"""Training to the proof: every window of the layout is looked at while a windowed model learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from longhand.certify.network_check import quick_margins
from longhand.certify.rules.registry import windows_of
from longhand.certify.search import WindowList
from longhand.data.keyed import keyed_generator
from longhand.models.slot_attention import WindowedDecoder
from longhand.numpy_gpt.windowed import WindowNetwork
from longhand.training.proof_config import ProofConfig


class Proof:
    """The windows of a model's layout: what it gets wrong now, and which of them are added to batches."""

    def __init__(self, config: ProofConfig, model: WindowedDecoder, seed: int) -> None:
        assert model.config.layout is not None
        self.config, self._seed = config, seed
        self.listed: WindowList = windows_of(model.config.layout)
        self.margins: NDArray[np.floating[Any]] = np.zeros(len(self.listed))
        self.drilled = np.zeros(len(self.listed), dtype=np.bool_)  # at least once
        self._drill: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def measure(self, model: WindowedDecoder) -> dict[str, Any]:
        """How many windows the model is wrong about, and the smallest lead; what is nearly wrong is drilled next."""
        self.margins = quick_margins(network_of(model), self.listed)
        if self.config.drill_share:
            self._drill = np.flatnonzero(self.margins < self.config.drill_margin)
        return {"wrong_windows": int((self.margins <= 0).sum()), "window_margin": float(self.margins.min())}

    @property
    def is_done(self) -> bool:
        """Whether the last measurement proved the model with the margin asked for."""
        return float(self.margins.min()) > self.config.min_margin

    @property
    def n_drilled(self) -> int:
        """How many windows were added to batches at least once."""
        return int(self.drilled.sum())

    def loss(
        self, model: WindowedDecoder, step: int, n_tokens: float, rank: int, world: int
    ) -> tuple[Tensor, int] | None:
        """The sum of cross-entropies (nats) of drilled windows, and how many; None if there is nothing to drill."""
        room = int(self.config.drill_share * n_tokens)
        if not len(self._drill) or not room:
            return None
        chosen = keyed_generator(self._seed, "drill", step).permutation(self._drill)[rank::world][:room]
        self.drilled[chosen] = True
        device = model.embedding.weight.device
        windows, labels = (torch.from_numpy(a[chosen]).to(device) for a in (self.listed.windows, self.listed.labels))
        return F.cross_entropy(model.logits_of(windows), labels, reduction="sum"), len(chosen)

    def report(self) -> str:
        """What is still wrong, in a line: how many windows, of which kinds, and the first of them."""
        wrong = np.flatnonzero(self.margins <= 0)
        if not len(wrong):
            return f"every window is right; the smallest lead is {self.margins.min():.2f} logits"
        kinds = np.bincount(self.listed.kinds[wrong], minlength=len(self.listed.kind_names))
        named = [f"{count:,} {self.listed.kind_names[kind]}" for kind, count in enumerate(kinds.tolist()) if count]
        return f"{len(wrong):,} of {len(self.listed):,} windows are wrong: {', '.join(named)}"

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """What is drilled, for a training state."""
        return {"drill": self._drill, "drilled": np.flatnonzero(self.drilled)}

    def restore(self, content: dict[str, NDArray[Any]]) -> None:
        """Take over what `to_dict` gave."""
        self._drill = np.asarray(content["drill"], dtype=np.int64)
        self.drilled[np.asarray(content["drilled"], dtype=np.int64)] = True


def network_of(model: WindowedDecoder, dtype: type[np.floating[Any]] = np.float32) -> WindowNetwork:
    """The network with the weights a model has now; float32 takes half the time of what the certificate is made in."""
    weights = {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}
    return WindowNetwork(weights, model.config.n_layers, model.config.n_heads, model.config.norm_eps, dtype)
