from __future__ import annotations

import math

import pytest
import torch

from longhand.errors import UserError
from longhand.solvers.sampling import greedy, sample, token_logprobs
from longhand.solvers.text_solver import check_sampling

LOGITS = torch.tensor([0.5, 2.0, -1.0, 2.0, 0.0])


def _grid(n: int) -> torch.Tensor:
    return (torch.arange(n, dtype=torch.float64) + 0.5) / n


def test_greedy_takes_the_first_of_equals() -> None:
    assert greedy(torch.stack([LOGITS, torch.zeros(5)])).tolist() == [1, 0]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("top_k", [None, 1, 3, 5, 99])
def test_tokens_are_drawn_as_often_as_they_are_likely(temperature: float, top_k: int | None) -> None:
    n = 20_000
    drawn = sample(LOGITS.expand(n, -1), _grid(n), temperature, top_k)
    kept = LOGITS.double().sort(descending=True, stable=True).indices[:top_k]
    wanted = torch.zeros(5, dtype=torch.float64)
    wanted[kept] = (LOGITS.double()[kept] / temperature).softmax(dim=0)
    assert torch.allclose(drawn.bincount(minlength=5).double() / n, wanted, atol=2 / n)


def test_the_row_alone_decides_what_it_draws() -> None:
    logits = torch.randn(64, 18, generator=torch.Generator().manual_seed(0))
    uniforms = _grid(64)
    together = sample(logits, uniforms, 1.3, 7)
    alone = [sample(logits[i : i + 1], uniforms[i : i + 1], 1.3, 7).item() for i in range(64)]
    assert together.tolist() == alone


@pytest.mark.parametrize("temperature", [1e-9, 1e-300])
def test_a_temperature_near_zero_is_greedy_even_where_logits_are_large(temperature: float) -> None:
    logits = torch.randn(32, 18, generator=torch.Generator().manual_seed(1)) * 1e4
    assert torch.equal(sample(logits, _grid(32), temperature), greedy(logits))


def test_the_largest_random_number_stays_inside_the_kept_tokens() -> None:
    almost_one = torch.tensor([math.nextafter(1.0, 0.0)], dtype=torch.float64)
    assert sample(LOGITS[None], almost_one, 1.0).item() == 2  # the least likely
    assert sample(LOGITS[None], almost_one, 1.0, 2).item() == 3


def test_logprobs_are_those_of_the_whole_distribution() -> None:
    chosen = torch.tensor([3])
    assert token_logprobs(LOGITS[None], chosen).item() == pytest.approx(
        2.0 - math.log(sum(math.exp(x) for x in LOGITS.tolist()))
    )


@pytest.mark.parametrize(
    ("temperature", "top_k", "fault"),
    [
        (-1.0, None, "temperature is -1; give 0"),
        (math.inf, None, "temperature is inf"),
        (math.nan, None, "temperature is nan"),
        (1.0, 0, "top_k is 0; give at least 1"),
        (0.0, 5, "top_k 5 has no effect at temperature 0"),
    ],
)
def test_impossible_settings_are_refused(temperature: float, top_k: int | None, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        check_sampling(temperature, top_k)
