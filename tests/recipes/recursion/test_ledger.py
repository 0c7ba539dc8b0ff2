"""What the ledger charges is what torch itself counts, and what an arm says it does is what it does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from longhand.models.trm import RecursiveHead
from longhand.models.trm_backbone import DecoderBackbone
from longhand.olympiad.training.updates import Updates
from longhand.recipes.recursion.arms import Whole
from longhand.recipes.recursion.heads import OnBackbone, TwoStates
from longhand.recipes.recursion.plan import SMOKE, Plan, TaskName, load_plan
from longhand.recipes.recursion.registry import ARMS, build_arm

PLAN = load_plan(SMOKE)
ROWS = 3
BUILT = [name for name in ARMS if name != "a10"]


def _arm(name: str, task: TaskName) -> tuple[Any, Any]:
    problems = PLAN.task(task)
    backbone = DecoderBackbone(Whole(PLAN.sizes, problems.vocab_size).model)
    arm = build_arm(PLAN, task, name, backbone, 0)
    if name == "a9":
        arm.loop.n_loops = 3
    return arm, problems.stream(ROWS, problems.trained[-1], torch.Generator())


@pytest.mark.parametrize("task", ["C", "A", "M"])
@pytest.mark.parametrize("name", BUILT)
def test_answers_and_visits_cost_what_torch_counts(name: str, task: TaskName) -> None:
    if name == "a11" and task == "C":
        return
    arm, rows = _arm(name, task)
    cost = arm.cost(rows.tokens.size(1), rows.n_asked)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        arm(rows.tokens, rows.n_asked)
    assert counter.get_total_flops() == cost.answer * ROWS
    updates = Updates(arm.train(), PLAN.training)
    with FlopCounterMode(display=False) as counter:
        arm.visit(rows, updates, 1e-3)
    assert counter.get_total_flops() == cost.visit * ROWS


@pytest.mark.parametrize("name", BUILT)
def test_what_an_arm_trains_moves_and_the_backbone_does_not(name: str) -> None:
    arm, rows = _arm(name, "A")
    frozen = arm._frozen[0].fingerprint() if isinstance(arm, OnBackbone) else None
    before = {key: weight.clone() for key, weight in arm.named_parameters()}
    updates = Updates(arm.train(), PLAN.training)
    arm.visit(rows, updates, 1e-2)
    unmoved = [key for key, weight in arm.named_parameters() if torch.equal(weight, before[key])]
    assert not unmoved
    n_updates = PLAN.sizes.n_supervision if name in ("a6", "a8r", "a11") else 1
    assert updates.optimizer.steps == n_updates
    if frozen is not None:
        assert arm._frozen[0].fingerprint() == frozen


def test_the_looped_arm_has_the_weights_of_the_small_model_and_a_norm() -> None:
    count = {name: sum(p.numel() for p in _arm(name, "C")[0].parameters()) for name in ("a8", "a9", "a1", "a3", "a6")}
    assert count["a9"] == count["a8"] + PLAN.sizes.d_model
    assert count["a1"] == count["a3"] == count["a6"]


@pytest.mark.parametrize("name", ["a3", "a4", "a5", "a6", "a9", "a11"])
def test_answers_at_several_depths_are_those_at_each_alone(name: str) -> None:
    arm, rows = _arm(name, "A")
    with torch.no_grad():
        together = list(arm.after(rows.tokens, rows.n_asked, [1, 2, 5]))
        alone = [next(iter(arm.after(rows.tokens, rows.n_asked, [depth]))) for depth in (1, 2, 5)]
        own = next(iter(arm.after(rows.tokens, rows.n_asked, [arm.own_depth])))
        assert torch.equal(own, arm(rows.tokens, rows.n_asked))
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other)
    assert not torch.allclose(together[0], together[2])


def test_two_states_with_gradients_through_all_rounds_are_those_without_but_for_the_gradients() -> None:
    problems = PLAN.task("A")
    backbone = DecoderBackbone(Whole(PLAN.sizes, problems.vocab_size).model)
    graded, ungraded = (build_arm(PLAN, "A", name, backbone, 0) for name in ("a4", "a5"))
    assert isinstance(graded, TwoStates)
    rows = problems.stream(ROWS, 3, torch.Generator())
    torch.testing.assert_close(graded(rows.tokens, 3), ungraded(rows.tokens, 3))  # the same seed, the same weights
    gradients = []
    for arm in (graded, ungraded):
        arm.losses(arm(rows.tokens, 3), rows).backward()
        gradients.append(next(arm.layers.parameters()).grad)
    assert not torch.allclose(*gradients)


def test_a6_is_the_recursive_head_of_the_package_and_learns_as_that_does() -> None:
    problems = PLAN.task("A")
    backbone = DecoderBackbone(Whole(PLAN.sizes, problems.vocab_size).model)
    arm = build_arm(PLAN, "A", "a6", backbone, 0)
    assert isinstance(arm, TwoStates)
    head = RecursiveHead(PLAN.sizes.net(freeze_lm_head=False), backbone)
    head.recursion.load_state_dict(arm.layers.state_dict())
    rows = problems.stream(ROWS, 3, torch.Generator())
    x = head.prepare(backbone.hidden(rows.tokens))
    torch.testing.assert_close(arm(rows.tokens, 3), head.logits(head.refine(x, None))[:, -3:])

    updates, of_head = Updates(arm, PLAN.training), Updates(head, PLAN.training)
    arm.visit(rows, updates, 1e-2)
    tokens = torch.cat((rows.tokens, rows.targets[:, -1:]), 1)  # the head is given labels in the places of the tokens
    labels = tokens.clone()
    labels[:, : -rows.n_asked] = -100
    x = head.prepare(backbone.hidden(tokens))
    y, z = head.start(x)
    for _ in range(PLAN.sizes.n_supervision):
        of_head.forget_gradients()
        step = head.step(x, y, z, labels)
        step.loss_sum.backward()
        of_head.step(1e-2, step.n_tokens)
        y, z = step.y, step.z
    for ours, theirs in zip(arm.layers.parameters(), head.recursion.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


def test_the_number_of_passes_is_drawn_from_the_range_of_the_level() -> None:
    plan: Plan = PLAN
    arm, _ = _arm("a9", "C")
    generator = torch.Generator()
    drawn = set()
    for _ in range(40):
        arm.draw(plan.tasks["C"].passes(4), generator)
        drawn.add(arm.loop.n_loops)
    assert drawn == {5, 6}
    assert arm.own_depth == 6
