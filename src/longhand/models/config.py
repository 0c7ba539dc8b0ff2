"""The `model` section of a run's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer, model_validator

from longhand.errors import UserError
from longhand.models.architecture import (
    Architecture,
    BlockKind,
    DropoutPlace,
    InitKind,
    MlpKind,
    NormKind,
    NormPlace,
    PositionKind,
    SoftmaxKind,
)
from longhand.models.config_rules import COUNTS_DIGITS, OF_ATTENTION, check_model
from longhand.models.gpt2 import GPT2
from longhand.models.llama2 import LLAMA2
from longhand.models.looped import LOOPED
from longhand.models.mamba import MAMBA
from longhand.models.mixtral import MIXTRAL
from longhand.models.poc import POC
from longhand.models.think import THINK
from longhand.models.windowed import WINDOWED
from longhand.text.layouts.registry import LayoutName

ARCHITECTURES: Mapping[str, Architecture] = {
    a.name: a for a in (GPT2, LLAMA2, MIXTRAL, POC, THINK, MAMBA, LOOPED, WINDOWED)
}

_FEED_FORWARD_RATIO: Mapping[str, int] = {"gelu": 4, "relu": 4, "swiglu": 3, "moe": 3}
_N_HEADS = 4
ANY_LENGTH = 2**31 - 1
"""The context of a windowed model: it looks at a few tokens however many there are."""
_BY_NAME: Any = None  # the default of keys that `name` and the sizes decide; filled in unless they have no meaning


class ModelConfig(BaseModel):
    """Which model to build, and how large.

    `name` chooses defaults only: any part may be replaced (a GPT-2 with RMS norm), and what was left out is
    filled in, so a saved config says everything. A key that has no meaning for the chosen parts is refused.
    Impossible sizes raise `UserError`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["gpt2", "llama2", "mixtral", "poc", "think", "mamba", "looped", "windowed"] = Field(
        "gpt2", description="architecture whose defaults fill the keys left out"
    )
    d_model: int = Field(128, ge=1, description="width of the residual stream (channels)")
    block: BlockKind = Field(
        _BY_NAME,
        description="attention, feedback (to a memory of all layers, one token after the other), ssm (a selective"
        " state space, no heads and no MLP) or window (attention to the slots of a layout); default: by name",
    )
    n_heads: int = Field(_BY_NAME, ge=1, description=f"query heads per block (count); default: {_N_HEADS}")
    n_kv_heads: int = Field(
        _BY_NAME, ge=1, description="key-value heads per block (count); default: n_heads, fewer share"
    )
    n_layers: int = Field(4, ge=1, description="blocks (count)")
    n_loops: int = Field(
        1, ge=1, description="times all blocks are passed, with the same weights (count); default of looped: 8"
    )
    loop_embeddings: bool | None = Field(
        None, description="n_loops above 1 only: add a trained vector before each pass; default: true"
    )
    n_prelude: int | None = Field(
        None,
        ge=0,
        description="blocks before the loop, whose result is added to the state before each pass of n_layers blocks"
        " (count); default: none of this, 1 with name: looped",
    )
    n_coda: int | None = Field(None, ge=0, description="n_prelude only: blocks after the loop (count); default: 1")
    random_loops: bool | None = Field(
        None, description="n_prelude only: draw the passes of each batch in training, n_loops on average; default: true"
    )
    loops_with_gradient: int | None = Field(
        None, ge=1, description="n_prelude only: last passes that gradients go back through (count); default: all"
    )
    d_ff: int = Field(
        _BY_NAME,
        ge=1,
        description="hidden width of the MLP, of each expert with mlp: moe (channels);"
        " default: 4 x d_model, 3 x d_model for swiglu and moe",
    )
    max_seq_len: int = Field(64, ge=1, description="longest sequence the model reads (tokens)")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout in all of dropout_places (probability)")
    dropout_places: tuple[DropoutPlace, ...] = Field(
        _BY_NAME,
        description="where numbers are dropped: embedding, attention (weights), mlp (hidden layer), residual (what"
        " a part adds to the stream); default: by name",
    )
    norm: NormKind = Field(_BY_NAME, description="normalisation of what each part reads; default: by name")
    norm_place: NormPlace = Field(
        _BY_NAME, description="normalise before each part (pre) or after it was added (post); default: by name"
    )
    mlp: MlpKind = Field(
        _BY_NAME, description="per-token part of a block, moe for routed swiglu experts; default: by name"
    )
    pos_encoding: PositionKind = Field(_BY_NAME, description="how positions are told apart; default: by name")
    softmax: SoftmaxKind = Field(
        _BY_NAME, description="of attention scores; softmax1 may attend to nothing; default: standard"
    )
    scale_embeddings: bool = Field(_BY_NAME, description="multiply token embeddings by sqrt(d_model); default: by name")
    tie_weights: bool = Field(_BY_NAME, description="use the token embedding as the head; default: by name")
    head_bias: bool = Field(
        _BY_NAME, description="add a bias to the logits (not with tie_weights: true); default: by name"
    )
    legacy_cross_attention: bool = Field(
        _BY_NAME,
        description="norm_place: post only: attend to a memory of zeros in each block, which adds a constant;"
        " default: by name",
    )
    n_experts: int | None = Field(None, ge=1, description="mlp: moe only: experts per block (count); default: 4")
    top_k: int | None = Field(None, ge=1, description="mlp: moe only: experts used per token (count); default: 2")
    aux_loss_weight: float | None = Field(
        None, ge=0, description="mlp: moe only: weight of the balance loss in training; default: 0.01"
    )
    attention_bias: bool = Field(
        _BY_NAME, description="add a bias to queries, keys, values and attention output; default: by name"
    )
    mlp_bias: bool = Field(_BY_NAME, description="add biases in the MLP (not with mlp: moe); default: by name")
    norm_eps: float = Field(1e-5, gt=0, description="added to the variance before its root is taken")
    rope_theta: float | None = Field(
        None, gt=0, description="pos_encoding: rope or pope only: base of the wavelengths; default: 10000"
    )
    d_state: int | None = Field(
        None, ge=1, description="block: ssm only: numbers per channel kept (count); default: 16"
    )
    d_conv: int | None = Field(None, ge=1, description="block: ssm only: taps of the convolution (tokens); default: 4")
    expand: int | None = Field(None, ge=1, description="block: ssm only: inner width / d_model; default: 2")
    max_digits: int | None = Field(
        None,
        ge=2,
        description="pos_encoding: abacus or coupled only: digits of the longest answer, the places there are vectors"
        " for (count); default: 100",
    )
    layout: LayoutName | None = Field(
        None,
        description="block: window, and pos_encoding: abacus or coupled (these with sum alone): which rows are read,"
        " and with block: window which slots each token is written from; default: sum",
    )
    init: InitKind = Field(
        _BY_NAME,
        description="initial matrices: normal with standard deviation init_std, or (scaled) 1/sqrt(inputs of the"
        " matrix), or (xavier) uniform within sqrt(6 / (inputs + outputs)); default: by name",
    )
    init_std: float | None = Field(
        None, gt=0, description="init: normal only: standard deviation of matrices; default: 0.02"
    )
    embedding_std: float | None = Field(
        None,
        gt=0,
        description="standard deviation of initial token and position embeddings (not with init: xavier);"
        " default: init_std, 0.5 with scaled",
    )
    residual_init_scaling: bool = Field(
        _BY_NAME,
        description="divide the initial matrices that write to the residual stream by the root of how many do;"
        " default: by name, false with init: scaled",
    )

    @property
    def depth(self) -> int:
        """Blocks a token passes one after the other."""
        return (self.n_prelude or 0) + self.n_layers * self.n_loops + (self.n_coda or 0)

    @field_serializer(*OF_ATTENTION)
    def _or_none(self, value: Any) -> Any:
        return value  # keys of attention are None where there is none, whatever their type

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            for problem in error.errors():
                cause = problem.get("ctx", {}).get("error")
                if isinstance(cause, UserError):
                    raise cause from None
            raise

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        given = {key: value for key, value in values.items() if value is not None}
        architecture = ARCHITECTURES.get(given.get("name", "gpt2"))
        if architecture is None:
            return given  # the field itself says which names there are
        block = given.get("block", architecture.block)
        init = given.get("init", architecture.init)
        defaults: dict[str, Any] = {
            "block": architecture.block,
            "norm": architecture.norm,
            "norm_place": "pre" if block == "ssm" else architecture.norm_place,
            "scale_embeddings": architecture.scale_embeddings,
            "tie_weights": architecture.tie_weights,
            "head_bias": architecture.head_bias,
            "legacy_cross_attention": architecture.legacy_cross_attention and block == "attention",
            "init": architecture.init,
            "residual_init_scaling": architecture.residual_init_scaling and init != "scaled",
        }
        if architecture.loops is not None:
            defaults |= {"n_loops": architecture.loops, "n_prelude": 1}
        if given.get("n_prelude", defaults.get("n_prelude")) is not None:
            defaults |= {"n_coda": 1, "random_loops": True}
        elif given.get("n_loops", 1) not in (1, "1"):
            defaults["loop_embeddings"] = True
        if init == "normal":
            defaults |= {"init_std": 0.02, "embedding_std": given.get("init_std", 0.02)}
        if init == "scaled":
            defaults["embedding_std"] = 0.5
        parts = {"d_state": 16, "d_conv": 4, "expand": 2} if block == "ssm" else _of_attention(given, architecture)
        unused = ("attention", "mlp") if block == "ssm" else ("mlp",) if parts.get("mlp") == "moe" else ()
        defaults["dropout_places"] = tuple(place for place in architecture.dropout_places if place not in unused)
        return defaults | parts | given

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        check_model(self)
        return self


