"""Drawing problems by a sampling rule: uniformly, those in which a carry travels, or rare ones as often as others."""

from __future__ import annotations

import numpy as np

from longhand.data.config import Modifier
from longhand.data.hard_cases import carry_travels, length_cells, subtractions
from longhand.data.problems import Ints, ProblemArrays


class RuleIndex:
    """Places of problems by sampling rule, so that drawing one is looking one up."""

    def __init__(self, arrays: ProblemArrays) -> None:
        self._n = len(arrays)
        self._hard = np.flatnonzero(carry_travels(arrays))
        self._by_length = _Cells(np.arange(self._n), length_cells(arrays))
        counts = subtractions(arrays)
        divisions = np.flatnonzero(counts >= 0)
        self._by_subtractions = _Cells(divisions, counts[divisions])

    def draw(self, rule: Modifier, rng: np.random.Generator, n: int) -> Ints:
        """Places [n] of problems drawn by a rule, with replacement."""
        if rule == "uniform":
            return rng.integers(self._n, size=n)
        if rule == "cascade":
            return self._hard[rng.integers(len(self._hard), size=n)]
        return (self._by_length if rule == "short" else self._by_subtractions).draw(rng, n)

    def pools(self) -> dict[Modifier, int]:
        """How many problems each rule draws from."""
        whole, divisions = self._n, len(self._by_subtractions)
        return {"uniform": whole, "cascade": len(self._hard), "short": whole, "long_division": divisions}


class _Cells:
    """Places [n] grouped by a number each, `cells` [n]; every group is drawn from equally often."""

    def __init__(self, places: Ints, cells: Ints) -> None:
        order = np.argsort(cells, kind="stable")
        self._places = places[order]
        _, self._starts, self._sizes = np.unique(cells[order], return_index=True, return_counts=True)

    def __len__(self) -> int:
        return len(self._places)

    def draw(self, rng: np.random.Generator, n: int) -> Ints:
        cells = rng.integers(len(self._sizes), size=n)
        return np.asarray(self._places[self._starts[cells] + rng.integers(self._sizes[cells])], dtype=np.int64)
