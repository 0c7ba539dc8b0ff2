"""Asked token by token, a solver says what it writes when it is left alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.numpy_gpt.model import NumpyGPT
from longhand.numpy_gpt.parameters import Parameters, weight_shapes
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.base import NextToken, TokenChance
from longhand.solvers.numpy_solver import NumpySolver
from longhand.solvers.oracle import Oracle
from longhand.text.formats import Format

MakeSolver = Callable[..., AutoregressiveSolver]

PROMPTS = ["9+1=", "What is 8 - 3?", "0+0="]


@pytest.fixture(params=["torch", "native", "numpy", "oracle"])
def solver(request: pytest.FixtureRequest, make_solver: MakeSolver) -> NextToken:
    """Every kind of solver that writes token by token."""
    if request.param == "oracle":
        return Oracle(Domain(max_operand=99), Format(steps="columns"))
    random = make_solver(engine="auto" if request.param == "native" else "torch", max_new_tokens=6)
    if request.param != "numpy":
        return random
    config = random.model.config
    parameters = Parameters(weight_shapes(config, len(random.vocabulary)))
    parameters.load({name: tensor.numpy() for name, tensor in random.model.state_dict().items()})
    return NumpySolver(NumpyGPT(config, parameters), random.vocabulary, random.format, max_new_tokens=6)


@pytest.mark.row("S0-B16")
@pytest.mark.parametrize("prompt", PROMPTS)
def test_taking_the_likeliest_token_each_time_is_greedy_decoding(solver: NextToken, prompt: str) -> None:
    assert isinstance(solver, NextToken)
    (wanted,) = solver.solve([prompt])
    ids, written = solver.prompt_ids(prompt), list[TokenChance]()
    while len(written) < len(wanted.token_ids):
        likeliest, *others = solver.next_tokens([*ids, *(c.token_id for c in written)], 5)
        assert all(likeliest.logprob >= other.logprob for other in others)
        written.append(likeliest)
    completion = solver.complete(prompt, written)
    assert completion.token_ids == wanted.token_ids
    assert completion.logprobs == pytest.approx(wanted.logprobs, abs=1e-4)
    assert (completion.prompt, completion.text, completion.answer, completion.finish_reason) == (
        wanted.prompt, wanted.text, wanted.answer, wanted.finish_reason,
    )  # fmt: skip


def test_the_chances_of_all_tokens_sum_to_one(make_solver: MakeSolver) -> None:
    solver = make_solver()
    chances = solver.next_tokens(solver.prompt_ids("7+"), len(solver.vocabulary))
    assert sorted(chance.token_id for chance in chances) == list(range(len(solver.vocabulary)))
    assert math.fsum(math.exp(chance.logprob) for chance in chances) == pytest.approx(1)
    assert chances == sorted(chances, key=lambda chance: (-chance.logprob, chance.token_id))


def test_beyond_the_context_there_is_no_next_token(make_solver: MakeSolver) -> None:
    solver = make_solver(max_seq_len=4)
    assert solver.next_tokens([3, 4, 5, 6], 1)
    with pytest.raises(UserError, match=r"has 5 tokens, and this model reads 4"):
        solver.next_tokens([3, 4, 5, 6, 7], 1)


def test_an_unfinished_row_is_unfinished(solver: NextToken) -> None:
    assert solver.complete("9+1=", []).finish_reason == "length"
    assert solver.complete("9+1=", []).text == ""
