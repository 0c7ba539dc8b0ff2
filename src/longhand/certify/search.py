"""Every window that any problem of any length can show, found by search, and the one token that may follow it."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from longhand.errors import UserError
from longhand.text.layouts.base import Places

State = Hashable
"""What the rows so far have left behind: the tokens the next windows repeat, and the true carry."""


class Transition(NamedTuple):
    """A window, the token that exact arithmetic puts after it, and the state behind that token (None: the end).

    `kind` says in words where in the rows the window is, `column` the digits of both numbers that it brings in.
    """

    window: Places
    label: int
    kind: str
    after: State | None
    column: tuple[int | None, int | None] = (None, None)


class Rules(Protocol):
    """The rows of a layout as an automaton: the states rows begin in, and the transitions out of each state."""

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The facts by which transitions were left out, which no window shows."""
        ...

    def starts(self) -> Iterable[State]:
        """The states before the first token of the rows."""
        ...

    def transitions(self, state: Any) -> Iterator[Transition]:
        """Everything that can happen in a state; what cannot happen may be among it, never the other way round."""
        ...


@dataclass(frozen=True)
class WindowList:
    """Every window once, in the order in which the search came upon them, and what follows it.

    `windows` is int64 [n, n_slots], `labels` int64 [n], `kinds` index `kind_names`; `n_states` were gone through.
    `parents` [n] are the windows by which each was reached (-1: by none), `columns` the digits that it brought in.
    """

    windows: NDArray[np.int64]
    labels: NDArray[np.int64]
    kinds: NDArray[np.int64]
    kind_names: tuple[str, ...]
    parents: NDArray[np.int64]
    columns: list[tuple[int | None, int | None]]
    n_states: int
    n_starts: int

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def sha256(self) -> str:
        """Hash of the sorted list: each row is a window and its label, as little-endian 16-bit numbers."""
        rows = np.concatenate([self.windows, self.labels[:, None]], axis=1).astype("<u2")
        return hashlib.sha256(rows[np.lexsort(rows.T[::-1])].tobytes()).hexdigest()

    def by_kind(self) -> dict[str, int]:
        """How many windows there are of each kind."""
        counts = np.bincount(self.kinds, minlength=len(self.kind_names))
        return {name: int(count) for name, count in zip(self.kind_names, counts, strict=True)}

    def path(self, place: int) -> list[int]:
        """The windows on the shortest way to one, it included."""
        found = []
        while place >= 0:
            found.append(place)
            place = int(self.parents[place])
        return found[::-1]

    def kind(self, place: int) -> str:
        """Where in the rows a window is, in words."""
        return self.kind_names[int(self.kinds[place])]


def list_windows(rules: Rules) -> WindowList:
    """Search breadth first from the starts until no new state is found.

    Raises `UserError` if a window would have to be followed by two different tokens: then nothing that sees only
    windows can be right.
    """
    places: dict[Places, int] = {}
    labels: list[int] = []
    kinds: list[int] = []
    parents: list[int] = []
    columns: list[tuple[int | None, int | None]] = []
    kind_numbers: dict[str, int] = {}
    starts = list(rules.starts())
    queue: deque[tuple[State, int]] = deque((state, -1) for state in starts)
    seen = set(starts)
    while queue:
        state, parent = queue.popleft()
        for window, label, kind, after, column in rules.transitions(state):
            place = places.setdefault(window, len(labels))
            if place == len(labels):
                labels.append(label)
                kinds.append(kind_numbers.setdefault(kind, len(kind_numbers)))
                parents.append(parent)
                columns.append(column)
            elif labels[place] != label:
                raise UserError(
                    f"the window {window} ({kind}) would have to be followed by token {labels[place]} and by {label};"
                    " this layout does not show enough to be right"
                )
            if after is not None and after not in seen:
                seen.add(after)
                queue.append((after, place))
    return WindowList(
        np.array(list(places), dtype=np.int64),
        np.array(labels, dtype=np.int64),
        np.array(kinds, dtype=np.int64),
        tuple(kind_numbers),
        np.array(parents, dtype=np.int64),
        columns,
        len(seen),
        len(starts),
    )
