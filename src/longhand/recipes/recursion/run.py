"""All runs of the experiment, in several processes; what is finished is not done again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from longhand.atomic import replacing_file
from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.trm_backbone import DecoderBackbone
from longhand.recipes.recursion.arms import Arm
from longhand.recipes.recursion.learn import Mark, Spent, examine, examine_majority, learn, make_backbone
from longhand.recipes.recursion.plan import Plan, TaskName
from longhand.recipes.recursion.record import RUNS, Run, append, fingerprint, key_of, pack, read_runs
from longhand.recipes.recursion.registry import ARMS, build_arm
from longhand.recipes.recursion.tasks import Graded, Task
from longhand.runtime import worker_context

Progress = Callable[[int, int], None]
"""Is told how many runs are finished, of how many."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run to do; `arm` None makes the backbone of the seed."""

    plan: Plan
    out: Path
    task: TaskName
    arm: str | None
    seed: int


def run_experiment(
    plan: Plan,
    out: Path,
    *,
    tasks: Sequence[TaskName] | None = None,
    arms: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> list[Run]:
    """Do the runs of a plan that `out` does not have yet, or some of them, and return all it has.

    Each run is a line of `runs.jsonl` in `out`, written when it ends; an interrupted experiment goes on with the runs
    that are missing. Every process computes in one thread. Raises `UserError` for runs of another plan in `out`.
    """
    chosen = [name for name in plan.tasks if tasks is None or name in tasks]
    done = {key_of(run) for run in read_runs(out / RUNS, plan)}
    jobs = [
        Job(plan, out, task, arm, seed)
        for task in chosen
        for seed in plan.seeds
        if seeds is None or seed in seeds
        for arm in plan.tasks[task].arms
        if arm != "a10" and (arms is None or arm in arms) and (task, arm, seed) not in done
    ]
    backbones = list({(job.task, job.seed): Job(plan, out, job.task, None, job.seed) for job in jobs}.values())
    for stage in (backbones, jobs):
        for finished, _ in enumerate(_each(stage, processes), 1):
            if progress is not None and stage is jobs:
                progress(finished, len(jobs))
    return read_runs(out / RUNS, plan)


def _each(jobs: Sequence[Job], processes: int) -> Iterator[None]:
    if processes == 1 or len(jobs) < 2:
        yield from map(do, jobs)
        return
    with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=worker_context()) as pool:
        try:
            for future in as_completed([pool.submit(do, job) for job in jobs]):
                yield future.result()
        except BrokenProcessPool as error:
            raise UserError("a process was killed (out of memory?); try fewer processes") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def do(job: Job) -> None:
    """Do one run and write its line."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        backbone = _backbone(job)
        if job.arm is not None:
            append(job.out, list(_learn_and_examine(job, backbone)))
    finally:
        torch.set_num_threads(threads)


def _backbone(job: Job) -> DecoderBackbone:
    """The backbone of a seed: from its file, or trained now and written."""
    path = job.out / "backbones" / f"{fingerprint(job.plan)}-{job.task}-{job.seed}.safetensors"
    if path.exists():
        model = build_model(job.plan.sizes.backbone(), job.plan.task(job.task).vocab_size)
        model.load_state_dict(load_file(path))
        return DecoderBackbone(model)
    backbone, _ = make_backbone(job.plan, job.task, job.seed)
    with replacing_file(path) as temporary:
        save_file(dict(backbone.model.state_dict()), temporary)
    return backbone


def _learn_and_examine(job: Job, backbone: DecoderBackbone) -> Iterable[Run]:
    plan, name = job.plan, job.arm
    assert name is not None
    task, spec = plan.task(job.task), plan.tasks[job.task]
    started = process_time()
    arm = build_arm(plan, job.task, name, backbone, job.seed)
    run: Run = {"task": job.task, "arm": name, "seed": job.seed, "plan": fingerprint(plan)}
    run |= {"parameters": sum(weight.numel() for weight in arm.parameters()), "own_depth": arm.own_depth}
    voted: Run = {**run, "arm": "a10"}
    last = Mark("flops", spec.flops)

    def look(mark: Mark, evaluated: Arm, spent: Spent) -> None:
        depths = [arm.own_depth]
        if mark == last and ARMS[name].depth is not None:
            depths.append(2 * arm.own_depth)
        graded = examine(evaluated, task, plan.asked, depths)
        run[mark.ledger] = {"spent": spent._asdict(), "answer_flops": _answer_flops(arm, task)}
        run[mark.ledger] |= _summary(graded, arm.own_depth)
        if len(depths) > 1:
            run["twice"] = _accuracies(graded[depths[1]])
        if name == "a8" and "a10" in spec.arms:
            samples = _samples(plan, job, backbone, arm, task)
            majority = examine_majority(evaluated, task, plan.asked, samples, job.seed)
            voted[mark.ledger] = {"spent": spent._asdict(), "samples": samples, **_summary(majority, 1)}
        if mark == last and ARMS[name].depth is not None and job.seed in plan.seeds[: plan.curve_seeds]:
            curve = examine(evaluated, task, plan.asked_of_curves, plan.depths)
            run["curve"] = {str(depth): _accuracies(graded) for depth, graded in curve.items()}

    learn(arm, plan, job.task, name, job.seed, [last, Mark("examples", spec.examples)], look)
    run["cpu_seconds"] = round(process_time() - started, 1)
    return [run, voted] if "flops" in voted else [run]


def _samples(plan: Plan, job: Job, backbone: DecoderBackbone, arm: Arm, task: Task) -> int:
    """How many answers of a8 cost what one of a6 costs."""
    dear = build_arm(plan, job.task, "a6", backbone, job.seed)
    return max(1, round(_answer_flops(dear, task) / _answer_flops(arm, task)))


def _answer_flops(arm: Arm, task: Task) -> int:
    """Operations of an answer at the arm's own depth, for a problem of the hardest measured level."""
    return arm.answer_cost(*task.shape(task.measured[-1]))


def _summary(graded: Graded, depth: int) -> dict[str, Any]:
    return {
        "accuracy": _accuracies(graded[depth]),
        "right": {str(level): pack(right) for level, right in graded[depth].items()},
    }


def _accuracies(graded: dict[int, torch.Tensor]) -> dict[str, float]:
    return {str(level): round(float(right.float().mean()), 6) for level, right in graded.items()}
