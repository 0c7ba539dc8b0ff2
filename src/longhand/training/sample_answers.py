"""What a model answers to the same few problems while it learns, in a file that grows with the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.verdict import judge
from longhand.atomic import write_text
from longhand.errors import UserError
from longhand.runs.tracker import read_rows
from longhand.solvers.base import Completion
from longhand.solvers.load import solver_of
from longhand.training.backend import State
from longhand.training.config import HELD_OUT_PROMPTS
from longhand.training.setup import Setup


class SampleAnswers:
    """Asks `training.sample_prompts`, by default held-out problems, and keeps the answers at `path`, a line each.

    A line has the `step`, the `prompt`, the `text` written, the `answer` read in it and, of a problem, its `verdict`.
    Rows of steps after that of `state` are dropped. Raises `UserError` for a prompt the model cannot be asked.
    """

    def __init__(self, path: Path, setup: Setup, state: State) -> None:
        self.path, self.setup = path, setup
        self.rows = read_rows(path, up_to=state.step)
        configured = setup.config.training.sample_prompts
        self.prompts = _held_out(setup) if configured is None else list(configured)
        if setup.config.training.sample_interval and not self.prompts:
            raise UserError("training.sample_interval needs something to ask; set training.sample_prompts")
        if configured:
            self._ask(state, max_new_tokens=1)  # a prompt that cannot be asked is found now, and not at the end

    def write(self, state: State) -> str:
        """Ask the model as it is now, and return its answers as a line to show."""
        answered = [self._row(state.step, completion) for completion in self._ask(state)]
        self.rows += answered
        write_text(self.path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows))
        said = (f"{row['prompt']}{row['answer'] or '?'} {row['verdict'] or ''}".rstrip() for row in answered)
        return f"step {state.step:,}: " + ", ".join(said)

    def _ask(self, state: State, max_new_tokens: int | None = None) -> list[Completion]:
        solver = solver_of(self.setup.checkpoint(state, {}))
        return solver.solve(self.prompts, max_new_tokens=max_new_tokens)

    def _row(self, step: int, completion: Completion) -> dict[str, Any]:
        format = self.setup.stream.format
        try:
            problem = parse_expression(completion.prompt, semantics=format.semantics, division=format.division)
        except UserError:
            verdict = None
        else:
            verdict = str(judge(problem, completion, domain=self.setup.stream.domain))
        row = {"step": step, "prompt": completion.prompt, "text": completion.text}
        return {**row, "answer": completion.answer, "verdict": verdict}


def _held_out(setup: Setup) -> list[str]:
    found = setup.stream.source.held_out("val", HELD_OUT_PROMPTS)
    return [f"{problem.expression}=" for problem in found.problems or ()]
