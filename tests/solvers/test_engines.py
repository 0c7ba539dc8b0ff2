"""Which engine answers, and that a solver answers the same whichever it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.native import library
from longhand.native.library import load
from longhand.solvers import autoregressive
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.base import Completion
from longhand.solvers.native import why_not_native
from longhand.text.formats import Format

pytestmark = pytest.mark.skipif(load() is None, reason="no native kernels: no compiler when longhand was installed")

MakeSolver = Callable[..., AutoregressiveSolver]

numbers = st.integers(0, 999)
prompts = st.lists(
    st.one_of(st.builds("{}{}{}=".format, numbers, st.sampled_from("+-"), numbers), st.sampled_from(["7+", "12", "-"])),
    min_size=1,
    max_size=30,
)
ways = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"temperature": st.floats(0.1, 3), "seed": st.integers(0, 99)}),
    st.fixed_dictionaries({"temperature": st.floats(0.1, 3), "top_k": st.integers(1, 20)}),
)


def _essence(completion: Completion) -> tuple[object, ...]:
    return completion.prompt, completion.text, completion.answer, completion.token_ids, completion.finish_reason


@pytest.mark.parametrize("name", ["gpt2", "llama2"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=prompts,
    how=ways,
    limit=st.one_of(st.none(), st.integers(1, 30)),
    batch_size=st.sampled_from([1, 7, 1024]),
    max_seq_len=st.integers(8, 24),
)
def test_both_engines_answer_the_same(
    make_solver: MakeSolver,
    name: str,
    asked: list[str],
    how: dict[str, float],
    limit: int | None,
    batch_size: int,
    max_seq_len: int,
) -> None:
    ours, theirs = (make_solver(name, max_seq_len=max_seq_len, engine=engine) for engine in ("native", "torch"))
    assert (ours.engine, theirs.engine) == ("native", "torch")
    settings = {**how, "max_new_tokens": limit, "batch_size": batch_size}
    pairs = list(zip(ours.solve(asked, **settings), theirs.solve(asked, **settings), strict=True))
    assert [_essence(one) for one, _ in pairs] == [_essence(other) for _, other in pairs]
    for one, other in pairs:
        assert one.logprobs == pytest.approx(other.logprobs, rel=1e-3, abs=1e-3)


def test_without_native_kernels_the_answers_are_the_same(
    make_solver: MakeSolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [f"{a}+{7 * a}=" for a in range(40)]
    native = make_solver(max_new_tokens=9)
    answers = [_essence(c) for c in native.solve(asked)]
    monkeypatch.setenv("LONGHAND_NATIVE", "0")
    for cached in (library.load, library._find):
        cached.cache_clear()
    try:
        plain = make_solver(max_new_tokens=9)
        assert (native.engine, plain.engine) == ("native", "torch")
        assert [_essence(c) for c in plain.solve(asked)] == answers
    finally:
        monkeypatch.undo()
        for cached in (library.load, library._find):
            cached.cache_clear()


def test_many_prompts_are_handed_over_in_parts(make_solver: MakeSolver, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [f"{a}+{a % 3}=" for a in range(23)]
    solver = make_solver(max_new_tokens=6)
    for way in ({}, {"temperature": 1.5}):
        whole = [_essence(c) for c in solver.solve(asked, **way)]
        monkeypatch.setattr(autoregressive, "ROWS_PER_CALL", 5)
        assert [_essence(c) for c in solver.solve(asked, **way)] == whole
        monkeypatch.undo()


def test_of_equals_the_first_is_written_by_every_engine(make_solver: MakeSolver) -> None:
    for engine in ("native", "torch"):
        solver = make_solver(engine=engine)
        with torch.no_grad():
            solver.model.head.weight.zero_()  # type: ignore[union-attr]
        (completion,) = solver.solve(["1+1="], max_new_tokens=3)
        assert completion.token_ids == (0, 0, 0)
        assert completion.logprobs == pytest.approx([-2.890372] * 3)  # ln(1/18)


def test_weights_that_change_are_seen(make_solver: MakeSolver) -> None:
    solver, other = make_solver(engine="native"), make_solver(engine="torch")
    solver.solve(["1+1="])
    for one in (solver, other):
        with torch.no_grad():
            one.model.blocks[0].mlp.up.weight.mul_(-3)  # type: ignore[union-attr,operator]
    ours, theirs = solver.solve(["1+1=", "12-5="]), other.solve(["1+1=", "12-5="])
    assert [c.token_ids for c in ours] == [c.token_ids for c in theirs]
    fresh = make_solver(engine="torch")
    solver.model.load_state_dict(fresh.model.state_dict())
    assert solver.solve(["1+1="])[0].token_ids == fresh.solve(["1+1="])[0].token_ids


def test_a_model_with_hooks_is_computed_by_its_modules(make_solver: MakeSolver) -> None:
    solver = make_solver(engine="native")
    heard: list[int] = []
    handle = solver.model.blocks[1].register_forward_hook(lambda *_: heard.append(1))
    solver.solve(["1+1="])
    assert heard
    handle.remove()
    heard.clear()
    solver.solve(["1+1="])
    assert not heard


def test_what_cannot_be_decoded_natively_is_decoded_by_torch_or_refused_by_name(make_solver: MakeSolver) -> None:
    assert make_solver("mixtral").engine == "torch"
    with pytest.raises(UserError, match=r"engine native cannot decode this model \(mlp: moe has no kernel\)"):
        make_solver("mixtral", engine="native")
    assert "float32 or bfloat16" in str(why_not_native(make_solver().model.double()))


def test_worked_steps_are_written_by_both_engines(make_solver: MakeSolver) -> None:
    asked = ["99+21=", "7+5=", "123+456=", "99+21="]
    spelled = {"words": "cot16", "max_seq_len": 64, "format": Format(steps="columns")}
    ours, theirs = (make_solver(engine=engine, **spelled).solve(asked) for engine in ("native", "torch"))
    assert [_essence(c) for c in ours] == [_essence(c) for c in theirs]
