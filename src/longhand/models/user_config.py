"""A configuration as people write it: frozen, without unknown keys, and refused in one line."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from longhand.errors import UserError


class UserConfig(BaseModel):
    """Raises the `UserError` of its validators itself, where pydantic would wrap it in a report of many lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            for problem in error.errors():
                cause = problem.get("ctx", {}).get("error")
                if isinstance(cause, UserError):
                    raise cause from None
            raise
