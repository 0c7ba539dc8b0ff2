"""The names of the arms, what each is, and how it is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch

from longhand.models.trm_backbone import DecoderBackbone
from longhand.recipes.recursion.arms import Arm, Looped, Whole
from longhand.recipes.recursion.heads import OnBackbone, SingleState, Stacked, TwoStates, WholeAnswer
from longhand.recipes.recursion.plan import Plan, TaskName


class Words(NamedTuple):
    """What an arm is, in the words of the page; `depth` names what more of is tried when it answers, if anything."""

    title: str
    depth: str | None = None


ARMS: Mapping[str, Words] = {
    "a0": Words("frozen backbone; norm and head trained on"),
    "a1": Words("a0 + one layer (the parameters of a3 to a6)"),
    "a2": Words("a0 + as many layers as a3 has passes (the FLOPs of a3)"),
    "a3": Words("a0 + one layer in a loop, one state, gradients through all passes", "passes"),
    "a4": Words("a3 with two states, y and z", "rounds"),
    "a5": Words("a4, gradients through the last round alone", "steps"),
    "a6": Words("a5 + deep supervision: the recursive head of TRM", "steps"),
    "a8": Words("the whole small model, trained on"),
    "a8r": Words("a8, as many updates per batch as a6"),
    "a9": Words("a loop inside the model, random depth, from scratch", "loops"),
    "a10": Words("a8, majority of samples that cost what an answer of a6 costs"),
    "a11": Words("TRM as published: whole answers, both directions, from scratch", "steps"),
}


def build_arm(plan: Plan, task: TaskName, name: str, backbone: DecoderBackbone, seed: int) -> Arm:
    """A fresh arm whose weights depend on the seed, the task and the backbone; torch's random state is left as it was.

    a10 is no arm of its own: it is how a8 is asked.
    """
    sizes, vocab_size = plan.sizes, backbone.vocab_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        match name:
            case "a0":
                return OnBackbone(sizes, backbone)
            case "a1":
                return Stacked(sizes, backbone, 1)
            case "a2":
                return Stacked(sizes, backbone, sizes.passes)
            case "a3":
                return SingleState(sizes, backbone)
            case "a4" | "a5" | "a6":
                return TwoStates(sizes, backbone, through_all=name == "a4", supervised=name == "a6")
            case "a8" | "a8r":
                repeats = sizes.n_supervision if name == "a8r" else 1
                return Whole(sizes, vocab_size, start=backbone.model, repeats=repeats)
            case "a9":
                return Looped(sizes, vocab_size, plan.own_loops(task))
            case "a11":
                return WholeAnswer(sizes, vocab_size)
        raise KeyError(name)
