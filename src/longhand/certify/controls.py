"""Damaged copies of a proved network: each has to fail, and its decoder to be caught with a wrong answer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from longhand.certify.counterexample import counterexample
from longhand.certify.network_check import quick_margins
from longhand.certify.search import WindowList
from longhand.numpy_gpt.windowed import WindowNetwork
from longhand.solvers.windowed import WindowedSolver


def negative_controls(solver: WindowedSolver, listed: WindowList) -> list[dict[str, Any]]:
    """What becomes of copies with one kind of damage each: how many windows go wrong, and a problem that does."""
    tokens = solver.vocabulary.tokens
    pair = [token for token in np.unique(listed.labels).tolist() if token != solver.layout.eos][:2]
    exchanged = f"the rows of the head for {tokens[pair[0]]} and {tokens[pair[1]]} exchanged"
    found = [
        _control(solver, listed, "all slot biases set to 0", _forget_slots),
        _control(solver, listed, "the weights of every matrix of the blocks shuffled", _shuffle),
        _control(solver, listed, exchanged, partial(_exchange_tokens, pair=pair)),
    ]
    n_hidden = len(solver.network.blocks[-1].weights["mlp.up.weight"])
    n_units = 1
    while True:  # a model with much to spare gets along without its strongest unit
        units = "unit" if n_units == 1 else "units"
        name = f"the {n_units} strongest hidden {units} of the last block negated"
        control = _control(solver, listed, name, partial(_negate_units, n_units=n_units))
        if control["confirmed"] or n_units >= n_hidden:
            return [*found, control]
        n_units = min(2 * n_units, n_hidden)


def _control(
    solver: WindowedSolver, listed: WindowList, name: str, damage: Callable[[WindowNetwork], None]
) -> dict[str, Any]:
    network = copy.deepcopy(solver.network)
    damage(network)
    wrong = np.flatnonzero(quick_margins(network, listed) <= 0)
    damaged = WindowedSolver(network, solver.layout, solver.format, solver.domain)
    example = counterexample(damaged, listed, wrong) if len(wrong) else None
    return {
        "damage": name,
        "wrong_windows": len(wrong),
        "expression": None if example is None else example.expression,
        "written": None if example is None else example.written,
        "expected": None if example is None else example.expected,
        "confirmed": example is not None and example.confirmed,
    }


def _negate_units(network: WindowNetwork, n_units: int) -> None:
    down = network.blocks[-1].weights["mlp.down.weight"]
    down[:, np.argsort(-np.linalg.norm(down, axis=0))[:n_units]] *= -1


def _shuffle(network: WindowNetwork) -> None:
    rng = np.random.default_rng(0)
    for place, block in enumerate(network.blocks):
        weights = {name: rng.permutation(w.ravel()).reshape(w.shape) for name, w in block.weights.items()}
        network.blocks[place] = network.block(weights)


def _forget_slots(network: WindowNetwork) -> None:
    for block in network.blocks:
        block.weights["attention.slot_bias"][:] = 0


def _exchange_tokens(network: WindowNetwork, pair: list[int]) -> None:
    network.head = network.head.copy()
    network.head[pair] = network.head[pair[::-1]]
