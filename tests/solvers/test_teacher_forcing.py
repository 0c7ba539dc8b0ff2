from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from longhand.arithmetic.domain import Domain
from longhand.data.encode import encode_problems
from longhand.models.decoder import Decoder
from longhand.solvers import teacher_forcing
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.teacher_forcing import TeacherForcing
from longhand.text.formats import Format

MakeSolver = Callable[..., AutoregressiveSolver]


@torch.no_grad()
def _lead(model: Decoder, ids: list[int], prompt: int) -> float:
    """By how much the least certain token of the target leads, from one plain pass; negative where it trails."""
    logits = model(torch.tensor([ids[:-1]]))[0, prompt - 1 :].double()
    targets = torch.tensor(ids[prompt:])[:, None]
    rivals = logits.scatter(1, targets, -torch.inf).amax(1)
    return float((logits.gather(1, targets)[:, 0] - rivals).min())


@pytest.mark.parametrize("name", ["gpt2", "llama2", "mixtral"])
@pytest.mark.parametrize("format", [Format(), Format(operand_width=2, answer_width=3), Format(begin=True)])
def test_shared_beginnings_and_passes_change_nothing(
    make_solver: MakeSolver, monkeypatch: pytest.MonkeyPatch, name: str, format: Format
) -> None:
    monkeypatch.setattr(teacher_forcing, "EXAMPLES_PER_PASS", 37)
    problems = list(Domain(max_operand=12))
    solver = make_solver(name, format=format)
    rows = encode_problems(problems, format, solver.vocabulary)
    # Targets the model itself finds likely, so that both answers occur: half of them with one digit changed.
    limit = int(rows.lengths[0] - rows.prompt_lengths[0])
    for i, completion in enumerate(solver.solve([str(p) for p in problems], max_new_tokens=limit)):
        n = min(len(completion.token_ids), int(rows.lengths[i] - rows.prompt_lengths[i]))
        rows.ids[i, rows.prompt_lengths[i] : rows.prompt_lengths[i] + n] = completion.token_ids[:n]
        rows.lengths[i] = rows.prompt_lengths[i] + n
        if i % 2:
            rows.ids[i, rows.lengths[i] - 1] ^= 1
    exact = solver.exact_rows(rows.ids, rows.prompt_lengths, rows.lengths)
    leads = np.array([_lead(solver.model, rows.row(i), int(rows.prompt_lengths[i])) for i in range(len(rows))])
    clear = abs(leads) > 0.01
    assert clear.mean() > 0.9
    assert (exact == (leads > 0))[clear].all()
    assert not exact[leads < 0].any()
    assert exact.any()
    assert not exact.all()


def test_what_rounding_could_decide_is_not_sure(make_solver: MakeSolver) -> None:
    solver = make_solver()
    with torch.no_grad():
        solver.model.head.weight.zero_()  # type: ignore[union-attr]
    ids = np.array([[4, 13, 4, 17, 0, 0]])
    prompt, length = np.array([4]), np.array([6])
    assert not solver.exact_rows(ids, prompt, length).any()
    # The first of equals is still what greedy decoding writes.
    assert solver.solve(["1+1="], max_new_tokens=2)[0].token_ids == (0, 0)
    assert solver.token_matches(ids, length)[0, 3:].all()


def test_token_matches_are_the_likeliest_tokens_and_false_on_padding(make_solver: MakeSolver) -> None:
    solver = make_solver()
    rows = encode_problems(list(Domain(max_operand=12)), solver.format, solver.vocabulary)
    matches = solver.token_matches(rows.ids, rows.lengths)
    assert matches.shape == (len(rows), rows.ids.shape[1] - 1)
    for i in range(0, len(rows), 7):
        ids = torch.tensor([rows.row(i)])
        with torch.no_grad():
            wanted = (solver.model(ids[:, :-1]).argmax(-1) == ids[:, 1:])[0].tolist()
        assert matches[i, : len(wanted)].tolist() == wanted
        assert not matches[i, len(wanted) :].any()
    assert matches.any()


def test_no_rows_no_matches(make_solver: MakeSolver) -> None:
    solver = make_solver()
    none, ids = np.empty(0, dtype=np.int32), np.empty((0, 0), dtype=np.uint8)
    assert solver.exact_rows(ids, none, none).shape == (0,)
    assert solver.token_matches(ids, none).shape == (0, 0)


def test_without_native_kernels_the_same_rows_are_right(make_solver: MakeSolver) -> None:
    solver = make_solver()
    rows = encode_problems(list(Domain(max_operand=12)), solver.format, solver.vocabulary)
    ours, theirs = TeacherForcing(solver.model), TeacherForcing(solver.model, plain=True)
    assert (ours.token_matches(rows.ids, rows.lengths) == theirs.token_matches(rows.ids, rows.lengths)).all()
    exact = ours.exact_rows(rows.ids, np.maximum(rows.lengths - 1, 1), rows.lengths)
    assert (exact == theirs.exact_rows(rows.ids, np.maximum(rows.lengths - 1, 1), rows.lengths)).all()
