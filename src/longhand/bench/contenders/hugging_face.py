"""Hugging Face: `GPT2LMHeadModel` under the `Trainer`, and its `generate`.

Fair to the Trainer: no reports, no logs, no saves, its batches ready in memory, and what it does before the first step
is not counted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import torch

from longhand.bench.contenders.steps import StepGate
from longhand.bench.spec import DecodeSpec, Precision, TrainSpec
from longhand.models.build import build_model
from longhand.models.decoder import Decoder
from longhand.models.hugging_face import to_hugging_face


def build(model: Decoder) -> Any:
    """Their class with our weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config, weights = to_hugging_face(model)
    theirs = GPT2LMHeadModel(GPT2Config(**{key: value for key, value in config.items() if key != "architectures"}))
    missing, unexpected = theirs.load_state_dict(weights, strict=False)
    assert set(missing) <= {"lm_head.weight"}, missing
    assert not unexpected, unexpected
    theirs.tie_weights()
    return theirs


class ReadyBatches(torch.utils.data.Dataset[Any]):
    """Rows in memory; a batch is a slice that was cut beforehand."""

    def __init__(self, spec: TrainSpec) -> None:
        self.batch, self.next = spec.batch, 0
        self.batches = []
        for batch in spec.batches():
            ids = torch.from_numpy(batch.input_ids)
            # The class shifts labels itself: a label stands under its own token, and -100 does not count.
            labels = torch.full_like(ids, -100)
            labels[:, 1:] = torch.where(
                torch.from_numpy(batch.weights[:, :-1]) > 0, torch.from_numpy(batch.targets[:, :-1]), -100
            )
            ends = torch.from_numpy(batch.targets[:, -1:])
            ids, labels = torch.cat((ids, ends), dim=1), torch.cat((labels, ends), dim=1)
            self.batches.append({"input_ids": ids, "labels": labels})

    def __len__(self) -> int:
        return 10**6 * self.batch

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError("rows are fetched by the batch")

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """The next batch, whichever rows are asked for."""
        self.next += 1
        return self.batches[self.next % len(self.batches)]


def train_contender(spec: TrainSpec, precision: Precision = "fp32") -> Callable[[int], None]:
    """Start the Trainer; the function that comes back lets it take so many steps."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    gate = StepGate()

    class AtTheGate(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *arguments: Any, **settings: Any) -> None:
            gate.wait()

    class InOrder(Trainer):  # type: ignore[misc]
        def _get_train_sampler(self, *arguments: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)  # no permutation of a million batches

    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(prefix="longhand-bench-"),
        per_device_train_batch_size=spec.batch,
        max_steps=10**6,
        learning_rate=3e-4,
        lr_scheduler_type="constant",
        weight_decay=0.1,
        adam_beta2=0.95,
        max_grad_norm=1.0,
        optim="adamw_torch_fused",
        report_to="none",
        logging_strategy="no",
        save_strategy="no",
        eval_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        seed=spec.seed,
    )
    trainer = InOrder(
        model=build(build_model(spec.model_config(), spec.vocab_size, seed=spec.seed)),
        args=arguments,
        train_dataset=ReadyBatches(spec),
        data_collator=lambda batch: batch,
        callbacks=[AtTheGate()],
    )
    gate.start(trainer.train)
    return gate.take


def decode_contender(spec: DecodeSpec, precision: Precision = "fp32") -> Callable[[Sequence[str]], list[list[int]]]:
    """`generate` with its key-value cache, greedily, prompts padded on the left."""
    model = build(spec.model()).eval()
    words, format = spec.vocabulary, spec.format
    pad, eos = words.id_of("pad"), words.id_of("eos")

    @torch.inference_mode()
    def answer(prompts: Sequence[str]) -> list[list[int]]:
        spelled = [format.spell_prompt(spec.spelled(prompt), words) for prompt in prompts]
        width = max(map(len, spelled))
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in spelled])
        lengths = torch.tensor([len(row) for row in spelled])
        written = model.generate(
            ids,
            attention_mask=(torch.arange(width) >= width - lengths[:, None]).long(),
            max_new_tokens=spec.new_tokens,
            do_sample=False,
            use_cache=True,
            pad_token_id=pad,
            eos_token_id=eos,
        )
        rows: list[list[int]] = written[:, width:].tolist()
        return rows

    return answer
