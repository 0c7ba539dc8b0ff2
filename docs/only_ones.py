"""Why a transformer in NumPy answered everything with 1: it is trained in three ways. `python docs/only_ones.py`"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import process_time

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.data.batches import Batch, make_batch
from longhand.data.encode import encode_problems
from longhand.models.config import ModelConfig
from longhand.numpy_gpt.loss import add_gradients
from longhand.numpy_gpt.model import NumpyGPT
from longhand.numpy_gpt.optimizers import Adam, average_and_clip
from longhand.numpy_gpt.parameters import initial_parameters
from longhand.solvers.numpy_solver import NumpySolver
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

DOMAIN = Domain(("+", "-", "*"), max_operand=9)
WORDS = vocabulary("chars")
WIDTH = 8  # columns of the published two rows, here the shortest that hold <START>9*9=<END>
PAD, START, END = (WORDS.id_of(role) for role in ("pad", "bos", "eos"))

Rows = Callable[[NDArray[np.int64]], Batch]


@dataclass(frozen=True)
class Outcome:
    """What a model answers to every problem of the domain."""

    name: str
    answers: dict[str, str]
    right: int
    seconds: float

    def line(self) -> str:
        """One row of the table."""
        (commonest, times), *_ = Counter(self.answers.values()).most_common(1)
        return (
            f"{self.name:44} {len(set(self.answers.values())):3} different, {times:3} times {commonest or 'nothing':>7}"
            f", {self.right:3} of {len(self.answers)} right   {self.seconds:4.1f} s"
        )


def two_rows(problems: Sequence[Problem], *, count_padding: bool) -> Rows:
    """The published batches: place t of <START>question<END> is trained to say place t of <START>answer<END>."""

    def fill(text: str) -> list[int]:
        ids = [START, *WORDS.encode(text), END]
        return ids + [PAD] * (WIDTH - len(ids))

    questions = np.array([fill(f"{problem.expression}=") for problem in problems])
    answers = np.array([fill(problem.answer) for problem in problems])

    def rows(chosen: NDArray[np.int64]) -> Batch:
        ids, targets = questions[chosen], answers[chosen]
        weights = np.ones(ids.shape) if count_padding else targets != PAD
        return Batch(ids, targets, weights.astype(np.float32), np.ones(ids.shape, np.bool_), WIDTH)

    return rows


def one_row(problems: Sequence[Problem]) -> Rows:
    """Our batches: question and answer in one row, every character of the answer asked for after all before it."""
    tokens = encode_problems(problems, Format(), WORDS)
    return lambda chosen: make_batch(tokens.take(chosen), "answer")


def train(positions: str, rows: Rows, n_rows: int, steps: int) -> NumpyGPT:
    """The same model, optimizer and number of steps for all."""
    sizes = {"d_model": 32, "n_heads": 4, "n_layers": 1, "max_seq_len": WIDTH}
    config = ModelConfig(**sizes, pos_encoding=positions, mlp="relu", init="scaled", tie_weights=False)
    model = NumpyGPT(config, initial_parameters(config, len(WORDS), seed=0))
    optimizer = Adam(model.parameters)
    rng = np.random.default_rng(0)
    for step in range(steps):
        batch = rows(rng.integers(n_rows, size=64))
        model.parameters.gradient[...] = 0
        add_gradients(model, batch, 1.0)
        average_and_clip(model.parameters.gradient, 1 / float(batch.weights.sum()), 1.0)
        optimizer.step(0.01 * (1 - step / steps))
    return model


def ask_two_rows(model: NumpyGPT, problems: Sequence[Problem]) -> list[str]:
    """The published decoding: one pass over the question; whatever is no special token is the answer."""
    batch = two_rows(problems, count_padding=True)(np.arange(len(problems)))
    said = model.forward(batch.input_ids)[0].argmax(axis=-1)
    return ["".join(WORDS.tokens[i] for i in row if i not in (PAD, START, END)) for row in said.tolist()]


def ask_one_row(model: NumpyGPT, problems: Sequence[Problem]) -> list[str]:
    """One character after the other, each with those before it in sight."""
    solver = NumpySolver(model, WORDS, Format(), DOMAIN)
    return [completion.text for completion in solver.solve([f"{problem.expression}=" for problem in problems])]


@dataclass(frozen=True)
class Way:
    """How rows are made, what the model is given to tell positions apart, and how it is asked."""

    name: str
    positions: str
    rows: Callable[[Sequence[Problem]], Rows]
    ask: Callable[[NumpyGPT, Sequence[Problem]], list[str]]


AS_PUBLISHED = Way(
    "two rows, no positions, padding counted", "none", partial(two_rows, count_padding=True), ask_two_rows
)
WITHOUT_LESSER_FAULTS = Way(
    "two rows, positions, padding not counted", "learned", partial(two_rows, count_padding=False), ask_two_rows
)
IN_LINE = Way("one row, positions, loss on the answer", "learned", one_row, ask_one_row)


def outcome(way: Way, steps: int = 1500) -> Outcome:
    """Train one way, and ask every problem of the domain."""
    started, problems = process_time(), list(DOMAIN)
    model = train(way.positions, way.rows(problems), len(problems), steps)
    answers = way.ask(model, problems)
    said = {problem.expression: answer for problem, answer in zip(problems, answers, strict=True)}
    right = sum(said[problem.expression] == problem.answer for problem in problems)
    return Outcome(way.name, said, right, process_time() - started)


def main() -> None:
    """Print a line for each way."""
    for way in (AS_PUBLISHED, WITHOUT_LESSER_FAULTS, IN_LINE):
        print(outcome(way).line())


if __name__ == "__main__":
    main()
