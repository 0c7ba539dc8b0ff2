"""What is compared with what: the groups of each kind of benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from longhand.bench.contenders.registry import PEAK, Contender, choose, known
from longhand.bench.data_work import PROBLEMS, SIZES, WORK
from longhand.bench.flops import decoding_flops, training_flops
from longhand.bench.machine import one_core
from longhand.bench.measure import Entry, Say, Settings, measure
from longhand.bench.process import WorkerProcess
from longhand.bench.result import Cell, Clock
from longhand.bench.spec import DataSpec, DecodeSpec, PeakSpec, Precision, SweepSpec, TrainSpec

WIDTHS, BATCHES = (64, 128, 256, 512), (64, 512, 4096)
DECODE_BATCHES = (1, 32, 256, 4096)

LARGEST_STEP = 1.5e11
"""Operations of a training step up to which its shape is measured unasked: one or two seconds of an fp32 core."""

SWEEP_BUDGET = 120.0
"""Seconds after which sweeps are not repeated further."""


@dataclass(frozen=True)
class Plan:
    """What the user asked for; None for `against`, `widths` or `batches` means the usual ones."""

    settings: Settings = field(default_factory=Settings)
    clock: Clock = "wall"
    against: tuple[str, ...] | None = None
    widths: tuple[int, ...] | None = None
    batches: tuple[int, ...] | None = None
    layers: int = 4
    problems: int = 1_000_000
    quick: bool = False
    command: str = "longhand bench"
    say: Say = field(default=lambda text: None)


@dataclass
class Outcome:
    """The cells of all groups, the versions the contenders found, and shapes that were left out for their size."""

    cells: list[Cell] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def compare_training(plan: Plan) -> Outcome:
    """Examples per second of a training step, at every width and batch."""
    outcome = Outcome()
    with _workers(choose("train", plan.against), outcome) as processes, WorkerProcess(PEAK, one_core()) as peak:
        for spec in _train_shapes(plan, outcome):
            entries = [Entry(p, "train", spec, spec.batch, training_flops(spec)) for p in processes]
            group = f"width {spec.width}, batch {spec.batch}"
            outcome.cells += measure(group, entries + _peaks(peak, plan), plan.settings, say=plan.say)
    return outcome


def compare_decoding(plan: Plan) -> Outcome:
    """Answers per second with the same weights, and the latency of a single one."""
    outcome = Outcome()
    with _workers(choose("decode", plan.against), outcome) as processes, WorkerProcess(PEAK, one_core()) as peak:
        for name, spec in _decode_shapes(plan):
            entries = [Entry(p, "decode", spec, spec.batch, decoding_flops(spec)) for p in processes]
            outcome.cells += measure(
                name,
                entries + _peaks(peak, plan),
                plan.settings,
                say=plan.say,
                each=spec.batch == 1,
                compare_answers=True,
            )
    return outcome


def compare_sweeps(plan: Plan) -> Outcome:
    """Problems per second of an exhaustive sweep, start of its processes included."""
    outcome = Outcome()
    problems = min(plan.problems, 2**13) if plan.quick else plan.problems
    settings = replace(plan.settings, budget=SWEEP_BUDGET)
    with _workers([known("sweep")["longhand"]], outcome, pinned=False) as (process,):
        entries = [
            Entry(process, "sweep", SweepSpec(problems, n), problems, label=f"{n} process{'es' * (n != 1)}")
            for n in ((0, 1) if plan.quick else (1, 2))
        ]
        outcome.cells += measure(f"{problems:,} additions", entries, settings, say=plan.say)
    return outcome


def compare_data(plan: Plan) -> Outcome:
    """Problems per second from nothing to token ids, in one process."""
    outcome = Outcome()
    with _workers([known("data")["longhand"]], outcome) as (process,):
        entries = []
        for work in WORK:
            problems = 2**10 if plan.quick else SIZES.get(work, PROBLEMS)
            entries.append(Entry(process, "data", DataSpec(work, problems), problems, label=work))
        outcome.cells += measure("problems to token ids", entries, plan.settings, say=plan.say)
    return outcome


def peak_specs(plan: Plan) -> list[PeakSpec]:
    """The matrix products that everything else is held against."""
    precisions: tuple[Precision, ...] = ("fp32", "bf16")
    return [PeakSpec(precision, (128,)) if plan.quick else PeakSpec(precision) for precision in precisions]


def _peaks(process: WorkerProcess, plan: Plan) -> list[Entry]:
    return [Entry(process, "peak", spec, 1, precision=spec.precision) for spec in peak_specs(plan)]


@contextmanager
def _workers(
    contenders: Sequence[Contender], outcome: Outcome, *, pinned: bool = True
) -> Iterator[list[WorkerProcess]]:
    """The processes of the contenders, all on the same core if `pinned`, ended on the way out."""
    core = one_core() if pinned else None
    with ExitStack() as stack:
        processes = [stack.enter_context(WorkerProcess(contender, core)) for contender in contenders]
        yield processes
        for process in processes:
            outcome.versions |= process.versions


def _train_shapes(plan: Plan, outcome: Outcome) -> list[TrainSpec]:
    """The shapes in the order of their cost; of the usual ones only those up to `LARGEST_STEP`.

    Memory that a worker has once used for a large shape is not all given back, so the small ones come first.
    """
    if plan.quick:
        return [TrainSpec(width, batch, layers=2) for width in plan.widths or (32,) for batch in plan.batches or (8,)]
    shapes = [
        TrainSpec(width, batch, layers=plan.layers)
        for width in plan.widths or WIDTHS
        for batch in plan.batches or BATCHES
    ]
    shapes.sort(key=training_flops)
    if plan.widths is not None and plan.batches is not None:
        return shapes
    outcome.left_out = [f"width {s.width}, batch {s.batch}" for s in shapes if training_flops(s) > LARGEST_STEP]
    return [spec for spec in shapes if training_flops(spec) <= LARGEST_STEP]


def _decode_shapes(plan: Plan) -> Iterator[tuple[str, DecodeSpec]]:
    answers, worked = plan.batches or DECODE_BATCHES, plan.batches or (1, 256)
    if plan.quick:
        answers, worked = plan.batches or (1, 8), (2,)
    for width in plan.widths or ((32,) if plan.quick else (128,)):
        for batch in answers:
            yield f"answer, width {width}, batch {batch}", DecodeSpec(width, batch, layers=plan.layers)
    for batch in worked:
        width = 32 if plan.quick else 256  # math-llm's own
        spec = DecodeSpec(width, batch, layers=plan.layers, task="worked", new_tokens=17)
        yield f"worked answer, width {width}, batch {batch}", spec
