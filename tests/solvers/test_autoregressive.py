from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.base import Completion, Solver, TeacherForced
from longhand.text.formats import Format

MakeSolver = Callable[..., AutoregressiveSolver]


def _essence(completion: Completion) -> tuple[object, ...]:
    return completion.text, completion.answer, completion.token_ids, completion.finish_reason


def test_it_is_a_solver_that_can_be_teacher_forced(make_solver: MakeSolver) -> None:
    solver = make_solver()
    assert isinstance(solver, Solver)
    assert isinstance(solver, TeacherForced)


def test_nothing_asked_nothing_answered(make_solver: MakeSolver) -> None:
    assert make_solver().solve([]) == []


def test_completions_come_in_the_order_of_the_prompts(make_solver: MakeSolver) -> None:
    prompts = ["951+11=", "7+", "1+1=", "12-5=", "1+1="]
    completions = make_solver().solve(prompts)
    assert [c.prompt for c in completions] == prompts
    assert _essence(completions[2]) == _essence(completions[4])


@pytest.mark.parametrize("asked", ["951+11", "951+11=", " 951 + 11 = ", "What is 951 + 11?"])
@pytest.mark.parametrize(
    "format", [Format(), Format(operand_width=3, answer_width=4, reverse_answer=True), Format(reverse_operands=True)]
)
def test_every_spelling_of_a_problem_is_read_in_the_format_of_the_model(
    make_solver: MakeSolver, asked: str, format: Format
) -> None:
    solver = make_solver(format=format)
    (plain,), (other,) = solver.solve(["951+11="]), solver.solve([asked])
    assert _essence(plain) == _essence(other)
    assert other.prompt == asked


def _write(solver: AutoregressiveSolver, text: str) -> None:
    """Make the model of `solver` write `text` and the end mark, whatever it reads."""
    script = [*solver.vocabulary.encode(text), solver.vocabulary.id_of("eos")]
    step = iter(script)

    def hook(module: torch.nn.Module, inputs: object, logits: torch.Tensor) -> torch.Tensor:
        forced = torch.full_like(logits, -5.0)
        forced[..., next(step)] = 5.0
        return forced

    solver.model.register_forward_hook(hook)


def test_the_answer_is_read_in_the_format_of_the_model(make_solver: MakeSolver) -> None:
    solver = make_solver(format=Format(operand_width=3, answer_width=4, reverse_answer=True))
    _write(solver, "2690")
    (completion,) = solver.solve(["951+11="])
    assert (completion.text, completion.answer, completion.finish_reason) == ("2690", "962", "stop")
    assert completion.token_ids == (5, 9, 12, 3, 2)
    assert all(-0.1 < logprob <= 0 for logprob in completion.logprobs)


@pytest.mark.parametrize("said", ["962=", "", "-962", "0962x"])
def test_what_is_no_answer_is_none(make_solver: MakeSolver, said: str) -> None:
    solver = make_solver(format=Format(answer_width=4), words="unified")
    _write(solver, said.replace("x", "s"))
    assert solver.solve(["951+11="])[0].answer is None


def test_worked_steps_stay_in_the_text_and_out_of_the_answer(make_solver: MakeSolver) -> None:
    solver = make_solver(words="cot16", max_seq_len=64)
    _write(solver, "<think>9+1=10 9+2+1=12</think>120")
    (completion,) = solver.solve(["99+21="])
    assert (completion.text, completion.answer) == ("<think>9+1=10 9+2+1=12</think>120", "120")


def test_a_beginning_is_read_as_it_is_and_its_answer_is_that_of_the_row(make_solver: MakeSolver) -> None:
    solver = make_solver()
    _write(solver, "3=10")
    (completion,) = solver.solve(["7+"])
    assert (completion.text, completion.answer) == ("3=10", "10")


def test_a_beginning_that_never_becomes_a_row_has_no_answer(make_solver: MakeSolver) -> None:
    solver = make_solver()
    _write(solver, "10")
    assert solver.solve(["7+"])[0].answer is None


def test_bos_can_be_all_a_model_is_given(make_solver: MakeSolver) -> None:
    solver = make_solver(format=Format(begin=True))
    _write(solver, "1+1=2")
    assert solver.solve([""])[0].answer == "2"


