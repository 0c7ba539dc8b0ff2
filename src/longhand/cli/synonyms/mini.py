"""The flags of MiniLanguageModels, which trains three architectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from longhand.cli.synonyms.synonym import MODEL, Synonym, chooses, has_no_effect, names_under, sets, sets_keys

_PRECISIONS = {"32": "fp32", "16": "bf16", "bf16": "bf16"}

_TRAIN = (
    sets("--data-dir", "data.path"),
    chooses("--precision", "training.precision", _PRECISIONS),
    sets("--devices", "--processes"),
    sets("--seed", "training.seed"),
    sets_keys("--override"),
    names_under("--run-name", "--output-dir", "runs"),
    sets("--log-samples-every", "training.sample_interval"),
)

_EVALUATE = (
    sets("--ckpt", MODEL),
    sets("--data-dir", "--suite", gives_way=True),
    has_no_effect("--config", "a checkpoint says itself what model it holds"),
)

VERBS: Mapping[str, Sequence[Synonym]] = {"train": _TRAIN, "evaluate": _EVALUATE}
