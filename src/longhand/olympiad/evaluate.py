"""How many word problems a model answers right, beside what it was made of at the same cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from longhand.errors import UserError
from longhand.evaluation.intervals import wilson_interval
from longhand.models.trm_count import count_trm
from longhand.models.trm_model import TrmModel
from longhand.olympiad.answering import Answering, Reply
from longhand.olympiad.answers.extract import extract
from longhand.olympiad.answers.grade import Grade, Tally, grade
from longhand.olympiad.data.word_problem import WordProblem
from longhand.olympiad.two_runs import two_run_score
from longhand.olympiad.votes import Candidate, vote

AT_ONCE = 64
"""Samples that are drawn between two reports of how far it is (count, at least those of one problem)."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a model is asked: `samples` draws per problem whose majority counts; one is the likeliest text (greedy).

    With `runs` 2 every problem is asked twice over, as a contest does.
    """

    samples: int = 1
    temperature: float | None = None
    max_new_tokens: int = 1024
    runs: int = 1
    seed: int = 0
    batch_size: int = 32

    @property
    def drawn(self) -> float:
        """The temperature of the draws; 0 is greedy."""
        if self.temperature is not None:
            return self.temperature
        return 0.7 if self.samples > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """A problem, the text that was chosen for it in a run, and its grade."""

    problem: WordProblem
    text: str
    grade: Grade
    truncated: int


@dataclass(slots=True)
class Measured:
    """A row of the table: who was asked, how, and what came of it.

    `runs` holds the answers of each run, in order. Numbers are those of the first run alone: two answers to a problem
    are no two independent trials.
    """

    name: str
    samples: int
    temperature: float
    runs: list[list[Answered]] = field(default_factory=list)
    tokens_written: int = 0
    replies: int = 0
    flops_per_token: int = 0

    @property
    def tally(self) -> Tally:
        """The grades of all problems; nothing is left out."""
        tally = Tally()
        for answered in self.runs[0]:
            tally.add(answered.grade)
        return tally

    @property
    def truncated(self) -> int:
        """Replies that had not come to an end, of `replies`."""
        return sum(answered.truncated for answered in self.runs[0])

    @property
    def score(self) -> float | None:
        """Points of two runs: 1 for a problem that is right in both, half for one that is in one."""
        if len(self.runs) != 2:
            return None
        first, second = ([one.grade.verdict == "right" for one in run] for run in self.runs)
        return float(two_run_score(first, second))

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON data."""
        tally = self.tally
        right = tally.verdicts["right"]
        low, high = wilson_interval(right, tally.total)
        return {
            "name": self.name,
            "samples": self.samples,
            "temperature": self.temperature,
            "total": tally.total,
            "right": right,
            "wrong": tally.verdicts["wrong"],
            "missing": tally.verdicts["missing"],
            "accuracy": float(tally.accuracy),
            "interval_95": [low, high],
            "answers_no_number": tally.not_numeric,
            "truths_no_number": tally.truths_not_numeric,
            "found_by": dict(tally.rules),
            "replies": self.replies,
            "truncated": self.truncated,
            "flops_per_token": self.flops_per_token,
            "two_run_score": self.score,
        }


def measure(
    answering: Answering,
    problems: Sequence[WordProblem],
    asking: Asking,
    *,
    name: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measured:
    """Ask every problem, choose by majority, grade, and count; a row with nothing left out.

    `problems` have answers. Raises `UserError` for a prompt that is longer than the context, before anything is asked.
    """
    check_prompts(answering, problems)
    found = Measured(name, asking.samples, asking.drawn, [[] for _ in range(asking.runs)])
    # What is likeliest is the same in every run: it is asked for once.
    draws = asking.samples * (asking.runs if asking.drawn else 1)
    at_once = max(1, AT_ONCE // draws)
    for start in range(0, len(problems), at_once):
        part = problems[start : start + at_once]
        replies = answering.ask(
            [problem.question for problem in part for _ in range(draws)],
            max_new_tokens=asking.max_new_tokens,
            temperature=asking.drawn,
            seed=asking.seed,
            batch_size=asking.batch_size,
        )
        for place, problem in enumerate(part):
            own = replies[place * draws : (place + 1) * draws]
            for number, run in enumerate(found.runs):
                begin = number * asking.samples if asking.drawn else 0
                drawn = own[begin : begin + asking.samples]
                run.append(_chosen(problem, drawn))
                found.tokens_written += sum(reply.n_tokens for reply in drawn) if number == 0 else 0
        progress(start + len(part), len(problems))
    found.replies = len(problems) * asking.samples
    return found


def check_prompts(answering: Answering, problems: Sequence[WordProblem]) -> None:
    """Raise `UserError` if there is nothing to ask, or a problem leaves no room to answer."""
    if not problems:
        raise UserError("there is no problem to ask; lower --offset, or look into the data")
    for problem in problems:
        length = len(answering.prompt_ids(problem.question))
        if length > answering.model.max_seq_len:
            raise UserError(
                f"the prompt of {problem.id} has {length} tokens, and this model reads {answering.model.max_seq_len};"
                " leave it out with --offset and --num-samples, or give a model that reads more"
            )


def _chosen(problem: WordProblem, replies: Sequence[Reply]) -> Answered:
    """The reply that won the vote; the first if none has an answer."""
    candidates = []
    for number, reply in enumerate(replies):
        found = extract(reply.text)
        answer = None if found is None else found.answer
        candidates.append(Candidate(answer, number, reply.mean_logprob, text=reply.text))
    winner = vote(candidates).winner
    text = replies[0].text if winner is None else winner.text
    return Answered(problem, text, grade(text, problem.answer or ""), sum(reply.truncated for reply in replies))


def flops_per_token(answering: Answering, seq_len: int) -> int:
    """Operations of a token of an answer, backbone, recursion and head together (models/sizing.py, trm_count.py)."""
    backbone = answering.backbone
    own = backbone.flops_per_token(seq_len)
    if answering.head is None:
        return own + 2 * backbone.d_model * backbone.vocab_size
    assert isinstance(answering.model, TrmModel)
    steps = answering.model.n_supervision
    return own + count_trm(answering.head.config, backbone.vocab_size, seq_len, n_supervision=steps).forward_flops


def samples_at_equal_cost(recursive: int, plain: int, votes: int) -> int:
    """How many draws of a plain model cost what `votes` draws of a recursive one do, to the nearest; at least one.

    Both cost so many operations per token, for texts of equal length.
    """
    return max(1, round(votes * recursive / plain))
