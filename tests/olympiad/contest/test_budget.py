"""No promise is more than what is left, whatever problems, machines and clocks do."""

from __future__ import annotations

import importlib
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.olympiad.contest.budget import MARGIN, Budget
from longhand.olympiad.contest.clock import SteadyClock, system_clocks
from longhand.olympiad.contest.contract import PROBLEMS, RUN_SECONDS
from longhand.olympiad.contest.simulation import USUAL, Faults, simulate

ROOT = Path(__file__).parents[3]
TINY = 1e-6


class FakeClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


seconds = st.floats(0, 1e5, allow_nan=False)


@settings(max_examples=300)
@given(
    st.floats(0, 20_000),
    st.floats(0, 600),
    st.floats(0, 2_000),
    st.floats(0, 1),
    st.floats(0, 900),
    st.lists(st.tuples(st.floats(0, 1), st.one_of(st.just(0.0), st.floats(0, 500)), st.floats(-1e4, 10)), max_size=60),
)
def test_a_promise_and_the_reserves_after_it_are_never_more_than_is_left(
    limit: float,
    reserve: float,
    most: float,
    draw: float,
    start_up: float,
    problems: list[tuple[float, float, float]],
) -> None:
    """Each problem takes a part of its promise, then stalls, then the clock jumps (backwards too)."""
    clock = FakeClock()
    budget = Budget(
        limit=limit,
        problems=max(1, len(problems)),
        reserve=reserve,
        most=most,
        draw=draw,
        start_up=start_up,
        clock=clock,
    )
    overrun_allowed = shown = 0.0
    for number, (part, stall, jump) in enumerate(problems):
        if number == 1:
            budget.started()
        left, others = budget.left, len(problems) - number - 1
        promised = budget.promise()
        assert 0 <= promised <= most
        assert promised + others * min(reserve, left / (others + 1)) <= left + TINY
        assert promised >= min(most, reserve, left / (others + 1)) - TINY  # and never less than what it is sure of
        assert budget.remaining == others
        clock.now += part * promised + stall
        clock.now += max(jump, -clock.now)
        assert budget.elapsed >= shown
        shown = budget.elapsed
        overrun_allowed = (0.0 if left > 0 else overrun_allowed) + stall + max(0.0, jump)
    assert budget.elapsed <= limit + overrun_allowed + TINY


@given(seconds, seconds, st.integers(1, 60), st.floats(0, 1))
def test_promises_do_not_grow_with_the_time_that_has_passed(
    earlier: float, more: float, problems: int, draw: float
) -> None:
    def promised_at(now: float) -> float:
        clock = FakeClock()
        budget = Budget(problems=problems, draw=draw, clock=clock)
        clock.now = now
        return budget.promise()

    assert promised_at(earlier + more) <= promised_at(earlier) + TINY


@pytest.mark.row("S3-B3")
def test_if_every_problem_takes_all_it_is_given_they_take_the_limit_together() -> None:
    clock = FakeClock()
    budget = Budget(clock=clock)
    promises = []
    for _ in range(PROBLEMS):
        promises.append(budget.promise())
        clock.now += promises[-1]
    assert math.isclose(clock.now, RUN_SECONDS - MARGIN)
    assert (promises[0], promises[-1]) == (900.0, 300.0)


def test_what_quick_problems_leave_goes_to_the_bank_and_from_there_to_hard_ones() -> None:
    clock = FakeClock()
    budget = Budget(limit=1000, problems=10, reserve=100, most=300, draw=0.5, clock=clock)
    assert budget.bank == 0
    assert budget.promise() == 100
    clock.now += 20
    assert budget.bank == 80
    assert budget.promise() == 100 + 0.5 * 80
    assert Budget(limit=1000, problems=2, reserve=100, most=300, clock=FakeClock()).promise() == 300


