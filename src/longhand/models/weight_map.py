"""Two names for the same weights: ours, and those of another library.

Architectures name their links here and are part of every configuration, which is read where torch is missing too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from longhand.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Link:
    """One tensor of ours (or none) and the tensors of theirs that hold the same numbers."""

    ours: str | None
    theirs: tuple[str, ...]
    export: Callable[[Tensor], Sequence[Tensor]]
    restore: Callable[[Sequence[Tensor]], Tensor]


def same(ours: str, theirs: str) -> Link:
    """The same tensor under two names."""
    return Link(ours, (theirs,), lambda t: [t], lambda ts: ts[0])


def transposed(ours: str, theirs: str) -> Link:
    """A matrix they keep as [inputs, outputs]."""
    return Link(ours, (theirs,), lambda t: [t.t()], lambda ts: ts[0].t())


def split_rows(ours: str, theirs: Sequence[str], rows: Sequence[int]) -> Link:
    """A tensor whose rows they keep as several tensors, of `rows` rows each."""
    import torch

    return Link(ours, tuple(theirs), lambda t: torch.split(t, list(rows)), lambda ts: torch.cat(list(ts)))


def stacked(ours: str, theirs: Sequence[str], *, transpose: bool = False) -> Link:
    """A tensor of which they keep each slice [i] as a tensor of its own."""
    import torch

    def turn(matrix: Tensor) -> Tensor:
        return matrix.t() if transpose else matrix

    return Link(
        ours, tuple(theirs), lambda t: [turn(m) for m in t.unbind()], lambda ts: torch.stack([turn(m) for m in ts])
    )


def zeros(theirs: str, size: int) -> Link:
    """A bias they always have and this model has not: written as zeros, refused when it is anything else."""

    def restore(tensors: Sequence[Tensor]) -> Tensor:
        if bool(tensors[0].any()):
            raise UserError(f"{theirs} is not zero, but the configuration says this model has no such bias")
        return tensors[0]

    return Link(None, (theirs,), lambda like: [like.new_zeros(size)], restore)


def export_weights(links: Iterable[Link], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our weights under their names."""
    import torch

    some_weight = next(iter(ours.values()))
    theirs: dict[str, Tensor] = {}
    for link in links:
        tensors = link.export(some_weight if link.ours is None else ours[link.ours])
        theirs |= {
            name: tensor.clone(memory_format=torch.contiguous_format)
            for name, tensor in zip(link.theirs, tensors, strict=True)
        }
    return theirs


def restore_weights(links: Iterable[Link], theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their weights under our names; raises `UserError` for a weight missing or left over."""
    rest = dict(theirs)
    ours: dict[str, Tensor] = {}
    for link in links:
        missing = [name for name in link.theirs if name not in rest]
        if missing:
            raise UserError(f"the weights have no tensor {missing[0]!r}, which this architecture needs")
        tensor = link.restore([rest.pop(name) for name in link.theirs])
        if link.ours is not None:
            ours[link.ours] = tensor
    if rest:
        raise UserError(f"the weights hold a tensor {min(rest)!r} that this architecture does not have")
    return ours
