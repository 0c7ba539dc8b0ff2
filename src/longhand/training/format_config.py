"""The `format` section of a run's configuration: the fields of `Format`, with help."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longhand.text.formats import Format, Notation, Style
from longhand.text.worked_steps import Steps


class FormatConfig(BaseModel):
    """How problems are written. A combination that cannot be raises `UserError`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style: Style = Field(
        "expression", description="951+11=, or What is 951 + 11?, or 951 + 11 =, or one of the first two as asked"
    )
    reverse_operands: bool = Field(False, description="write operands units first")
    reverse_answer: bool = Field(False, description="write the answer units first, as carries arise")
    operand_width: int | Literal["widest"] | None = Field(
        None, description="fill operands with zeros to so many digits, or to the widest of the problem"
    )
    answer_width: int | None = Field(None, description="fill the answer with zeros to so many digits")
    steps: Steps = Field("none", description="worked steps before the answer")
    steps_width: int | None = Field(None, description="pad the worked steps to so many tokens")
    begin: bool = Field(False, description="put the vocabulary's bos token in front")
    notation: Notation = Field(
        "number", description="the answer as a number, or the rows that lead to it as in schoolbooks, units first"
    )
    semantics: Literal["precedence", "left_to_right"] | None = Field(
        None, description="how several operators are evaluated (default: as data.domain says)"
    )
    division: Literal["exact", "remainder"] | None = Field(
        None, description="what the answer of a division is (default: as data.domain says)"
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        self.to_format()
        return self

    def to_format(
        self,
        semantics: Literal["precedence", "left_to_right"] = "precedence",
        division: Literal["exact", "remainder"] = "exact",
    ) -> Format:
        """The same format as a value of the text package; the arguments fill in what was left out."""
        values = self.model_dump()
        values["semantics"] = self.semantics or semantics
        values["division"] = self.division or division
        return Format(**values)
