"""The same network as ordinary attention: every earlier token may be looked at, under a mask that adds a bias.

A token that fills several slots of a window gets the logarithm of the sum of their exponentials as its bias, one that
fills none minus infinity; in real arithmetic that is slot attention.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.certify.problems import random_problem
from longhand.numpy_gpt.windowed import WindowNetwork
from longhand.text.layouts.base import Layout

Floats = NDArray[np.floating[Any]]


def dense_logits(network: WindowNetwork, layout: Layout, ids: Sequence[int]) -> Floats:
    """The logits of the token after each token of a row from `=` on, by masked attention: [tokens from = on, vocab]."""
    start = list(ids).index(layout.equals)
    cursor = layout.cursor(ids[: start + 1])
    places = [cursor.places()]
    for token in ids[start + 1 :]:
        cursor.push(token)
        places.append(cursor.places())
    at = np.array(places)
    tokens = np.array(list(ids))
    x = network.embedding[tokens[start:]]
    for weights, query, keys, values in network.blocks:
        bias = np.full((network.n_heads, len(places), len(tokens)), -np.inf)
        rows = np.arange(len(places))
        for slot in range(at.shape[1]):
            here = (slice(None), rows, at[:, slot])
            bias[here] = np.logaddexp(bias[here], weights["attention.slot_bias"][:, slot, None])
        q = (network.normed(x, weights["attention_norm.weight"]) @ query.T).reshape(len(rows), network.n_heads, -1)
        scores = np.einsum("nhc,hct->hnt", q, keys[:, :, tokens]) * network.scale + bias
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        gathered = np.einsum("hnt,htc->nhc", shares, values[:, tokens]).reshape(len(rows), -1)
        x = x + gathered @ weights["attention.out.weight"].T
        hidden = np.maximum(network.normed(x, weights["mlp_norm.weight"]) @ weights["mlp.up.weight"].T, 0)
        x = x + hidden @ weights["mlp.down.weight"].T
    logits: Floats = network.normed(x, network.norm) @ network.head.T
    return logits


def compare_with_dense(network: WindowNetwork, layout: Layout, cases: int, seed: int = 0) -> dict[str, Any]:
    """The largest difference between slots and mask on random rows, their longest, and whether both choose alike.

    `outside` is the largest change in the logits of the first token when the highest digit of a, which is not in its
    window, is another one.
    """
    rng = random.Random(seed)
    difference, outside, longest, alike = 0.0, 0.0, 0, True
    for case in range(cases):
        operator = layout.operators[case % len(layout.operators)]
        most = 4 if operator in "*/" else 40
        asked = random_problem(operator, most, rng)
        ids = asked._replace(a=f"{rng.randrange(10)}{asked.a}").ids(layout)  # two digits at least
        dense, slots = dense_logits(network, layout, ids), network.logits(np.array(layout.windows(ids)))
        difference = max(difference, float(abs(dense - slots).max()))
        longest = max(longest, len(ids))
        alike = alike and bool((dense.argmax(axis=1) == slots.argmax(axis=1)).all())
        start = ids.index(layout.equals) + 1
        other = [ids[0], layout.token["3" if ids[1] != layout.token["3"] else "4"], *ids[2:start]]
        change = dense_logits(network, layout, other)[0] - dense_logits(network, layout, ids[:start])[0]
        outside = max(outside, float(abs(change).max()))
    found = {"cases": cases, "longest_row": longest, "largest_difference": difference, "same_choices": alike}
    return {**found, "outside": outside}
