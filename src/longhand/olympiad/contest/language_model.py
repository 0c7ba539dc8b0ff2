"""A solver for the contest that is a language model: it draws texts, and the answers in their boxes are the votes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from longhand.olympiad.answering import CHECKPOINT, load_answering
from longhand.olympiad.answers.contest import contest_integer
from longhand.olympiad.answers.extract import extract
from longhand.olympiad.votes import is_decided
from longhand.runtime import chosen_device

AT_ONCE = 4
"""Texts that are drawn together (count): what is drawn when the time is over is lost."""


def load(
    model: str,
    checkpoint: str | None = None,
    *,
    votes: int = 1,
    temperature: float = 0.7,
    max_new_tokens: int = 1024,
    early_stop: int | None = None,
    until_decided: bool = True,
    seed: int = 0,
    device: str = "auto",
) -> Callable[[str, float], Iterator[dict[str, Any]]]:
    """An `attempt` for `longhand.olympiad.contest.predictor`: up to `votes` candidates, as they come.

    `model` is a directory of a Qwen2 model, and `checkpoint` what was trained on it, by default the folder `checkpoint`
    in it if there is one (so a bundle has it). One vote is the likeliest text. It stops when a plain majority is
    decided (unless not `until_decided`, for other ways to choose), when `early_stop` agree, or when the next draws
    would take longer than is left.
    """
    inside = Path(model) / CHECKPOINT
    trained = Path(checkpoint) if checkpoint is not None else inside if inside.is_dir() else None
    answering = load_answering(Path(model), trained, device=chosen_device(device))

    def attempt(problem: str, seconds: float) -> Iterator[dict[str, Any]]:
        """Candidates for one problem; none where its prompt is longer than the context."""
        if len(answering.prompt_ids(problem)) > answering.model.max_seq_len:
            return
        began, longest, answers = time.monotonic(), 0.0, list[int | None]()
        while (left := votes - len(answers)) and not is_decided(answers, left if until_decided else votes, early_stop):
            started = time.monotonic()
            if started - began + longest > seconds:
                return
            count = min(AT_ONCE, left)
            replies = answering.ask(
                [problem] * count,
                max_new_tokens=max_new_tokens,
                temperature=temperature if votes > 1 else 0.0,
                # Every call counts from its own beginning: the same draws may not come twice.
                seed=seed * votes + len(answers),
            )
            for reply in replies:
                found = extract(reply.text)
                answer = None if found is None else contest_integer(found.text)
                answers.append(answer)
                if answer is not None:
                    yield {"answer": answer, "mean_logprob": reply.mean_logprob}
            longest = max(longest, time.monotonic() - started)

    return attempt
