"""The flags of math-llm, which shows its work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from longhand.cli.synonyms.synonym import MODEL, Synonym, belongs_elsewhere, chooses, has_no_effect, sets, switches

SIZES = ("small", "medium", "large")

_CONFIGS = {size: f"think-{size}" for size in SIZES}
_ELSEWHERE = ("--num-examples", "--max-digits", "--max-operands", "--fixed-length-cot", "--train-ratio", "--val-ratio")

_TRAIN = (
    chooses("--model-size", "--config", _CONFIGS),
    sets("--max-length", "model.max_seq_len"),
    sets("--batch-size", "training.batch_size"),
    has_no_effect("--eval-batch-size", "held-out rows are read in parts of a fixed size, and come out the same in any"),
    sets("--learning-rate", "training.learning_rate"),
    sets("--weight-decay", "training.weight_decay"),
    sets("--num-epochs", "training.max_epochs"),
    sets("--warmup-steps", "training.warmup_steps"),
    sets("--optimizer", "training.optimizer"),
    sets("--data-dir", "data.path"),
    has_no_effect("--num-workers", "a thread makes the next batches while the model reads this one"),
    sets("--save-steps", "training.save_interval"),
    sets("--eval-steps", "training.eval_interval"),
    sets("--logging-steps", "training.log_interval"),
    sets("--seed", "training.seed"),
    switches(
        "--fp16", "training.precision", "auto",
        note="--fp16 is training.precision auto here: bf16 where the processor multiplies it faster, else fp32",
    ),
    switches("--no-wandb", "--logger", "none"),
    sets("--wandb-group", "tracking.group"),
    switches("--no-torch-compile", "runtime.compile", "false"),
    *(belongs_elsewhere(flag, f"longhand data make --profile think {flag} makes the data") for flag in _ELSEWHERE),
)  # fmt: skip

_EVALUATE = (
    sets("--checkpoint", MODEL),
    sets("--data-path", "--suite"),
    sets("--data-dir", "--suite", gives_way=True),
    has_no_effect("--batch-size", "problems are asked in parts of a fixed size, and are answered the same in any"),
    has_no_effect("--max-length", "no row is cut off; the model's own context is what it reads"),
)

_REPL = (sets("--checkpoint", MODEL),)

_INFO = (sets("--config", MODEL), sets("--checkpoint", MODEL), chooses("--model-size", MODEL, _CONFIGS))

VERBS: Mapping[str, Sequence[Synonym]] = {"train": _TRAIN, "evaluate": _EVALUATE, "repl": _REPL, "info": _INFO}
