"""A domain of up to a few million problems: every training row is encoded once and then only looked up."""

from __future__ import annotations

from typing import Any

import numpy as np

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.splits import SplitConfig
from longhand.data.arrays import count_problems, domain_arrays, problems_at
from longhand.data.config import DataConfig
from longhand.data.encode import encode_arrays, longest_row
from longhand.data.keyed import keyed_generator
from longhand.data.keys import below, split_hashes
from longhand.data.mixture import describe_domain_source, refuse_empty_pools, share_rows
from longhand.data.problems import Ints, ProblemArrays
from longhand.data.rules import RuleIndex
from longhand.data.source import HeldOut, HeldOutSplit
from longhand.data.tokens import TokenArrays
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary

CHUNK = 2**16


class TableSource:
    """The training part of a domain as a table of token rows, with an index per sampling rule.

    Formats with worked steps, and answers in rows, are written one by one; they are encoded when they are first drawn.
    """

    def __init__(
        self, domain: Domain, split: SplitConfig, config: DataConfig, format: Format, vocabulary: Vocabulary
    ) -> None:
        self._domain, self._split, self._mixture = domain, split, config.mixture
        self._format, self._vocabulary = format, vocabulary
        self._places = _split_places(domain, split)
        if not len(self._places["train"]):
            raise UserError(
                f"no problem of the domain falls into data.train_fraction {split.train:g}; raise it or max_operand"
            )
        arrays = problems_at(domain, self._places["train"])
        self._arrays = arrays
        self._index = RuleIndex(arrays)
        refuse_empty_pools(config.mixture, self._index.pools())
        self._table: TokenArrays | LazyTable
        if format.steps == "none" and format.notation == "number":
            self._table = encode_arrays(arrays, format, vocabulary)
        else:
            self._table = LazyTable(arrays, format, vocabulary, longest_row(domain, format, vocabulary))

    @property
    def longest(self) -> int:
        """Tokens of the longest row, end mark included."""
        return self._table.longest

    def rows(self, step: int, batch_size: int, seed: int) -> TokenArrays:
        """Look up the rows of one step."""
        rng = keyed_generator(seed, "train", step)
        counts = share_rows(self._mixture, batch_size, rng)
        chosen = rng.permutation(np.concatenate([self._index.draw(rule, rng, n) for rule, n in counts.items()]))
        return self._table.take(chosen)

    def held_out(self, split: HeldOutSplit, n: int | None) -> HeldOut:
        """Draw rows of a held-out split without replacement; more rows begin with those of fewer."""
        places = keyed_generator(self._split.seed, split).permutation(self._places[split])[:n]
        arrays = problems_at(self._domain, places)
        return HeldOut(encode_arrays(arrays, self._format, self._vocabulary), arrays.problems())

    def describe(self) -> dict[str, Any]:
        """What is trained on, counted exactly."""
        counts: dict[str, int | None] = {name: len(places) for name, places in self._places.items()}
        counts["domain"] = count_problems(self._domain)
        pools = self._index.pools()
        record = describe_domain_source(self._domain, self._split, self._mixture, counts)
        return {**record, "problems_per_rule": {rule: pools[rule] for rule in record["mixture"]}}


class LazyTable:
    """Token rows that are written when they are first asked for, up to `longest` tokens."""

    def __init__(self, arrays: ProblemArrays, format: Format, vocabulary: Vocabulary, longest: int) -> None:
        self._arrays, self._format, self._vocabulary = arrays, format, vocabulary
        self.longest = longest
        blank = encode_arrays(arrays.take(slice(0)), format, vocabulary)
        n = len(arrays)
        self._ids = np.full((n, longest), blank.pad_id, dtype=blank.ids.dtype)
        self._marks = np.zeros((3, n), dtype=np.int32)  # prompt length, answer start, length; 0: not yet written
        self._pad_id = blank.pad_id

    def take(self, rows: Ints) -> TokenArrays:
        """The rows at these indices, in this order."""
        missing = np.unique(rows[self._marks[2, rows] == 0])
        if len(missing):
            new = encode_arrays(self._arrays.take(missing), self._format, self._vocabulary)
            self._ids[missing, : new.ids.shape[1]] = new.ids
            self._marks[:, missing] = new.prompt_lengths, new.answer_starts, new.lengths
        prompts, answers, lengths = self._marks[:, rows]
        return TokenArrays(self._ids[rows], prompts, answers, lengths, self._pad_id)


def _split_places(domain: Domain, split: SplitConfig) -> dict[str, Ints]:
    """Places of the problems of each split in the order of the domain."""
    train, val = split.thresholds
    parts: dict[str, list[Ints]] = {"train": [], "val": [], "test": []}
    for start in range(0, count_problems(domain), CHUNK):
        hashes = split_hashes(domain_arrays(domain, start, start + CHUNK), split)
        below_train, below_val = below(hashes, train), below(hashes, val)
        parts["train"].append(start + np.flatnonzero(below_train))
        parts["val"].append(start + np.flatnonzero(below_val & ~below_train))
        parts["test"].append(start + np.flatnonzero(~below_val))
    empty = np.empty(0, dtype=np.int64)
    return {name: np.concatenate([empty, *found]) for name, found in parts.items()}
