"""The waist of the program: prompts in, completions out, whatever does the work in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from longhand.arithmetic.domain import Domain
    from longhand.runs.certificate import Certificate
    from longhand.text.formats import Format
    from longhand.text.vocabulary import Vocabulary

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a solver wrote after one prompt.

    `prompt` is the prompt as it was asked; `text` what was written after it, without the end mark; `answer` its
    canonical answer, or None where the text holds no well-formed one. `token_ids` are the ids written, with the
    end mark when there is one, and `logprobs` their natural log-probabilities under the solver's own
    distribution (temperature 1, all tokens). `finish_reason` is "stop" when the end mark was written, "length"
    when the limit came first. `seconds` is wall-clock time from the start of the row's batch to its last token.
    """

    prompt: str
    text: str
    answer: str | None
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: FinishReason
    seconds: float


@runtime_checkable
class Solver(Protocol):
    """Anything that answers prompts: a model, several, or exact arithmetic."""

    @property
    def domain(self) -> Domain | None:
        """The problems the solver was made for; None where it was made for no set in particular."""
        ...

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
        """Return one completion per prompt, in order; the completion of a prompt depends on no other prompt.

        Temperature 0 is greedy decoding, `top_k` draws among the likeliest tokens only, `beam` above 1 searches for
        the likeliest whole text. What is drawn depends on `seed`, the prompt, and how often it was asked before in
        this call. Raises `UserError` for impossible settings, and for a prompt that cannot be asked, naming it.
        """
        ...


@runtime_checkable
class TeacherForced(Solver, Protocol):
    """A solver that can also say, without decoding, whether it would write a given text.

    Feeding prompt and target together and finding the target the most likely token at every position is the
    same as decoding greedily and getting the target: each step of greedy decoding then sees the same prefix.
    """

    @property
    def format(self) -> Format:
        """How problems are written for this solver."""
        ...

    @property
    def vocabulary(self) -> Vocabulary:
        """How texts are spelled in ids for this solver."""
        ...

    def exact_rows(
        self,
        ids: NDArray[np.integer[Any]],
        prompt_lengths: NDArray[np.integer[Any]],
        lengths: NDArray[np.integer[Any]],
    ) -> NDArray[np.bool_]:
        """Return [n]: greedy decoding of the first `prompt_lengths` ids surely writes the rest of the row.

        `ids` [n, width] holds prompt, target and end mark, padded on the right; `lengths` counts all of them.
        False also where rounding could decide, so a false row has to be decoded before it is judged.
        """
        ...

    def token_matches(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Return [n, width - 1]: the id after each position is the most likely one; false on padding."""
        ...


@dataclass(frozen=True, slots=True)
class TokenChance:
    """A token that may come next, and its natural log-probability (temperature 1, all tokens)."""

    token_id: int
    logprob: float


@runtime_checkable
class NextToken(TeacherForced, Protocol):
    """A solver that can be asked token by token what it would write next."""

    def prompt_ids(self, prompt: str) -> list[int]:
        """The ids a prompt is read as; raises `UserError` naming a prompt that cannot be asked."""
        ...

    def next_tokens(self, ids: Sequence[int], k: int) -> list[TokenChance]:
        """The `k` likeliest tokens after `ids`, likeliest first, the lower id of equals; fewer if there are no more.

        Raises `UserError` if nothing can follow, because the context is full.
        """
        ...

    def complete(self, prompt: str, chances: Sequence[TokenChance]) -> Completion:
        """The completion of a prompt after which these tokens were written; finished if the last is the end mark."""
        ...


@runtime_checkable
class Certified(Solver, Protocol):
    """A solver of a model of which something may have been proved."""

    @property
    def certificate(self) -> Certificate | None:
        """What was proved, in the number format the solver computes in; None if nothing was."""
        ...