@pytest.mark.parametrize(
    ("prompt", "fault"),
    [
        ("", "'' is nothing this model can go on from"),
        ("12x=", "unknown character 'x' at position 3 of '12x='"),
        ("９+1=", "unknown character '９'"),
        ("2*3=", r"'\*'.*'2\*3='"),
        ("1111111+11111111=", "'1111111[+]11111111=' takes 17 tokens, more than the 16 this model reads"),
    ],
)
def test_a_prompt_that_cannot_be_asked_is_named(make_solver: MakeSolver, prompt: str, fault: str) -> None:
    with pytest.raises(UserError, match=fault) as caught:
        make_solver(words="poc16", max_seq_len=16).solve(["1+1=", prompt])
    assert "\n" not in str(caught.value)


def test_a_number_wider_than_the_format_is_named_with_its_prompt(make_solver: MakeSolver) -> None:
    with pytest.raises(UserError, match=r"'1000\+1=': 1000 has 4 digits"):
        make_solver(format=Format(operand_width=3)).solve(["1000+1="])


def test_the_domain_limits_what_is_written_and_the_context_always_does(make_solver: MakeSolver) -> None:
    small = Domain(max_operand=9)
    for solver, limit in (
        (make_solver(domain=small), 4 + 3),
        (make_solver(domain=small, max_new_tokens=5), 5),
        (make_solver(), 24 - 4 + 1),
        (make_solver(max_new_tokens=99), 24 - 4 + 1),
    ):
        _never_end(solver)
        (completion,) = solver.solve(["1+1="])
        assert completion.finish_reason == "length"
        assert len(completion.token_ids) == len(completion.logprobs) == limit
        assert len(solver.solve(["1+1="], max_new_tokens=2)[0].token_ids) == 2


def _never_end(solver: AutoregressiveSolver) -> None:
    def hook(module: torch.nn.Module, inputs: object, logits: torch.Tensor) -> torch.Tensor:
        forced = logits.clone()
        forced[..., solver.vocabulary.id_of("eos")] = -torch.inf
        return forced

    solver.model.register_forward_hook(hook)


def test_the_same_seed_draws_the_same_and_another_draws_another(make_solver: MakeSolver) -> None:
    solver = make_solver(max_new_tokens=12)
    prompts = [f"{a}+{a}=" for a in range(20)]
    first = [c.token_ids for c in solver.solve(prompts, temperature=2.0, seed=1)]
    assert [c.token_ids for c in solver.solve(prompts, temperature=2.0, seed=1)] == first
    assert [c.token_ids for c in solver.solve(prompts, temperature=2.0, seed=2)] != first


def test_a_prompt_asked_twice_is_drawn_twice(make_solver: MakeSolver) -> None:
    drawn = make_solver(max_new_tokens=12).solve(["1+1="] * 8, temperature=2.0)
    assert len({c.token_ids for c in drawn}) == 8


def test_drawing_the_likeliest_only_is_greedy(make_solver: MakeSolver) -> None:
    solver = make_solver(max_new_tokens=8)
    prompts = ["1+1=", "951+11=", "30-4="]
    greedy = [_essence(c) for c in solver.solve(prompts)]
    assert [_essence(c) for c in solver.solve(prompts, temperature=1.0, top_k=1)] == greedy


def test_a_beam_is_never_less_likely_than_greedy(make_solver: MakeSolver) -> None:
    solver = make_solver(max_new_tokens=12)
    prompts = [f"{a}+{b}=" for a in range(60) for b in (5, 77)]
    pairs = list(zip(solver.solve(prompts), solver.solve(prompts, beam=18), strict=True))
    finished = [(one, other) for one, other in pairs if one.finish_reason == other.finish_reason == "stop"]
    assert len(finished) > 3
    assert all(sum(beam.logprobs) >= sum(greedy.logprobs) - 1e-4 for greedy, beam in finished)
    assert any(beam.token_ids != greedy.token_ids for greedy, beam in finished)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"top_k": 3}, "top_k 3 has no effect"),
        ({"beam": 0}, "beam is 0; give at least 1"),
        ({"beam": 2, "temperature": 1.0}, "choose one"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_impossible_settings_are_refused(make_solver: MakeSolver, settings: dict[str, int], fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        make_solver().solve(["1+1="], **settings)
