"""One run: an arm learns from its stream until its budget is spent, and is examined where a ledger says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from longhand.models.trm_backbone import DecoderBackbone
from longhand.olympiad.training.updates import Updates
from longhand.recipes.recursion.arms import Arm, Whole
from longhand.recipes.recursion.curriculum import Curriculum
from longhand.recipes.recursion.plan import Plan, TaskName
from longhand.recipes.recursion.tasks import Graded, Rows, Task, keyed_generator

AT_ONCE = 500
"""Rows that are answered at a time."""


class Spent(NamedTuple):
    """Where a run stands: operations, examples and updates so far, and the level its curriculum has reached."""

    flops: float = 0.0
    examples: int = 0
    updates: int = 0
    level: int = 0


class Mark(NamedTuple):
    """A place on a learning curve: so many operations or so many examples, whichever the `ledger` counts."""

    ledger: str
    amount: float

    def is_reached(self, spent: Spent) -> bool:
        """Whether a run has come to it."""
        return (spent.flops if self.ledger == "flops" else spent.examples) >= self.amount


def learn(
    arm: Arm,
    plan: Plan,
    task: TaskName,
    name: str,
    seed: int,
    marks: Sequence[Mark],
    reached: Callable[[Mark, Arm, Spent], None],
) -> None:
    """Learn until all `marks` are reached; `reached` is told of each, and given the arm of averaged weights.

    The learning rate rises to its height and stays there: each moment of a run is then as good as its end would have
    been with that budget.
    """
    problems, spec = plan.task(task), plan.tasks[task]
    updates = Updates(arm.train(), plan.training)
    curriculum = Curriculum(problems, seed)
    stream, draws = keyed_generator("problems", task, seed), keyed_generator("draws", task, seed, name)
    spent, open_marks = Spent(), list(marks)
    while open_marks:
        level = curriculum.draw()
        rows = problems.stream(spec.rows, level, stream)
        arm.draw(spec.passes(level), draws)
        share = arm.visit(rows, updates, plan.learning_rate(name, updates.optimizer.steps))
        curriculum.see(level, share)
        spent = Spent(
            flops=spent.flops + spec.rows * arm.cost(*problems.shape(level)).visit,
            examples=spent.examples + spec.rows,
            updates=updates.optimizer.steps,
            level=problems.trained[curriculum.reached],
        )
        evaluated = updates.evaluated
        assert isinstance(evaluated, Arm)
        for mark in [mark for mark in open_marks if mark.is_reached(spent)]:
            open_marks.remove(mark)
            reached(mark, evaluated, spent)


def make_backbone(plan: Plan, task: TaskName, seed: int) -> tuple[DecoderBackbone, Spent]:
    """The small model of a seed, trained on the stream with its own budget and frozen."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = Whole(plan.sizes, plan.task(task).vocab_size)
    made: list[tuple[DecoderBackbone, Spent]] = []

    def keep(mark: Mark, trained: Arm, spent: Spent) -> None:
        assert isinstance(trained, Whole)
        made.append((DecoderBackbone(trained.model), spent))

    learn(fresh, plan, task, "backbone", seed, [Mark("flops", plan.tasks[task].backbone_flops)], keep)
    return made[0]


@torch.no_grad()
def examine(arm: Arm, task: Task, n: int, depths: Sequence[int]) -> Graded:
    """Ask `n` problems of every level, answered at each of `depths`."""
    graded: Graded = {depth: {} for depth in depths}
    for levels, rows in task.exams(n):
        answers: dict[int, list[Tensor]] = {depth: [] for depth in depths}
        for part in torch.split(rows.tokens, AT_ONCE):
            for depth, logits in zip(depths, arm.after(part, rows.n_asked, depths), strict=True):
                answers[depth].append(logits.argmax(-1))
        for depth in depths:
            graded[depth] |= task.grade(rows, levels, torch.cat(answers[depth]))
    return graded


@torch.no_grad()
def examine_majority(arm: Arm, task: Task, n: int, samples: int, seed: int) -> Graded:
    """The same, of answers that most of `samples` give, drawn digit by digit at temperature 1; ties: any of them."""
    graded: Graded = {1: {}}
    generator = keyed_generator("samples", task.name, seed)
    for levels, rows in task.exams(n):
        draw = _sample_places if not task.whole_answers else _sample_answers
        voted = [draw(arm, part, samples, generator) for part in _parts(rows)]
        graded[1] |= task.grade(rows, levels, torch.cat(voted))
    return graded


def _parts(rows: Rows) -> Iterator[Rows]:
    yield from map(Rows, torch.split(rows.tokens, AT_ONCE), torch.split(rows.targets, AT_ONCE))


def _sample_places(arm: Arm, rows: Rows, samples: int, generator: torch.Generator) -> Tensor:
    """Majority at every place on its own [n, k], where each is an answer of its own."""
    chances = arm(rows.tokens, rows.n_asked).softmax(-1)
    counts = torch.zeros_like(chances)
    drawn = torch.multinomial(chances.flatten(0, 1), samples, replacement=True, generator=generator)
    counts.view(-1, chances.size(-1)).scatter_add_(1, drawn, torch.ones(drawn.shape))
    return counts.argmax(-1)


def _sample_answers(arm: Arm, rows: Rows, samples: int, generator: torch.Generator) -> Tensor:
    """Majority of whole answers [n, k]; prefixes that several samples share are read once."""
    k = rows.n_asked
    prompts = rows.tokens[:, : rows.tokens.size(1) - k + 1]
    owners = torch.arange(len(prompts)).repeat_interleave(samples)
    answers = torch.empty(len(owners), 0, dtype=torch.int64)
    for _ in range(k):
        distinct, which = torch.unique(torch.cat((owners[:, None], answers), 1), dim=0, return_inverse=True)
        tokens = torch.cat((prompts[distinct[:, 0]], distinct[:, 1:]), 1)
        chances = torch.cat([arm(part, 1)[:, 0].softmax(-1) for part in torch.split(tokens, 4 * AT_ONCE)])
        drawn = torch.multinomial(chances[which], 1, generator=generator)
        answers = torch.cat((answers, drawn), 1)
    found, counts = torch.unique(torch.cat((owners[:, None], answers), 1), dim=0, return_counts=True)
    order = torch.argsort(counts, stable=True)  # the last one written for a row is the one most frequent
    voted = torch.empty(len(prompts), k, dtype=torch.int64)
    for index in order.tolist():
        voted[found[index, 0]] = found[index, 1:]
    return voted
