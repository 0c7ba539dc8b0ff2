"""What a profile is: options, and the splits they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from longhand.data.readers import Shape
from longhand.data.record import Record
from longhand.errors import UserError
from longhand.text.formats import Format


class ProfileOptions(BaseModel):
    """The options of a profile; each field is a flag of the command line."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class GeneratedData:
    """Splits in the order train, val, test (or `all`), how their rows are written, and what to know about them.

    The records of a split are gone through once.
    """

    splits: Mapping[str, Iterable[Record]]
    format: Format
    max_operands: int = 2
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A seeded generator of a data set.

    `shape` is the one its system writes. `aliases` maps a field of the options, or `out`, to the further flags
    under which that system documents it.
    """

    name: str
    summary: str
    options: type[ProfileOptions]
    generate: Callable[[Any], GeneratedData]
    shape: Shape
    aliases: Mapping[str, tuple[str, ...]]


def flags(options: type[ProfileOptions], **documented: str) -> dict[str, tuple[str, ...]]:
    """Documented flags by field, with an underscore spelling for every field of two words or more."""
    spellings = {name: tuple(names.split()) for name, names in documented.items()}
    for name in options.model_fields:
        if "_" in name:
            spellings[name] = (*spellings.get(name, ()), f"--{name}")
    return spellings


def split_sizes(n: int, train_ratio: float, val_ratio: float) -> dict[str, int]:
    """Rows per split: both ratios rounded down, the rest for test.

    Raises `UserError` for ratios that are not shares of one whole.
    """
    if not (0 <= train_ratio <= 1 and 0 <= val_ratio <= 1 and train_ratio + val_ratio <= 1 + 1e-9):
        raise UserError(
            f"train_ratio {train_ratio:g} and val_ratio {val_ratio:g} are not shares of one whole; "
            "each lies between 0 and 1, and together they do not pass 1"
        )
    train, val = int(n * train_ratio), int(n * val_ratio)
    return {"train": train, "val": val, "test": n - train - val}