def test_the_time_of_the_start_is_kept_back_until_it_is_over_and_then_only_what_it_took() -> None:
    clock = FakeClock()
    budget = Budget(limit=1000, problems=1, most=1000, start_up=600, clock=clock)
    assert budget.left == 400
    clock.now = 100
    assert budget.left == 300
    budget.started()
    assert budget.left == 900


def test_with_nothing_left_nothing_is_promised() -> None:
    clock = FakeClock()
    budget = Budget(limit=100, problems=3, clock=clock)
    clock.now = 101.0
    assert [budget.promise() for _ in range(5)] == [0.0] * 5
    assert budget.remaining == 0


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"limit": -1.0}, "limit = -1.0"),
        ({"reserve": math.nan}, "reserve = nan"),
        ({"most": math.inf}, "most = inf"),
        ({"problems": 0}, "problems = 0"),
        ({"draw": 1.5}, "draw = 1.5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(keys: dict[str, float], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        Budget(**keys)  # type: ignore[arg-type]


@given(
    st.lists(
        st.tuples(st.floats(0, 1000), st.integers(0, 2), st.one_of(st.just(0.0), st.floats(-1e6, 1e6))), max_size=40
    )
)
def test_of_three_clocks_any_one_may_jump(steps: list[tuple[float, int, float]]) -> None:
    """Between two readings the true time passes, and one clock of three jumps."""
    true, offsets = 0.0, [0.0, 5.0, -3e5]
    clock = SteadyClock([lambda i=i: true + offsets[i] for i in range(3)])  # type: ignore[misc]
    for passed, which, jump in steps:
        true += passed
        offsets[which] += jump
        assert math.isclose(clock(), true, abs_tol=1e-4)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=40))
def test_it_never_runs_backwards_whatever_all_clocks_do(steps: list[tuple[float, float]]) -> None:
    first, second = FakeClock(), FakeClock()
    for clock in (SteadyClock([first]), SteadyClock([first, second])):
        before = 0.0
        for first_jump, second_jump in steps:
            first.now += first_jump
            second.now += second_jump
            assert clock() >= before
            before = clock()


def test_a_machine_that_sleeps_is_noticed() -> None:
    monotonic, wall, boot = FakeClock(), FakeClock(), FakeClock()
    clock = SteadyClock([monotonic, wall, boot])
    wall.now = boot.now = 3600.0
    assert clock() == 3600.0
    assert 2 <= len(system_clocks()) <= 3
    assert 0 <= SteadyClock()() < 60


@pytest.mark.row("S3-C1", "S3-B3")
def test_a_thousand_contests_with_stalls_and_jumping_clocks_all_end_in_time() -> None:
    contests = [simulate(seed) for seed in range(1000)]
    assert not any(contest.overran for contest in contests)
    assert all(contest.answered == PROBLEMS for contest in contests)
    assert max(contest.seconds for contest in contests) > RUN_SECONDS - MARGIN  # some used all there was


def test_the_simulation_finds_rules_that_promise_too_much() -> None:
    overran = [simulate(seed, rule=lambda left, others: RUN_SECONDS / PROBLEMS).overran for seed in range(200)]
    assert any(overran)
    least_of_300 = Faults(long_stall=2000)
    assert any(
        simulate(seed, least_of_300, rule=lambda left, others: min(900, max(300, left - 300 * others))).overran
        for seed in range(200)
    )


@pytest.mark.row("S3-C1")
def test_the_published_table_is_that_of_the_facts_and_has_no_overrun_of_ours() -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        benchmark: Any = importlib.import_module("contest_simulation")
    finally:
        sys.path.pop(0)
    facts = json.loads(benchmark.FACTS.read_text(encoding="utf-8"))
    assert benchmark.table(facts) in benchmark.PAGE.read_text(encoding="utf-8")
    assert facts["faults"] == asdict(USUAL)
    assert facts["rules"].keys() == benchmark.RULES.keys()
    assert facts["rules"]["ours"]["contests"] == 10_000
    assert (facts["rules"]["ours"]["overran"], facts["rules"]["ours"]["not_all_answered"]) == (0, 0)
