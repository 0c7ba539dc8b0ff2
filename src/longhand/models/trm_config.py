"""The sizes and choices of a tiny recursive model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from longhand.errors import UserError

Residual = Literal["none", "pre", "post"]
Init = Literal["scaled", "zero"]
Start = Literal["zeros", "fixed", "learned"]
Attending = Literal["causal", "bidirectional"]
Keep = Literal["exact", "last"]
TokenLoss = Literal["softmax", "stablemax"]

PUBLISHED: Mapping[str, Any] = {
    "n_layers": 2,
    "residual": "post",
    "start": "fixed",
    "attention": "bidirectional",
    "loss": "stablemax",
    "halting": True,
}
"""The model of arXiv:2510.04871: whole answers at once, on inputs of a fixed length."""

SYSTEM_003: Mapping[str, Any] = {"n_layers": 1, "residual": "none", "start": "zeros", "attention": "causal"}
"""The head that MathLLM puts on a language model, as its source has it."""

_BY_ATTENTION: Any = None  # the default of keys that have a meaning with one kind of attention alone


class TrmConfig(BaseModel):
    """How a state is refined: z <- net(x + y + z) `n_latent` times, then y <- net(y + z), again and again.

    A round is `n_latent` + 1 passes through the net; a step of the supervision is `t_recursion` rounds, of which the
    last alone has gradients, unless `rounds_with_gradient` says otherwise; an answer is `n_supervision` steps
    (arXiv:2510.04871, figure 3). With `n_latent` 0 there is one state, and a round is y <- net(x + y).

    Raises `UserError`, one line, for impossible sizes, for choices of which no weight could learn, and for keys that
    would have no effect.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    d_model: int = Field(ge=1, description="width of the states (channels)")
    n_heads: int = Field(ge=1, description="attention heads (count)")
    d_ff: int = Field(_BY_ATTENTION, ge=1, description="hidden width of the MLP (channels); default: 4 x d_model")
    n_layers: int = Field(2, ge=1, description="layers of the net (count)")
    max_seq_len: int = Field(2048, ge=1, description="longest sequence (tokens)")
    n_latent: int = Field(6, ge=0, description="refinements of z before one of y (count); 0: there is no z")
    t_recursion: int = Field(3, ge=1, description="rounds per step of the supervision (count)")
    rounds_with_gradient: int = Field(1, ge=1, description="last rounds of a step that have gradients (count)")
    n_supervision: int = Field(16, ge=1, description="steps of the supervision per batch, and per answer (count)")
    residual: Residual = Field(
        "post",
        description="post: norm(h + part(h)), as published; pre: h + part(norm(h)) with a norm at the end;"
        " none: the parts one after the other, as system 003 has it",
    )
    init: Init = Field(
        "scaled",
        description="initial matrices: normal with standard deviation 1/sqrt(inputs); zero: the same, but for those"
        " that end a part, which are 0",
    )
    start: Start = Field(
        "zeros", description="first y and z: zeros, fixed random vectors of unit variance, or learned ones"
    )
    attention: Attending = Field("causal", description="which tokens see each other: causal or bidirectional")
    rope_theta: float = Field(10_000.0, gt=0, description="base of the wavelengths of rotary positions")
    norm_eps: float = Field(1e-6, gt=0, description="added to the mean square before its root is taken")
    loss: TokenLoss = Field("softmax", description="cross-entropy over softmax, or over stablemax in float64")
    halting: bool = Field(
        False, description="bidirectional only: a second head says whether the answer is right already"
    )
    freeze_lm_head: bool | None = Field(
        _BY_ATTENTION, description="causal only: leave the backbone's head as it is; default: true"
    )
    kv: Keep | None = Field(
        _BY_ATTENTION,
        description="causal only: keys and values kept in generation: of every pass (exact, what was trained), or of"
        " the last ones (last, an approximation); default: exact",
    )

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
        defaults: dict[str, Any] = {}
        if isinstance(given.get("d_model"), int):
            defaults["d_ff"] = 4 * max(1, given["d_model"])
        if given.get("attention", "causal") == "causal":
            defaults |= {"freeze_lm_head": True, "kv": "exact"}
        return defaults | given

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.d_model % self.n_heads:
            raise UserError(f"d_model {self.d_model} is not divisible by n_heads {self.n_heads}; change one of them")
        if self.d_model // self.n_heads % 2:
            raise UserError(
                f"rotary positions turn pairs of channels, but d_model / n_heads is {self.d_model // self.n_heads};"
                " make it even"
            )
        if self.residual == "none" and self.init == "zero":
            raise UserError(
                "init: zero with residual: none is dead: the net returns 0 and every gradient is exactly 0;"
                " use residual: post or init: scaled"
            )
        if self.rounds_with_gradient > self.t_recursion:
            raise UserError(
                f"rounds_with_gradient {self.rounds_with_gradient} is more than t_recursion {self.t_recursion};"
                " lower it"
            )
        if self.start == "learned" and self.rounds_with_gradient < self.t_recursion:
            raise UserError(
                f"start: learned gets no gradient with t_recursion {self.t_recursion} and rounds_with_gradient"
                f" {self.rounds_with_gradient}, as only rounds without gradients see it; use start: fixed"
            )
        if self.start == "learned" and not self.n_latent:
            raise UserError("start: learned with n_latent: 0 would learn a z that is never read; use start: fixed")
        if self.attention == "causal" and self.halting:
            raise UserError(
                "halting is not possible with attention: causal, where each token takes as many steps as those whose"
                " keys it reads; use attention: bidirectional or leave halting out"
            )
        for key in ("freeze_lm_head", "kv"):
            if self.attention == "bidirectional" and getattr(self, key) is not None:
                raise UserError(f"{key} has no effect with attention: bidirectional; remove it")
        return self

    @property
    def calls_per_round(self) -> int:
        """Passes through the net in one round."""
        return self.n_latent + 1
