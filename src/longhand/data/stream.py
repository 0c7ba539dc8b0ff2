"""The stream of training batches: any step of it can be asked for, in any order, by any process."""

from __future__ import annotations

from typing import Any

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.splits import SplitConfig
from longhand.data.arrays import count_problems, domain_can_be_enumerated
from longhand.data.batches import Batch, make_batch
from longhand.data.config import DEFAULT_DOMAIN_SHARE, DataConfig, DomainConfig
from longhand.data.domain_sampler import SampledSource
from longhand.data.domain_table import TableSource
from longhand.data.file_source import FileSource
from longhand.data.source import HeldOut, HeldOutSplit, Source
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary

TABLE_LIMIT = 8_000_000  # problems up to which the training part of a domain is kept as a table


class TrainStream:
    """Training batches as a pure function of the configuration, the seed and the step.

    There is no state to save: to resume is to ask for the next step, and the processes of a parallel run take
    their slices of the same global batch. Raises `UserError` for data that cannot be read, split or spelled.
    """

    def __init__(
        self,
        config: DataConfig,
        format: Format,
        vocabulary: Vocabulary,
        *,
        batch_size: int,
        seed: int = 0,
    ) -> None:
        if batch_size < 1:
            raise UserError(f"batch_size {batch_size} is too small; give at least 1")
        self.config, self.format, self.vocabulary = config, format, vocabulary
        self.batch_size, self.seed = batch_size, seed
        self.source = open_source(config, format, vocabulary)

    def batch(self, step: int, rank: int = 0, world: int = 1) -> Batch:
        """Return the rows of process `rank` of `world` in the global batch of a step.

        All slices of a step have the same width and `n_keep`, and together they are the batch of one process.
        Raises `UserError` if the batch cannot be shared evenly.
        """
        if self.batch_size % world:
            raise UserError(f"batch_size {self.batch_size} cannot be shared evenly by {world}; use a multiple")
        batch = make_batch(self.source.rows(step, self.batch_size, self.seed), self.config.loss, self.config.padding)
        if world == 1:
            return batch
        share = self.batch_size // world
        return batch.rows(rank * share, (rank + 1) * share)

    def validation(self, n: int | None = None) -> HeldOut:
        """Return `n` validation rows (all of them for None), the same for every seed of training.

        Raises `UserError` if no problem is held out for validation.
        """
        return self.held_out("val", n)

    def held_out(self, split: HeldOutSplit, n: int | None = None) -> HeldOut:
        """Return `n` rows of the validation or the test split; raises `UserError` if the split is empty."""
        rows = self.source.held_out(split, n)
        if not len(rows):
            remedy = "raise data.val_fraction" if split == "val" else "lower data.train_fraction"
            raise UserError(f"no problem is held out as {split}; {remedy}")
        return rows

    @property
    def domain(self) -> Domain | None:
        """The set of problems the data is about, or None for files of which nothing is known."""
        return _domain(self.config)

    @property
    def longest(self) -> int:
        """Tokens of the longest row that can occur, end mark included."""
        return self.source.longest

    def check_context(self, max_seq_len: int) -> None:
        """Raise `UserError` if a row does not fit a model that reads `max_seq_len` tokens.

        The end mark is only written, never read, so a row may be one token longer than the context.
        """
        if self.longest - 1 > max_seq_len:
            raise UserError(
                f"the longest row has {self.longest} tokens and needs model.max_seq_len {self.longest - 1}, "
                f"which is {max_seq_len}; raise it or shorten the format"
            )

    def describe(self) -> dict[str, Any]:
        """What the model is trained on, as JSON data for its checkpoint."""
        return {
            **self.source.describe(),
            "loss": self.config.loss,
            "padding": self.config.padding,
            "format": self.format.to_dict(),
            "vocabulary": self.vocabulary.name,
            "longest_row": self.longest,
            "batch_size": self.batch_size,
            "seed": self.seed,
        }


def open_source(config: DataConfig, format: Format, vocabulary: Vocabulary) -> Source:
    """Open what a configuration names: a table or a sampler of its domain, or its files."""
    if config.source == "files":
        return FileSource(config, format, vocabulary)
    domain = _domain(config)
    assert domain is not None
    if domain.semantics != format.semantics or domain.division != format.division:
        raise UserError(
            f"data.domain is evaluated {domain.semantics}, {domain.division} and format {format.semantics}, "
            f"{format.division}; set semantics and division alike in both"
        )
    train, val = config.split_fractions(DEFAULT_DOMAIN_SHARE)
    split = SplitConfig(train, val, config.split_seed, config.inverse, config.train_basic_facts)
    small = domain_can_be_enumerated(domain) and count_problems(domain) <= TABLE_LIMIT
    source = TableSource if small else SampledSource
    return source(domain, split, config, format, vocabulary)


def _domain(config: DataConfig) -> Domain | None:
    if config.domain is None and config.source == "files":
        return None
    return (config.domain or DomainConfig()).to_domain()
