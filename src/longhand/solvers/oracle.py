"""A solver that is right, or wrong on purpose: everything above the solvers is tested with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import COMPARISON, Order, Problem
from longhand.arithmetic.splits import keyed_random
from longhand.errors import UserError
from longhand.solvers.base import Completion, TokenChance
from longhand.text.formats import Format, Rendered
from longhand.text.presets import VOCABULARIES
from longhand.text.vocabulary import Vocabulary


class Fault(StrEnum):
    """A way to be wrong, named after the verdict it earns."""

    WRONG = "wrong"  # another answer, off by one
    MALFORMED = "malformed"  # no answer at all
    UNFINISHED = "unfinished"  # the right answer without an end mark
    OUT_OF_RANGE = "out_of_range"  # one more than the largest answer of the domain, or a number for an order


@dataclass(frozen=True)
class Oracle:
    """Exact arithmetic in the place of a model.

    It writes what a perfect model of the `format` would, except for the faults asked for: `faults` by problem
    (`"9+1"`), and `fault_shares` of all other problems (share 0..1), chosen by a hash of `seed` and the problem. It is
    as wrong in one call as in the next. There is nothing to sample: every token has probability 1.
    """

    domain: Domain | None = None
    format: Format = field(default_factory=Format)
    vocabulary: Vocabulary = VOCABULARIES["unified"]
    faults: Mapping[str, Fault] = field(default_factory=dict)
    fault_shares: Mapping[Fault, float] = field(default_factory=dict)
    seed: int = 0

    def solve(
        self,
        prompts: Sequence[str],
        *,
        temperature: float = 0.0,
        top_k: int | None = None,
        beam: int = 1,
        seed: int = 0,
        max_new_tokens: int | None = None,
    ) -> list[Completion]:
        """Return one completion per prompt; raises `UserError` for a prompt that asks no problem."""
        return [self._answer(prompt, max_new_tokens) for prompt in prompts]

    def exact_rows(
        self,
        ids: NDArray[np.integer[Any]],
        prompt_lengths: NDArray[np.integer[Any]],
        lengths: NDArray[np.integer[Any]],
    ) -> NDArray[np.bool_]:
        """Return [n]: the oracle writes exactly the rest of the row after its first `prompt_lengths` ids."""
        exact = np.zeros(len(ids), dtype=np.bool_)
        for row, (prompt, length) in enumerate(zip(prompt_lengths.tolist(), lengths.tolist(), strict=True)):
            problem = self.format.read_prompt(self.vocabulary.decode(ids[row, :prompt], skip_special=True))
            exact[row] = self._write(problem)[0] == ids[row, prompt:length].tolist()
        return exact

    def token_matches(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Return [n, width - 1]: the oracle would write this id next; it does not foresee prompts."""
        matches = np.zeros((len(ids), max(ids.shape[1] - 1, 0)), dtype=np.bool_)
        for row, length in enumerate(lengths.tolist()):
            text = self.vocabulary.decode(ids[row, :length], skip_special=True)
            problem = self.format.parse(text).problem
            prompt = len(self.format.spell_prompt(self.format.prompt(problem), self.vocabulary))
            written, _ = self._write(problem)
            for place, token in enumerate(ids[row, prompt:length].tolist()):
                matches[row, prompt - 1 + place] = place < len(written) and written[place] == token
        return matches

    def prompt_ids(self, prompt: str) -> list[int]:
        """The ids a prompt is read as; raises `UserError` for a prompt that asks no problem."""
        return self.format.spell_prompt(self.format.prompt(self._problem(prompt)), self.vocabulary)

    def next_tokens(self, ids: Sequence[int], k: int) -> list[TokenChance]:
        """The one token it would write in this place, whatever has been written before it."""
        problem = self.format.parse(self.vocabulary.decode(ids, skip_special=True)).problem
        written, _ = self._write(problem)
        place = len(ids) - len(self.format.spell_prompt(self.format.prompt(problem), self.vocabulary))
        return [TokenChance(written[place] if place < len(written) else self.vocabulary.id_of("eos"), 0.0)][:k]

    def complete(self, prompt: str, chances: Sequence[TokenChance]) -> Completion:
        """The completion of a prompt after which these tokens were written."""
        ids = [chance.token_id for chance in chances]
        stopped = bool(ids) and ids[-1] == self.vocabulary.id_of("eos")
        return self._completion(prompt, ids, [chance.logprob for chance in chances], stopped)

    def fault_of(self, problem: Problem) -> Fault | None:
        """How the answer to this problem will be wrong, or None."""
        if problem.expression in self.faults:
            return self.faults[problem.expression]
        if not self.fault_shares:
            return None
        drawn = keyed_random(self.seed, problem.expression, 0).random()
        for fault, share in self.fault_shares.items():
            if drawn < share:
                return fault
            drawn -= share
        return None

    def _answer(self, prompt: str, max_new_tokens: int | None) -> Completion:
        ids, stopped = self._write(self._problem(prompt))
        if max_new_tokens is not None and len(ids) > max_new_tokens:
            ids, stopped = ids[:max_new_tokens], False
        return self._completion(prompt, ids, [0.0] * len(ids), stopped)

    def _problem(self, prompt: str) -> Problem:
        return parse_expression(prompt, semantics=self.format.semantics, division=self.format.division)

    def _completion(self, prompt: str, ids: Sequence[int], logprobs: Sequence[float], stopped: bool) -> Completion:
        text = self.vocabulary.decode(ids[:-1] if stopped else ids)
        return Completion(
            prompt=prompt,
            text=text,
            answer=self.format.read_answer(text),
            token_ids=tuple(ids),
            logprobs=tuple(logprobs),
            finish_reason="stop" if stopped else "length",
            seconds=0.0,
        )

    def _write(self, problem: Problem) -> tuple[list[int], bool]:
        """The ids of a target, with the end mark if it is there."""
        rendered = self.format.render(problem)
        fault = self.fault_of(problem)
        answer = rendered.answer
        if fault is Fault.WRONG:
            answer = self.format.write_answer(_another(problem.answer))
        elif fault is Fault.MALFORMED:
            answer = COMPARISON if COMPARISON in problem.operators else "="
        elif fault is Fault.OUT_OF_RANGE:
            if self.domain is None:
                raise UserError("no answer is out of range without a domain; give the oracle one")
            too_large = 0 if self.domain.compares else self.domain.answer_range()[1] + 1
            answer = self.format.write_answer(str(too_large))
        said = Rendered(rendered.prompt, rendered.cot + answer, rendered.cot)
        spelled = self.format.spell(said, self.vocabulary)
        ids = spelled.ids[spelled.prompt_length :]
        return (ids[:-1], False) if fault is Fault.UNFINISHED else (ids, True)


def _another(answer: str) -> str:
    """A well-formed answer that is wrong: a whole number is off by one towards 0, others in their last digit."""
    if answer in tuple(Order):
        return Order.LESS if answer == Order.EQUAL else Order.EQUAL
    if answer.removeprefix("-").isdigit():
        number = int(answer)
        return str(number - 1 if number > 0 else number + 1)
    last = int(answer[-1])
    return f"{answer[:-1]}{last - 1 if last > 1 else last + 1}"