def _of_attention(given: Mapping[str, Any], architecture: Architecture) -> dict[str, Any]:
    """Defaults of the keys of blocks that have heads and an MLP."""
    mlp = given.get("mlp", architecture.mlp)
    defaults: dict[str, Any] = {
        "n_heads": _N_HEADS,
        "n_kv_heads": _size(given, "n_heads", _N_HEADS),
        "mlp": architecture.mlp,
        "mlp_bias": architecture.mlp_bias and mlp != "moe",
        "attention_bias": architecture.attention_bias,
        "pos_encoding": architecture.pos_encoding,
        "softmax": "standard",
    }
    if mlp in _FEED_FORWARD_RATIO:
        defaults["d_ff"] = _FEED_FORWARD_RATIO[mlp] * _size(
            given, "d_model", ModelConfig.model_fields["d_model"].default
        )
    if given.get("block", architecture.block) == "window":
        defaults |= {"layout": "sum", "max_seq_len": ANY_LENGTH}
    if mlp == "moe":
        defaults |= {"n_experts": 4, "top_k": 2, "aux_loss_weight": 0.01}
    if given.get("pos_encoding", architecture.pos_encoding) in ("rope", "pope"):
        defaults["rope_theta"] = 10_000.0
    if given.get("pos_encoding", architecture.pos_encoding) in COUNTS_DIGITS:
        defaults |= {"layout": "sum", "max_digits": 100}
    return defaults


def _size(given: Mapping[str, Any], key: str, default: int) -> int:
    """The size a default follows; where it is no size, any number will do, since `key` itself is refused."""
    try:
        return max(1, int(given.get(key, default)))
    except (TypeError, ValueError):
        return 1
