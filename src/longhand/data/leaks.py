"""What training rows give away of the rows held out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.problem import Problem

Key = tuple[object, ...]

KINDS = ("exact", "commuted", "inverse")
HELD_OUT = ("val", "test")


def held_out_first(splits: Iterable[str]) -> list[str]:
    """The order in which a `LeakCounter` wants to see the splits."""
    return sorted(splits, key=lambda split: split == "train")


class LeakCounter:
    """Counts the rows of held-out splits that a training row gives away.

    Each such row counts once: as `exact` if the same problem is in training, else as `commuted` if the problem
    with its operands exchanged is, else as `inverse` if another fact of its family is (a+b=c, c-a=b, c-b=a).
    Show it every row of the held-out splits first, then those of `train`; other splits do not count.
    """

    def __init__(self) -> None:
        self._held: dict[str, list[tuple[Key, Key, Key]]] = {}
        self._wanted: set[Key] = set()
        self._trained: tuple[set[Key], set[Key], set[Key]] = (set(), set(), set())

    def add(self, split: str, problem: Problem) -> None:
        """Note a row."""
        if split in HELD_OUT:
            keys = _keys(problem)
            self._held.setdefault(split, []).append(keys)
            self._wanted.add(keys[-1])
        elif split == "train":
            self._train(problem)

    def _train(self, problem: Problem) -> None:
        # The inverse family is the widest of the three: outside it there is nothing else to look for.
        if canonical_key(problem, inverse=True) in self._wanted:
            for seen, key in zip(self._trained, _keys(problem), strict=True):
                seen.add(key)

    def report(self) -> dict[str, dict[str, int]]:
        """Rows given away, by held-out split and kind, and the rows of the split."""
        return {split: {"rows": len(rows), **self._count(rows)} for split, rows in self._held.items()}

    def _count(self, rows: list[tuple[Key, Key, Key]]) -> Mapping[str, int]:
        counts = dict.fromkeys(KINDS, 0)
        for keys in rows:
            for kind, key, seen in zip(KINDS, keys, self._trained, strict=True):
                if key in seen:
                    counts[kind] += 1
                    break
        return counts


def _keys(problem: Problem) -> tuple[Key, Key, Key]:
    exact = (problem.operands, problem.operators)
    return exact, canonical_key(problem), canonical_key(problem, inverse=True)
