"""What every contender of a comparison is given: the same shape, the same rows, the same questions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.splits import keyed_random
from longhand.data.config import DataConfig
from longhand.text.formats import Format
from longhand.text.presets import vocabulary
from longhand.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from longhand.data.batches import Batch
    from longhand.models.config import ModelConfig
    from longhand.models.decoder import Decoder
    from longhand.training.run_config import RunConfig

Precision = Literal["fp32", "bf16"]

HEAD_WIDTH = 64  # channels per head of a GPT-2, where there is room for four heads
EMBEDDING_STD = 0.02  # of the models that are asked
N_READY_BATCHES = 16  # that contenders go round and round in


@dataclass(frozen=True)
class TrainSpec:
    """A model to train: GPT-2 of `layers` blocks of `width` channels, on batches of `batch` sums of `digits` digits.

    A row is `<bos>012+345=7530<eos>`: operands filled to their width, the answer units first, so that all rows are
    equally long (14 tokens for three digits, of which 13 are read) and nobody computes padding.
    """

    width: int
    batch: int
    layers: int = 4
    digits: int = 3
    seed: int = 0

    @property
    def heads(self) -> int:
        """Attention heads."""
        return heads(self.width)

    @property
    def tokens(self) -> int:
        """Tokens of a row that the model reads: all but the end mark."""
        return 3 * self.digits + 4

    @property
    def vocab_size(self) -> int:
        """Tokens of the vocabulary."""
        return len(vocabulary("mini18"))

    def model_config(self) -> ModelConfig:
        """The model as this package describes it: learned positions, layer norm, GELU, tied head, no dropout."""
        return _gpt2(self.width, self.heads, self.layers, self.tokens + 1)  # some read the end mark, too

    def run_config(self, precision: Precision = "fp32") -> RunConfig:
        """The same as a configuration of `longhand train`."""
        from longhand.training.run_config import RunConfig

        format = self._format().to_dict()
        return RunConfig.from_dict(
            {
                "vocabulary": "mini18",
                "format": {key: format[key] for key in ("operand_width", "answer_width", "reverse_answer", "begin")},
                "data": self._data().model_dump(),
                "model": self.model_config().model_dump(),
                "training": {
                    "seed": self.seed,
                    "batch_size": self.batch,
                    "max_steps": 10**9,
                    "schedule": "constant",
                    "learning_rate": 3e-4,
                    "betas": (0.9, 0.95),
                    "weight_decay": 0.1,
                    "grad_clip": 1.0,
                    "precision": precision,
                },
                "runtime": {"device": "cpu", "threads": 1},
            }
        )

    def batches(self, n: int = N_READY_BATCHES) -> list[Batch]:
        """The first `n` batches of the training stream, as NumPy arrays: ids, targets, where the loss counts."""
        from longhand.data.stream import TrainStream

        words = vocabulary("mini18")
        stream = TrainStream(self._data(), self._format(), words, batch_size=self.batch, seed=self.seed)
        return [stream.batch(step) for step in range(n)]

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON data."""
        return asdict(self)

    def _data(self) -> DataConfig:
        domain = {"operators": ["+"], "max_operand": 10**self.digits - 1}
        return DataConfig.model_validate({"domain": domain, "loss": "answer", "val_fraction": 0.0})

    def _format(self) -> Format:
        return Format(operand_width=self.digits, answer_width=self.digits + 1, reverse_answer=True, begin=True)


