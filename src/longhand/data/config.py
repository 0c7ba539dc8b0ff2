"""What a model is trained on, as one section of a run's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Operator
from longhand.errors import UserError

Loss = Literal["answer", "completion", "full"]
Padding = Literal["left", "right"]
Modifier = Literal["uniform", "cascade", "short", "long_division"]

MODIFIERS: Mapping[Modifier, str] = {
    "uniform": "every training problem equally often",
    "cascade": "training problems in which a carry or a borrow travels through a column whose digits sum to 9,"
    " 9 is carried in a product, or a 9 is in the quotient",
    "short": "operators and operand lengths equally often, so short operands are over-represented",
    "long_division": "divisions, by how often the divisor is subtracted (the digits of the quotient, summed): each"
    " number equally often, so the longest are over-represented",
}

DEFAULT_DOMAIN_SHARE = 0.2
DEFAULT_FILE_SHARE = 0.9
DEFAULT_VAL_FRACTION = 0.05


class DomainConfig(BaseModel):
    """The set of problems a model is for; the defaults are 0..999, + and -, no negative answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operators: tuple[Operator, ...] = Field(("+", "-"), description="operators asked for, or ? alone: comparisons")
    n_operands: int = Field(2, ge=2, description="operands per problem (count)")
    min_operand: int = Field(0, description="smallest operand")
    max_operand: int = Field(999, description="largest operand")
    negatives: Literal["allow", "swap", "reject"] = Field(
        "reject", description="problems with a negative answer: ask them, ask them swapped, or leave them out"
    )
    division: Literal["exact", "remainder"] = Field(
        "exact", description="ask only divisions without a remainder, or answer with quotient and remainder"
    )
    semantics: Literal["precedence", "left_to_right"] = Field(
        "precedence", description="how several operators are evaluated"
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        self.to_domain()
        return self

    def to_domain(self) -> Domain:
        """The same domain as a value of the arithmetic package; raises `UserError` for an impossible one."""
        return Domain(
            operators=self.operators,
            n_operands=self.n_operands,
            min_operand=self.min_operand,
            max_operand=self.max_operand,
            negatives=self.negatives,
            division=self.division,
            semantics=self.semantics,
        )


class DataConfig(BaseModel):
    """Where training problems come from, which of them are held out, and what the loss looks at.

    Every key acts or is refused: a key that has no meaning for the chosen `source` may only keep its default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["stream", "files"] = Field(
        "stream", description="draw from a domain without end, or read files in epochs"
    )
    path: str | None = Field(
        None,
        description="files only: a folder with train, val and (optionally) test files, or one file to be split by key",
    )
    text: Literal["in_format", "as_written", "rewrite"] = Field(
        "in_format",
        description="files only: refuse rows that the run's format writes otherwise, train on them as they are, "
        "or write them again in the run's format",
    )
    domain: DomainConfig | None = Field(
        None,
        description="stream: what is drawn from (default: 0..999, + and -); files: every row must lie in it, if given",
    )
    mixture: dict[Modifier, float] = Field(
        {"uniform": 1.0},
        description="share of each batch, with files of each epoch, per sampling rule (uniform, cascade, short,"
        " long_division), summing to 1",
    )
    train_fraction: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of the problem families trained on, chosen by key"
        f" (default: {DEFAULT_DOMAIN_SHARE} of a domain, {DEFAULT_FILE_SHARE} of one file)",
    )
    val_fraction: float | None = Field(
        None,
        ge=0,
        lt=1,
        description=f"share of the problem families validated on (default: {DEFAULT_VAL_FRACTION}); the rest is test",
    )
    inverse: bool = Field(
        True, description="keep a+b=c, b+a=c, c-a=b and c-b=a in the same split, not only commuted twins"
    )
    train_basic_facts: bool = Field(
        False, description="stream only: train on every fact of two digits (8+9, 17-8, 7*8, 56/7), held out or not"
    )
    split_seed: int = Field(0, ge=0, description="seed of the split into training, validation and test problems")
    loss: Loss = Field(
        "completion",
        description="tokens the loss counts: the answer, the completion (worked steps and answer), or the full text",
    )
    padding: Padding = Field(
        "right", description="side on which short rows are padded; left keeps the answers of a batch in few columns"
    )

    @model_validator(mode="after")
    def _every_key_acts(self) -> Self:
        if self.source == "stream":
            if self.path is not None:
                raise UserError(
                    f"data.path {self.path!r} has no effect with data.source: stream; set data.source: files"
                )
            if self.text != "in_format":
                raise UserError("data.text has no effect with data.source: stream, which has no text of its own")
        else:
            if self.path is None:
                raise UserError("data.source: files needs data.path, a folder or a file of problems")
            if self.train_basic_facts:
                raise UserError("data.train_basic_facts has no effect with data.source: files; remove it")
        _check_mixture(self.mixture)
        self.split_fractions(DEFAULT_DOMAIN_SHARE if self.source == "stream" else DEFAULT_FILE_SHARE)
        return self

    def split_fractions(self, default_train: float) -> tuple[float, float]:
        """Shares of the problem families for training and validation; raises `UserError` if they pass 1."""
        train = default_train if self.train_fraction is None else self.train_fraction
        val = DEFAULT_VAL_FRACTION if self.val_fraction is None else self.val_fraction
        if self.val_fraction is None:
            val = min(val, round(1 - train, 12))
        if train + val > 1 + 1e-9:
            raise UserError(
                f"data.train_fraction {train:g} and data.val_fraction {val:g} sum to more than 1; lower one of them"
            )
        return train, val


def _check_mixture(mixture: Mapping[Modifier, float]) -> None:
    for name, weight in mixture.items():
        if not 0 <= weight <= 1:
            raise UserError(f"data.mixture.{name} is {weight:g}; a share lies between 0 and 1")
    total = sum(mixture.values())
    if abs(total - 1) > 1e-6:
        raise UserError(f"the shares of data.mixture sum to {total:g}; they must sum to 1")
