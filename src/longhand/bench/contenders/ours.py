"""Ours: this package, by the code its own commands run.

Training turns the loop's crank: batches from the stream, made while it trains as they are in use, and `take_step`.
The peers' batches are made beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from longhand.bench.spec import SUMS, DataSpec, DecodeSpec, Precision, SweepSpec, TrainSpec


def train_contender(spec: TrainSpec, precision: Precision = "fp32") -> Callable[[int], None]:
    """Open a run; the function that comes back goes on with it for so many steps."""
    import torch

    from longhand.training.distributed import Group
    from longhand.training.setup import set_up

    group = Group(rank=0, world=1, device=torch.device("cpu"))
    setup = set_up(spec.run_config(precision), group)
    state = setup.fresh_state()
    batches = setup.batches(0, setup.plan.total_steps)

    def run(steps: int) -> None:
        for micro_batches in islice(batches, steps):
            state.take_step(micro_batches, setup.plan.schedule(state.step))

    return run


def decode_contender(
    spec: DecodeSpec, precision: Precision = "fp32"
) -> Callable[[Sequence[str]], list[tuple[int, ...]]]:
    """Open a solver; the function that comes back answers prompts with the ids of what it writes."""
    import torch

    from longhand.solvers.autoregressive import AutoregressiveSolver

    model = spec.model().to(torch.bfloat16 if precision == "bf16" else torch.float32)
    solver = AutoregressiveSolver(model, spec.vocabulary, spec.format, max_new_tokens=spec.new_tokens)

    def answer(prompts: Sequence[str]) -> list[tuple[int, ...]]:
        return [completion.token_ids for completion in solver.solve(prompts)]

    return answer


def sweep_contender(spec: SweepSpec, precision: Precision = "fp32") -> Callable[[int], None]:
    """Sweep so many times, each time with fresh processes, as `longhand evaluate` does."""
    import numpy as np

    from longhand.evaluation.evaluate import evaluate
    from longhand.evaluation.suites import PlacesSuite
    from longhand.evaluation.sweep import sweep
    from longhand.shipped import model_path
    from longhand.solvers.load import load

    suite = PlacesSuite("sums", SUMS, np.arange(spec.problems))
    opened = partial(load, model_path(spec.model), threads=1)
    solver = opened() if spec.processes == 0 else None

    def run(steps: int) -> None:
        for _ in range(steps):
            if solver is None:
                sweep(opened, suite, processes=spec.processes)
            else:
                evaluate(solver, suite)

    return run


def data_contender(spec: DataSpec, precision: Precision = "fp32") -> Callable[[int], None]:
    """Make problems and write them as ids, so many times."""
    from longhand.bench.data_work import WORK

    work = WORK[spec.work](spec.problems)

    def run(steps: int) -> None:
        for step in range(steps):
            work(step)

    return run
