"""What every task promises, and what each one prefers."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from longhand.arithmetic.carries import longest_chain
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.tasks import TASKS, Cascade, EvenLengths, Uniform, task
from longhand.arithmetic.verdict import Verdict, judge
from longhand.errors import UserError

DOMAINS = [
    Domain(),
    Domain(negatives="allow", min_operand=-250, max_operand=1200),
    Domain(("+", "-", "*", "/"), max_operand=99),
    Domain(("-", "/"), max_operand=400, division="remainder"),
    Domain(("+",), max_operand=10**20),
]
CHAINS = [
    Domain(("+", "-"), 4, 0, 99),
    Domain(("+", "-", "*", "/"), 3, 1, 9, semantics="left_to_right"),
    Domain(("-", "*"), 3, 5, 6),
]
CASES = [(name, domain) for name in TASKS for domain in (DOMAINS + CHAINS if name != "cascade" else DOMAINS)]


@dataclass(frozen=True)
class Said:
    answer: str | None
    finish_reason: str = "stop"


@pytest.mark.parametrize(("name", "domain"), CASES)
def test_every_sample_lies_in_its_domain_and_accepts_its_own_answer(name: str, domain: Domain) -> None:
    drawn = task(name, domain)
    rng = random.Random(0)
    for _ in range(30):
        problem = drawn.sample(rng)
        assert drawn.domain.contains(problem)
        assert judge(problem, Said(problem.answer), domain=domain) is Verdict.CORRECT


@pytest.mark.parametrize("name", TASKS)
def test_the_generator_alone_decides(name: str) -> None:
    one, other = ([task(name, Domain()).sample(rng) for _ in range(20)] for rng in map(random.Random, (1, 1)))
    assert one == other
    assert len(set(one)) > 10


def test_uniform_draws_every_problem_equally_often() -> None:
    domain = Domain(("+", "-", "/"), max_operand=3)
    rng = random.Random(0)
    draws = 200 * domain.size
    counts = Counter(Uniform(domain).sample(rng) for _ in range(draws))
    assert set(counts) == set(domain)
    chi_squared = sum((count - 200) ** 2 / 200 for count in counts.values())
    assert chi_squared < 2 * domain.size


@pytest.mark.parametrize(
    ("low", "high", "lengths"), [(0, 999, [1, 2, 3]), (-99, 9, [1, 2]), (50, 1200, [2, 3, 4]), (-300, -5, [1, 2, 3])]
)
def test_even_lengths_draw_every_length_equally_often(low: int, high: int, lengths: list[int]) -> None:
    domain = Domain(("+", "-"), min_operand=low, max_operand=high, negatives="allow")
    rng = random.Random(0)
    problems = [EvenLengths(domain).sample(rng) for _ in range(1500)]
    counts = Counter(len(str(abs(problem.operands[0]))) for problem in problems)
    assert sorted(counts) == lengths
    assert all(abs(count - 1500 / len(lengths)) < 150 for count in counts.values())
    assert abs(sum(problem.operators == ("+",) for problem in problems) - 750) < 100


def test_even_lengths_draw_every_number_of_a_length_equally_often() -> None:
    domain = Domain(("+",), min_operand=-4, max_operand=4, negatives="allow")
    rng = random.Random(0)
    counts = Counter(EvenLengths(domain).sample(rng).operands[1] for _ in range(1800))
    assert sorted(counts) == list(range(-4, 5))
    assert all(abs(count - 200) < 60 for count in counts.values())


def test_even_lengths_draw_exact_divisions_of_large_numbers() -> None:
    task = EvenLengths(Domain(("/",), max_operand=10**24 - 1))
    rng = random.Random(0)
    assert {len(str(task.sample(rng).operands[1])) for _ in range(500)} == set(range(1, 25))


@pytest.mark.parametrize("min_columns", [1, 2])
def test_cascades_travel_as_far_as_asked(min_columns: int) -> None:
    cascade = Cascade(Domain(max_operand=9999), min_columns)
    rng = random.Random(0)
    problems = [cascade.sample(rng) for _ in range(30)]
    assert all(longest_chain(problem) >= min_columns for problem in problems)
    assert {problem.operators for problem in problems} == {("+",), ("-",)}


@pytest.mark.parametrize(
    ("name", "domain", "message"),
    [
        ("cascade", Domain(("*",)), "cascade draws a+b and a-b, of which there are none in"),
        ("cascade", Domain(n_operands=3), "cascade draws a+b and a-b, of which there are none in"),
        ("cascades", Domain(), "unknown task 'cascades'; did you mean cascade?"),
        ("?", Domain(), "unknown task '?'; choose uniform, short, cascade"),
    ],
)
def test_an_impossible_task_gets_one_clear_line(name: str, domain: Domain, message: str) -> None:
    with pytest.raises(UserError) as refusal:
        task(name, domain)
    assert str(refusal.value).startswith(message)
    with pytest.raises(UserError, match="min_columns is 0"):
        Cascade(Domain(), 0)


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("uniform", Domain(("/",), max_operand=0)),
        ("short", Domain(("/",), max_operand=0)),
        ("cascade", Domain(max_operand=9)),
    ],
)
def test_a_task_that_finds_nothing_says_so(name: str, domain: Domain) -> None:
    with pytest.raises(UserError, match=r"among 100,000 draws from .*; widen its operands or operators"):
        task(name, domain).sample(random.Random(0))
