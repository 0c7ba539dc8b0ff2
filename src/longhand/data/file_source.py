"""Training on files: every row once per epoch, or some rows more often, as only the seed and the epoch decide."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.splits import SplitConfig, split_hash
from longhand.data.config import DEFAULT_FILE_SHARE, DataConfig, Modifier
from longhand.data.folders import open_folder
from longhand.data.keyed import keyed_generator
from longhand.data.manifest import sha256_of
from longhand.data.mixture import describe_mixture, refuse_empty_pools, share_rows
from longhand.data.problems import Ints, from_problems
from longhand.data.readers import iter_records
from longhand.data.record import Record
from longhand.data.rules import RuleIndex
from longhand.data.source import HeldOut, HeldOutSplit
from longhand.data.tokens import TokenArrays, stack_tokens
from longhand.errors import UserError
from longhand.text.formats import Format, Spelled
from longhand.text.vocabulary import Vocabulary

Row = tuple[Spelled, Problem | None, tuple[int, ...]]  # ids, problem if it is arithmetic, key of the fact


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one split."""

    tokens: TokenArrays
    problems: list[Problem | None]
    keys: list[tuple[int, ...]]


class FileSource:
    """Rows of a folder with train, val and test files, or of one file split by the keys of its problems.

    Raises `UserError` for a folder that is empty, mixed, or without a val file, and, with file and line, for a row
    that cannot be read or spelled, has a wrong answer, lies outside `data.domain`, or is not written in the run's
    format.
    """

    def __init__(self, config: DataConfig, format: Format, vocabulary: Vocabulary) -> None:
        assert config.path is not None
        self._config, self._format, self._vocabulary = config, format, vocabulary
        self._folder = open_folder(config.path)
        train, val = config.split_fractions(DEFAULT_FILE_SHARE)
        self._split = SplitConfig(train, val, config.split_seed, config.inverse)
        files = self._folder.files
        if "all" in files:
            self._rows = self._divide(self._read(files["all"]))
        else:
            self._refuse_keys_of_one_file()
            self._rows = {split: self._gather(self._read(file)) for split, file in files.items()}
        if not len(self._rows["train"].tokens):
            raise UserError(f"no row of {config.path} falls into data.train_fraction {train:g}; raise it")
        self._index = None if set(_shares(config)) == {"uniform"} else self._index_of(self._rows["train"])
        self._order = lru_cache(maxsize=4)(self._order_of_epoch)

    @property
    def longest(self) -> int:
        """Tokens of the longest row, end mark included."""
        return max(rows.tokens.longest for rows in self._rows.values())

    def rows(self, step: int, batch_size: int, seed: int) -> TokenArrays:
        """The rows of one step; a batch may run from the end of one epoch into the next."""
        n = len(self._rows["train"].tokens)
        epochs, places = np.divmod(np.arange(step * batch_size, (step + 1) * batch_size), n)
        chosen = np.empty(batch_size, dtype=np.int64)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            chosen[here] = self._order(seed, epoch)[places[here]]
        return self._rows["train"].tokens.take(chosen)

    def held_out(self, split: HeldOutSplit, n: int | None) -> HeldOut:
        """Draw rows of a held-out split without replacement; more rows begin with those of fewer."""
        rows = self._rows.get(split)
        if rows is None:
            return HeldOut(self._rows["train"].tokens.take(slice(0)), None)
        chosen = keyed_generator(self._config.split_seed, split).permutation(len(rows.tokens))[:n]
        problems = [problem for row in chosen if (problem := rows.problems[row]) is not None]
        return HeldOut(rows.tokens.take(chosen), problems if len(problems) == len(chosen) else None)

    def describe(self) -> dict[str, Any]:
        """Which files, how many rows, and how many held-out rows the training rows give away."""
        trained = set(self._rows["train"].keys)
        seen = {
            split: sum(key in trained for key in rows.keys) for split, rows in self._rows.items() if split != "train"
        }
        one_file = "all" in self._folder.files
        return {
            "source": "files",
            "path": self._config.path,
            "files": {split: {"name": f.name, "sha256": sha256_of(f)} for split, f in self._folder.files.items()},
            "rows": {split: len(rows.tokens) for split, rows in self._rows.items()},
            "distinct_facts_trained_on": len(trained),
            "chosen_by": {
                "method": "hash of a key shared by all spellings of a fact" if one_file else "the files of the folder",
                "inverse": self._split.inverse,
                **(
                    {
                        "split_seed": self._split.seed,
                        "train_fraction": self._split.train,
                        "val_fraction": self._split.val,
                    }
                    if one_file
                    else {}
                ),
            },
            "held_out_rows_seen_in_training": seen,
            "domain": None if self._config.domain is None else self._config.domain.to_domain().to_dict(),
            "text": self._config.text,
            **self._describe_sampling(),
        }

    def _describe_sampling(self) -> dict[str, Any]:
        if self._index is None:
            return {"sampling": "every row once per epoch"}
        pools, shares = self._index.pools(), _shares(self._config)
        return {**describe_mixture(shares), "rows_per_rule": {rule: pools[rule] for rule in shares}}

    def _order_of_epoch(self, seed: int, epoch: int) -> Ints:
        """Which row comes where: all of them once, or of each rule its share of as many."""
        rng, n = keyed_generator(seed, "epoch", epoch), len(self._rows["train"].tokens)
        everything = rng.permutation(n)
        if self._index is None:
            return everything
        counts = share_rows(_shares(self._config), n, rng)
        drawn = [self._index.draw(rule, rng, k) for rule, k in counts.items() if rule != "uniform"]
        return rng.permutation(np.concatenate([everything[: counts.get("uniform", 0)], *drawn]))

    def _index_of(self, rows: _Rows) -> RuleIndex:
        problems = [problem for problem in rows.problems if problem is not None]
        if len(problems) < len(rows.problems):
            raise UserError("data.mixture sorts rows by their problems, but some rows are no arithmetic; leave it out")
        try:
            index = RuleIndex(from_problems(problems))
        except UserError as error:
            raise UserError(f"data.mixture cannot sort the rows of {self._config.path}: {error}") from error
        refuse_empty_pools(_shares(self._config), index.pools())
        return index

    def _refuse_keys_of_one_file(self) -> None:
        for split in ("train", "val"):
            if split not in self._folder.files:
                raise UserError(
                    f"{self._folder.path} has no {split} file; add one, or give a single file as data.path to split it"
                )
        for key in ("train_fraction", "val_fraction", "split_seed"):
            if getattr(self._config, key) != DataConfig.model_fields[key].default:
                raise UserError(
                    f"data.{key} has no effect on {self._folder.path}, whose files are the splits; "
                    "leave it out, or give one file as data.path"
                )

    def _read(self, path: Path) -> Iterable[Row]:
        written = self._folder.format
        if written is None and self._config.text != "rewrite":
            written = self._format
        for record in iter_records(path, written):
            try:
                spelled, problem = self._spell(record)
            except UserError as error:
                raise UserError(f"{path}, line {record.line}: {error}") from error
            yield spelled, problem, _key(record, problem, self._config.inverse)

    def _spell(self, record: Record) -> tuple[Spelled, Problem | None]:
        problem, rendered = record.problem, record.rendered
        format = self._format.as_asked(record.prompt)
        if problem is not None and self._config.text == "rewrite":
            problem = replace(problem, semantics=self._format.semantics)
        if problem is not None and record.answer != problem.answer:
            raise UserError(
                f"{problem} is {problem.answer}, not {record.answer}; `longhand data check` lists such rows"
            )
        if self._config.domain is not None and not (problem and self._config.domain.to_domain().contains(problem)):
            raise UserError(f"{record.prompt.strip()!r} does not lie in data.domain; widen it or leave it out")
        if self._config.text == "rewrite":
            if problem is None:
                raise UserError(f"{record.prompt!r} is no arithmetic to rewrite; set data.text: as_written")
            rendered = format.render(problem)
        elif self._config.text == "in_format" and problem is not None:
            expected = format.render(problem)
            if expected != rendered:
                raise UserError(
                    f"{rendered.text!r} is written {expected.text!r} in the run's format; "
                    "change format, or set data.text: rewrite (or as_written)"
                )
        return self._format.spell(rendered, self._vocabulary), problem

    def _gather(self, rows: Iterable[Row]) -> _Rows:
        listed = list(rows)
        tokens = stack_tokens(
            [(spelled.ids, spelled.prompt_length, spelled.answer_start) for spelled, _, _ in listed],
            len(self._vocabulary),
            self._vocabulary.id_of("pad"),
        )
        return _Rows(tokens, [problem for _, problem, _ in listed], [key for _, _, key in listed])

    def _divide(self, rows: Iterable[Row]) -> dict[str, _Rows]:
        train, val = self._split.thresholds
        parts: dict[str, list[Row]] = {"train": [], "val": [], "test": []}
        for row in rows:
            hashed = split_hash(row[2], self._split.seed)
            parts["train" if hashed < train else "val" if hashed < val else "test"].append(row)
        return {split: self._gather(part) for split, part in parts.items()}


def _key(record: Record, problem: Problem | None, inverse: bool) -> tuple[int, ...]:
    """The key of the fact; a question in words is its own fact."""
    if problem is not None:
        return canonical_key(problem, inverse=inverse)
    digest = hashlib.blake2b(record.prompt.strip().encode(), digest_size=8).digest()
    return (0, int.from_bytes(digest, "little", signed=True))


def _shares(config: DataConfig) -> dict[Modifier, float]:
    return {rule: share for rule, share in config.mixture.items() if share > 0}
