"""What the network says after every window of a list: right or wrong, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.certify.rounding import bounded_logits
from longhand.certify.search import WindowList
from longhand.numpy_gpt.windowed import WindowNetwork

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class NetworkCheck:
    """Of each window the lead of the right token over the best other one, in logits, and what rounding can take of it.

    `margins` [n] are computed in float64; `choices` [n] are the tokens of the largest logits. `slack` [n] is what is
    left of the smallest lead after twice the error bounds of both logits: once for this computation, and once for the
    other that serves. Where it is positive, no order of summation makes any other token win.
    """

    margins: Floats
    choices: NDArray[np.int64]
    bounds: Floats
    slack: Floats

    @property
    def wrong(self) -> NDArray[np.int64]:
        """Places of the windows after which the right token does not win, ties included."""
        return np.flatnonzero(self.margins <= 0)

    @property
    def unsure(self) -> NDArray[np.int64]:
        """Places of the windows after which rounding could decide."""
        return np.flatnonzero((self.slack <= 0) & (self.margins > 0))


def quick_margins(network: WindowNetwork, listed: WindowList) -> Floats:
    """The lead of the right token after each window, in logits: what training to the proof looks at."""
    logits = network.logits(listed.windows)
    right, rivals = _split(logits, listed.labels)
    lead: Floats = right - rivals.max(axis=1)
    return lead


def check_network(network: WindowNetwork, listed: WindowList) -> NetworkCheck:
    """Run the network on every window in float64, and bound the rounding of every logit."""
    logits, errors = bounded_logits(network, listed.windows)
    right, rivals = _split(logits, listed.labels)
    rows = np.arange(len(listed))
    right_error = errors[rows, listed.labels]
    doubt = right_error[:, None] + errors
    doubt[rows, listed.labels] = 0
    return NetworkCheck(
        margins=right - rivals.max(axis=1),
        choices=logits.argmax(axis=1),
        bounds=doubt.max(axis=1),
        slack=(right[:, None] - rivals - 2 * doubt).min(axis=1),
    )


def _split(logits: Floats, labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The logit of each label [n], and the logits with -inf in its place [n, vocab]."""
    rows = np.arange(len(labels))
    right = logits[rows, labels]
    rivals = logits.copy()
    rivals[rows, labels] = -np.inf
    return right, rivals
