"""What a family of models fixes, unless the configuration says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NormKind = Literal["layernorm", "rmsnorm"]
MlpKind = Literal["gelu", "relu", "swiglu", "moe"]
PositionKind = Literal["none", "learned", "sinusoidal", "rope", "pope", "abacus", "coupled"]
BlockKind = Literal["attention", "feedback", "ssm", "window"]
SoftmaxKind = Literal["standard", "softmax1"]
NormPlace = Literal["pre", "post"]
InitKind = Literal["normal", "scaled", "xavier"]
DropoutPlace = Literal["embedding", "attention", "mlp", "residual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A named choice of parts: the defaults of every configuration key that differs between families.

    `paper` says where the choice comes from. `residual_init_scaling` divides the initial weights that write to
    the residual stream by sqrt(2 n_layers). `loops` are the passes of a loop between a prelude and a coda, None where
    there is none. Sizes are left to the configuration.
    """

    name: str
    paper: str
    norm: NormKind
    mlp: MlpKind
    pos_encoding: PositionKind
    attention_bias: bool
    mlp_bias: bool
    residual_init_scaling: bool
    block: BlockKind = "attention"
    norm_place: NormPlace = "pre"
    tie_weights: bool = True
    head_bias: bool = False
    scale_embeddings: bool = False
    legacy_cross_attention: bool = False
    init: InitKind = "normal"
    dropout_places: tuple[DropoutPlace, ...] = ("embedding", "attention", "residual")
    loops: int | None = None
