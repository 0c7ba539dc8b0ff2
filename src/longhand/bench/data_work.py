"""The ways problems are made and become token ids, each as a function of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from longhand.arithmetic.domain import Domain
from longhand.data.arrays import domain_arrays, sample_arrays
from longhand.data.config import DataConfig
from longhand.data.encode import encode_arrays
from longhand.data.keyed import keyed_generator
from longhand.data.stream import TrainStream
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

Work = Callable[[int], object]

BATCH = 1024

_WORDS = vocabulary("unified")
_PADDED = Format(operand_width=3, answer_width=4, reverse_answer=True)


def _listed(format: Format) -> Callable[[int], Work]:
    return lambda n: lambda step: encode_arrays(domain_arrays(Domain(), 0, n), format, _WORDS)


def _drawn(domain: Domain) -> Callable[[int], Work]:
    return lambda n: lambda step: encode_arrays(sample_arrays(domain, keyed_generator(step), n), Format(), _WORDS)


def _streamed(config: DataConfig) -> Callable[[int], Work]:
    def open_work(n: int) -> Work:
        stream = TrainStream(config, _PADDED, _WORDS, batch_size=BATCH)
        per_step = max(1, n // BATCH)

        def work(step: int) -> None:
            for index in range(per_step):
                stream.batch(step * per_step + index)

        return work

    return open_work


def _worked(n: int) -> Work:
    format = Format(steps="columns")
    return lambda step: encode_arrays(domain_arrays(Domain(), step * n, (step + 1) * n), format, _WORDS)


_DEMO_MIXTURE = DataConfig(mixture={"uniform": 0.35, "cascade": 0.25, "short": 0.4})

WORK: Mapping[str, Callable[[int], Work]] = {
    "listed, as people write": _listed(Format()),
    "listed, padded and reversed": _listed(_PADDED),
    "drawn, as people write": _drawn(Domain()),
    "drawn, five operands": _drawn(Domain(operators=("+", "-", "*"), n_operands=5, max_operand=99, negatives="allow")),
    "training batches of the demo": _streamed(_DEMO_MIXTURE),
    "listed, with worked steps": _worked,
}
"""What is measured, by name; each is opened with a number of problems per step."""

SIZES: Mapping[str, int] = {"listed, with worked steps": 2**12}
"""Problems per step where they are not `PROBLEMS`: rows written one by one."""

PROBLEMS = 2**18
