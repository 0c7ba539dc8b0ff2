"""Contenders measured in turn: ours, peer, peer, ours, peer, peer, ...

The contenders of a group are opened, warmed up one after the other, and then asked in turn, round after round; only
one computes at a time. A sample is as many steps as took about the wanted time when warming up. Rates and ratios are
made from the samples of the same round: a machine that slows down for a while slows all of a round. By default time
is that of the wall, since waiting counts; on a machine that others use too, `--clock cpu` counts the processor time
of each contender's process instead, threads and children included. Both are kept with every sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, TypeVar

from longhand.bench.contenders.registry import Contender
from longhand.bench.process import ContenderError, WorkerProcess
from longhand.bench.result import Cell, Sample
from longhand.bench.spec import Spec

Taken = TypeVar("Taken")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How long and how often: `repeats` rounds, of samples that last about `seconds` each."""

    repeats: int = 5
    seconds: float = 0.6
    budget: float | None = None
    """Seconds for all rounds of a group, after which it ends early, but not before its second round."""


@dataclass(frozen=True)
class Entry:
    """A contender that takes part in a group: its process, and what it is to do there."""

    process: WorkerProcess
    kind: str
    spec: Spec
    items: float
    flops: float | None = None
    precision: str | None = None  # None: the contender's own
    label: str | None = None  # what its row is called; None: the contender's name

    @property
    def contender(self) -> Contender:
        """Who takes part."""
        return self.process.contender


def alternate(turns: Sequence[Callable[[], Taken | None]], rounds: int) -> Iterator[tuple[int, int, Taken]]:
    """Let each take its turn, round after round; yields round, place and what was taken.

    One that takes None is out of the game.
    """
    going = dict(enumerate(turns))
    for number in range(rounds):
        for place, turn in list(going.items()):
            taken = turn()
            if taken is None:
                del going[place]
            else:
                yield number, place, taken


def measure(
    group: str,
    entries: Sequence[Entry],
    settings: Settings,
    *,
    say: Say,
    each: bool = False,
    compare_answers: bool = False,
) -> list[Cell]:
    """Measure the entries against each other; returns a cell for each, in order, also for those that failed.

    `each` keeps the time of every single step; `compare_answers` compares what entries write with the first one's.
    """
    say(group)
    places = [_Place(group, number, entry) for number, entry in enumerate(entries)]
    for place in places:
        place.begin_to_open()
    for place in places:
        place.finish_opening()
    for place in places:
        place.warm_up(settings.seconds)
    if compare_answers:
        _compare_answers(places)
    began = perf_counter()
    turns = [lambda place=place: place.sample(each) for place in places]
    samples: list[list[Sample]] = [[] for _ in places]
    for number, index, sample in alternate(turns, settings.repeats):
        samples[index].append(replace(sample, round=number))
        if settings.budget is not None and number >= 1 and index == len(places) - 1:
            spent = perf_counter() - began
            if spent + spent / (number + 1) > settings.budget:
                break
    return [place.cell(taken) for place, taken in zip(places, samples, strict=True)]


class _Place:
    """An entry under way; the first thing that goes wrong is its status, and nothing more is asked of it."""

    def __init__(self, group: str, number: int, entry: Entry) -> None:
        self.group, self.entry, self.process = group, entry, entry.process
        self.job = f"{group} {number}"
        self.status = entry.process.failure
        self.steps = 1
        self.flops = entry.flops
        self.agreement: float | None = None
        self.answers: list[list[int]] | None = None
        self.singles: list[float] = []

    def begin_to_open(self) -> None:
        def send() -> dict[str, Any]:
            self.process.send(do="open", job=self.job, kind=self.entry.kind, spec=self.entry.spec.to_dict())
            return {}

        self._try(send)

    def finish_opening(self) -> None:
        reply = self._try(self.process.receive)
        self.once = bool(reply and reply.get("once"))

    def warm_up(self, seconds: float) -> None:
        if self.once:
            return
        if self.entry.kind == "peak":  # steady work, of which less says as much
            seconds /= 3
        reply = self._try(lambda: self.process.ask(do="warm", job=self.job, seconds=seconds))
        if reply is not None:
            self.steps = max(1, round(seconds * reply["steps"] / reply["seconds"]))
            if self.flops is None and reply["result"] is not None:
                self.flops = reply["result"]

    def ask_answers(self) -> list[list[int]] | None:
        reply = self._try(lambda: self.process.ask(do="answers", job=self.job))
        return None if reply is None else reply["answers"]

    def sample(self, each: bool) -> Sample | None:
        is_peak = self.entry.kind == "peak"
        reply = self._try(lambda: self.process.ask(do="run", job=self.job, steps=self.steps, each=each and not is_peak))
        if reply is None:
            return None
        self.singles += reply["each"]
        return Sample(0, reply["steps"], reply["wall"], reply["cpu"])

    def cell(self, samples: Sequence[Sample]) -> Cell:
        entry = self.entry
        closed = self._try(lambda: self.process.ask(do="close", job=self.job))
        return Cell(
            group=self.group,
            contender=entry.label or entry.contender.name,
            precision=entry.precision or entry.contender.precision,
            kind=entry.kind,
            spec=entry.spec.to_dict(),
            items=entry.items,
            flops=self.flops,
            status=self.status or "measured",
            samples=tuple(samples) if self.status is None else (),
            peak_memory=None if closed is None else closed["peak_memory"],
            agreement=self.agreement,
            each=tuple(self.singles),
        )

    def _try(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        if self.status is not None:
            return None
        try:
            return ask()
        except ContenderError as failure:
            self.status = str(failure)
            return None


def _compare_answers(places: Sequence[_Place]) -> None:
    wanted: list[list[int]] | None = None
    for place in places:
        answers = place.ask_answers() if place.entry.kind == "decode" else None
        if answers is None:
            continue
        wanted = answers if wanted is None else wanted
        same = sum(row == want for row, want in zip(answers, wanted, strict=True))
        place.agreement = same / len(wanted)
