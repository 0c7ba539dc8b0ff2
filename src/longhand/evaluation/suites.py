"""What a solver is asked: every problem of a domain, those held out from training, hard ones, or a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.splits import SplitConfig
from longhand.data.arrays import count_problems, domain_arrays, domain_can_be_enumerated, problems_at, sample_arrays
from longhand.data.folders import open_folder
from longhand.data.keys import below, split_hashes
from longhand.data.problems import ProblemArrays
from longhand.data.readers import iter_records
from longhand.data.record import Record
from longhand.data.stream import TABLE_LIMIT
from longhand.errors import UserError
from longhand.text.formats import Format

NAMES = ("exhaustive", "test", "carries")

EXHAUSTIVE_UP_TO = 10**9
"""Problems that can be asked one by one in hours."""

DRAWN = 20_000
"""Held-out problems drawn from a domain that is too large to list them all."""

_CHUNK = 2**18
_LEADS = 99  # numbers in front of the nines and noughts of a cascade


class Suite(Protocol):
    """Problems in a fixed order, asked for a slice at a time."""

    @property
    def name(self) -> str:
        """What to call it in a report."""
        ...

    @property
    def exhaustive(self) -> bool:
        """Whether it holds every problem there is to ask, so that a share is no estimate."""
        ...

    def __len__(self) -> int: ...

    def rows(self, start: int, stop: int) -> ProblemArrays | Sequence[Problem]:
        """The problems from `start` to before `stop`, as arrays where they fit arrays."""
        ...


@dataclass(frozen=True)
class DomainSuite:
    """Every problem of a domain, in its order; raises `UserError` if it cannot be enumerated."""

    domain: Domain
    name: str = "exhaustive"
    exhaustive: bool = True

    def __len__(self) -> int:
        return count_problems(self.domain)

    def rows(self, start: int, stop: int) -> ProblemArrays:
        """The problems from `start` to before `stop`."""
        return domain_arrays(self.domain, start, stop)


@dataclass(frozen=True)
class PlacesSuite:
    """Some problems of a domain, given by their places in its order."""

    name: str
    domain: Domain
    places: NDArray[np.int64] = field(repr=False)
    exhaustive: bool = False

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, start: int, stop: int) -> ProblemArrays:
        """The problems from `start` to before `stop`."""
        return problems_at(self.domain, self.places[start:stop])


@dataclass(frozen=True)
class ListSuite:
    """Problems given one by one."""

    name: str
    problems: tuple[Problem, ...] = field(repr=False)
    exhaustive: bool = False

    def __len__(self) -> int:
        return len(self.problems)

    def rows(self, start: int, stop: int) -> Sequence[Problem]:
        """The problems from `start` to before `stop`."""
        return self.problems[start:stop]


def open_suite(
    name: str,
    *,
    domain: Domain | None,
    format: Format | None = None,
    training: Mapping[str, Any] | None = None,
) -> Suite:
    """Find a suite by name (`exhaustive`, `test`, `carries`), or read it from a data file or folder.

    `domain` and `format` are those of the solver, `training` the `training.json` of its checkpoint, which says what
    was held out. Raises `UserError` for an unknown name, a file that cannot be read, and a suite that the solver
    does not have or that holds no problems.
    """
    suite: Suite
    if name in NAMES and not Path(name).exists():
        if name == "test":
            suite = held_out(domain, format, training or {})
        elif domain is None:
            raise UserError(f"the model names no domain, so it has no suite {name!r}; give a file to ask it")
        else:
            suite = _exhaustive(domain) if name == "exhaustive" else ListSuite(name, cascades(domain))
    elif Path(name).exists():
        suite = read_suite(Path(name), format)
    else:
        raise UserError(f"no suite or file {name!r}; suites are {', '.join(NAMES)}, anything else is a data file")
    if len(suite) == 0:
        raise UserError(f"the suite {name!r} holds no problems for this model")
    return suite


def some_of(suite: Suite, n: int, seed: int = 0) -> Suite:
    """`n` problems of a suite, drawn by `seed` without replacement and asked in its order; itself if it has no more.

    Raises `UserError` unless `n` is positive.
    """
    if n < 1:
        raise UserError(f"{n} problems cannot be drawn; give at least 1")
    if n >= len(suite):
        return suite
    places = np.sort(np.random.default_rng(seed).choice(len(suite), n, replace=False))
    name = f"{n:,} of {suite.name}"
    if isinstance(suite, DomainSuite):
        return PlacesSuite(name, suite.domain, places)
    if isinstance(suite, PlacesSuite):
        return PlacesSuite(name, suite.domain, suite.places[places])
    rows = suite.rows(0, len(suite))
    problems = rows.problems() if isinstance(rows, ProblemArrays) else rows
    return ListSuite(name, tuple(problems[place] for place in places.tolist()))


def held_out(domain: Domain | None, format: Format | None, training: Mapping[str, Any]) -> Suite:
    """The problems a model was neither trained nor validated on, as its `training.json` tells.

    All of them in a domain of up to a few million problems, else a fixed draw. Raises `UserError` where it does not
    tell.
    """
    data = training.get("data", {})
    chosen = data.get("chosen_by", {})
    if data.get("source") == "files":
        return _held_out_file(Path(data["path"]), format, chosen)
    if domain is None or "split_seed" not in chosen:
        raise UserError("the model does not say what was held out from its training; give a file to ask it")
    split = _split_of(chosen)
    if domain_can_be_enumerated(domain) and count_problems(domain) <= TABLE_LIMIT:
        chunks = range(0, count_problems(domain), _CHUNK)
        found = [start + _in_test(domain_arrays(domain, start, start + _CHUNK), split) for start in chunks]
        return PlacesSuite("test", domain, np.concatenate([np.empty(0, dtype=np.int64), *found]))
    if not split.test:
        return ListSuite("test", ())
    rng = np.random.default_rng(split.seed)
    drawn = sample_arrays(domain, rng, int(2 * DRAWN / split.test))
    return ListSuite("test", tuple(drawn.take(_in_test(drawn, split)[:DRAWN]).problems()))


def read_suite(path: Path, format: Format | None = None) -> ListSuite:
    """The problems of a data file, or of the test file of a folder; their answers are worked out anew.

    Rows are read as the manifest beside them says, else as people write, else in the `format` of the model.
    Problems are evaluated as the model was taught (`format.semantics`). Raises `UserError` with file and line for
    a row that cannot be read, is no arithmetic, or has a wrong answer.
    """
    folder = open_folder(path)
    split = "test" if "test" in folder.files else "all"
    if split not in folder.files:
        raise UserError(
            f"{path} has no test file; name the file to ask: {path / next(iter(folder.files.values())).name}"
        )
    file, faults = folder.files[split], []
    for written in [folder.format] if folder.format is not None else [None, format]:
        try:
            return ListSuite(str(file), tuple(_problems(file, iter_records(file, written), format)))
        except UserError as fault:
            faults.append(fault)
    raise faults[0]


def cascades(domain: Domain) -> tuple[Problem, ...]:
    """Sums and differences of a domain in which a carry or a borrow runs far: x99+1, 1+x99, x00-1, x00-99, x00-y99.

    With any number of nines and noughts, for domains of two operands.
    """
    found: dict[tuple[int, str, int], None] = {}
    for n in range(1, len(str(domain.max_operand)) + 1):
        power = 10**n
        for lead in range(min(domain.max_operand // power, _LEADS) + 1):
            nines, noughts = lead * power + power - 1, lead * power
            borrows = {1, power - 1, noughts - 1} | {y * power + power - 1 for y in range(lead if n > 1 else 0)}
            found |= dict.fromkeys([(nines, "+", 1), (1, "+", nines)])
            found |= dict.fromkeys((noughts, "-", taken) for taken in sorted(borrows) if 0 < taken < noughts)
    problems = (domain.problem((a, b), (operator,)) for a, operator, b in found)
    return tuple(problem for problem in problems if domain.contains(problem))


def _exhaustive(domain: Domain) -> DomainSuite:
    size = count_problems(domain)
    if size > EXHAUSTIVE_UP_TO:
        raise UserError(f"the domain has {size:,} problems, too many to ask one by one; ask the suite test or carries")
    return DomainSuite(domain)


def _held_out_file(path: Path, format: Format | None, chosen: Mapping[str, Any]) -> ListSuite:
    if not path.exists():
        raise UserError(f"the model was trained on files that are not at {path}; give the test file itself")
    suite = read_suite(path, format)
    if "split_seed" not in chosen:  # the files of the folder are the splits
        return replace(suite, name="test")
    split = _split_of(chosen)
    return ListSuite("test", tuple(problem for problem in suite.problems if split.split_of(problem) == "test"))


def _split_of(chosen: Mapping[str, Any]) -> SplitConfig:
    """The split that a checkpoint says it was trained with."""
    return SplitConfig(
        chosen["train_fraction"],
        chosen["val_fraction"],
        chosen["split_seed"],
        chosen["inverse"],
        chosen.get("train_basic_facts", False),  # not known to older checkpoints
    )


def _in_test(arrays: ProblemArrays, split: SplitConfig) -> NDArray[np.int64]:
    hashes = split_hashes(arrays, split)
    return np.flatnonzero(~below(hashes, split.thresholds[1]))


def _problems(path: Path, records: Iterable[Record], format: Format | None) -> Iterable[Problem]:
    for record in records:
        if record.problem is None:
            raise UserError(f"{path}, line {record.line}: {record.prompt.strip()!r} is no arithmetic")
        problem = record.problem if format is None else replace(record.problem, semantics=format.semantics)
        if problem.answer != record.answer:
            raise UserError(f"{path}, line {record.line}: {problem} is {problem.answer}, not {record.answer}")
        yield problem