@dataclass(frozen=True)
class DecodeSpec:
    """A model to ask: `batch` prompts at a time, each continued greedily by `new_tokens` tokens.

    `answer` asks three-digit sums (`<bos>012+345=`), `worked` sums of two to three small numbers in the vocabulary
    and format of worked steps (`99+21=` and then `9+1=10 9+2+1=11 ...`), whose prompts are not equally long. The
    weights are drawn, not trained, so the answers are noise; they vary, and no model ever writes the end mark. The
    embeddings are small, for with a tied head a model of large ones repeats the last token for ever.
    """

    width: int
    batch: int
    layers: int = 4
    task: Literal["answer", "worked"] = "answer"
    new_tokens: int = 5
    seed: int = 0

    @property
    def heads(self) -> int:
        """Attention heads."""
        return heads(self.width)

    @property
    def vocabulary(self) -> Vocabulary:
        """What prompts are spelled with."""
        return vocabulary("mini18" if self.task == "answer" else "cot16")

    @property
    def format(self) -> Format:
        """How problems are written."""
        if self.task == "worked":
            return Format(steps="columns")
        return Format(operand_width=3, answer_width=4, reverse_answer=True, begin=True)

    @property
    def vocab_size(self) -> int:
        """Tokens of the vocabulary."""
        return len(self.vocabulary)

    @property
    def positions(self) -> int:
        """Tokens of the longest prompt and what is written after it."""
        return max(len(ids) for ids in self.prompt_ids) + self.new_tokens

    def model_config(self) -> ModelConfig:
        """The model as this package describes it."""
        d_ff = 4 * self.width if self.task == "answer" else 2 * self.width  # math-llm's own ratio
        return _gpt2(self.width, self.heads, self.layers, self.positions, d_ff=d_ff, embedding_std=EMBEDDING_STD)

    def model(self) -> Decoder:
        """The model with its weights, in float32, which every contender has to answer with.

        Channel 0 of the last norm is the same for every token, and only the end mark and its like look at it, so
        that these are never chosen and every row is as long as every other.
        """
        import torch

        from longhand.models.build import build_model

        model = build_model(self.model_config(), self.vocab_size, seed=self.seed)
        words = self.vocabulary
        with torch.no_grad():
            model.embedding.weight[:, 0] = 0.0
            for role in {"eos", "pad"} & set(words.roles):
                model.embedding.weight[words.id_of(role), 0] = -1.0
            model.norm.weight[0] = 0.0  # type: ignore[operator]
            model.norm.bias[0] = 6 * EMBEDDING_STD * self.width**0.5  # type: ignore[operator]  # of a logit: six deviations
        return model.eval()

    @cached_property
    def prompts(self) -> list[str]:
        """The questions of one batch as people type them."""
        rng = keyed_random(self.seed, self.task, 0)
        if self.task == "answer":
            return [f"{rng.randint(0, 999)}+{rng.randint(0, 999)}=" for _ in range(self.batch)]
        sums = (rng.choices(range(1, 100), k=2 + row % 2) for row in range(self.batch))
        return ["+".join(map(str, numbers)) + "=" for numbers in sums]

    @cached_property
    def prompt_ids(self) -> list[list[int]]:
        """The same questions as the model reads them."""
        return [self.format.spell_prompt(self.spelled(prompt), self.vocabulary) for prompt in self.prompts]

    def spelled(self, prompt: str) -> str:
        """A question as this format writes it: `7+35=` becomes `007+035=`."""
        width = self.format.operand_width
        if not isinstance(width, int):
            return prompt
        return "+".join(number.zfill(width) for number in prompt.removesuffix("=").split("+")) + "="

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class SweepSpec:
    """The first `problems` sums of two numbers of up to three digits, asked of the model `model` by `processes`.

    Starting the processes counts; with 0 of them the worker itself asks, with a model it has already loaded.
    """

    problems: int = 1_000_000
    processes: int = 1
    model: str = "add-sub-3"

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class DataSpec:
    """`problems` problems made and written as token ids, as `work` names it."""

    work: str
    problems: int

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class PeakSpec:
    """Products of square matrices, the fastest arithmetic there is here."""

    precision: Precision
    sizes: tuple[int, ...] = (512, 1024, 2048)

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON data."""
        return asdict(self)


Spec = TrainSpec | DecodeSpec | SweepSpec | DataSpec | PeakSpec
KINDS: dict[str, type[Spec]] = {
    "train": TrainSpec,
    "decode": DecodeSpec,
    "sweep": SweepSpec,
    "data": DataSpec,
    "peak": PeakSpec,
}

SUMS = Domain(operators=("+",))


def heads(width: int) -> int:
    """Four heads, or more where they would be wider than those of GPT-2."""
    return max(4, width // HEAD_WIDTH)


def _gpt2(width: int, heads: int, layers: int, positions: int, **others: Any) -> ModelConfig:
    from longhand.models.config import ModelConfig

    sizes = {"d_model": width, "n_heads": heads, "n_layers": layers, "max_seq_len": positions}
    return ModelConfig(name="gpt2", init="scaled", **sizes, **others)
