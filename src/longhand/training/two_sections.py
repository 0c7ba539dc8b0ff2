"""Configurations of two sections, `model` and `training`, as MiniLanguageModels writes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

SECTIONS = {"model", "training"}

DECIDED_BY_THE_PROGRAM: Mapping[str, Any] = {
    "vocabulary": "mini18",
    "format": {"begin": True, "semantics": "left_to_right"},
    "data": {"source": "files", "loss": "answer"},
    "training": {
        "decay_vectors": True,
        "save_top_k": 2,
        "save_metric": "val_loss",
        "sample_prompts": ["12+7=", "99+1=", "500+500=", "123-45="],
    },
}
"""What that program does with every configuration, in our keys."""


def completed(values: Mapping[str, Any], given: Collection[str]) -> Mapping[str, Any]:
    """A configuration as that program understands it, if it is one of its own; any other is returned as it is.

    It is one if it has no other section than `model` and `training`, and the dotted keys `given` beside it name the
    files to train on (`data.path`): alone, two sections describe a run on our own stream of problems.
    """
    if "data.path" not in given or "data.source" in given or not SECTIONS.issuperset(values):
        return values
    return {
        key: {**decided, **values.get(key, {})} if isinstance(decided, Mapping) else decided
        for key, decided in {"model": {}, **DECIDED_BY_THE_PROGRAM}.items()
    }
