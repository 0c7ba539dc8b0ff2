from __future__ import annotations

import math

import pytest
import torch

from longhand.models.positions import (
    LearnedPositions,
    RotaryPositions,
    SinusoidalPositions,
    count_positions,
    rotate,
)


def test_rotation_keeps_lengths() -> None:
    x = torch.randn(3, 2, 7, 8, generator=torch.Generator().manual_seed(0))
    turned = rotate(x, RotaryPositions(7, 8, 10_000.0)(slice(0, 7)))
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1), atol=1e-5)
    assert torch.equal(turned[:, :, 0], x[:, :, 0])
    assert not torch.allclose(turned[:, :, 1], x[:, :, 1])


def test_products_of_rotated_vectors_depend_on_distance_only() -> None:
    rotary = RotaryPositions(40, 8, 10_000.0).double()
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64, generator=generator)

    def product(query_at: int, key_at: int) -> float:
        turned_q = rotate(q, rotary(slice(query_at, query_at + 1)))
        turned_k = rotate(k, rotary(slice(key_at, key_at + 1)))
        return float((turned_q * turned_k).sum())

    assert product(9, 4) == pytest.approx(product(35, 30), abs=1e-5)
    assert product(9, 4) != pytest.approx(product(9, 5), abs=1e-3)


@pytest.mark.row("S4-X1")
def test_rotation_turns_each_pair_by_position_times_its_frequency() -> None:
    rotary = RotaryPositions(6, 4, 100.0)
    x = torch.tensor([1.0, 0.0, 0.0, 0.0]).view(1, 1, 1, 4)  # first of the pair (0, 2), frequency 1
    turned = rotate(x, rotary(slice(5, 6))).flatten()
    assert torch.allclose(turned, torch.tensor([math.cos(5), 0.0, math.sin(5), 0.0]), atol=1e-6)
    x = torch.tensor([0.0, 0.0, 0.0, 1.0]).view(1, 1, 1, 4)  # second of the pair (1, 3), frequency 1/10
    turned = rotate(x, rotary(slice(5, 6))).flatten()
    assert torch.allclose(turned, torch.tensor([0.0, -math.sin(0.5), 0.0, math.cos(0.5)]), atol=1e-6)


@pytest.mark.row("S0-B10")
def test_sinusoids_are_those_of_the_paper() -> None:
    table = SinusoidalPositions(9, 6)(slice(0, 9))
    for position in range(9):
        for i in range(3):
            angle = position / 10_000 ** (2 * i / 6)
            assert table[position, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[position, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_sinusoids_of_an_odd_width_end_on_a_sine() -> None:
    table = SinusoidalPositions(9, 5)(slice(0, 9))
    assert table.shape == (9, 5)
    assert table[8, 4].item() == pytest.approx(math.sin(8 / 10_000 ** (4 / 5)), abs=1e-6)


@pytest.mark.parametrize("kind", [LearnedPositions, SinusoidalPositions])
def test_a_slice_and_a_table_of_positions_look_up_the_same_vectors(kind: type[torch.nn.Module]) -> None:
    positions = kind(9, 6)
    if isinstance(positions, LearnedPositions):
        positions.weight.data.normal_()
    where = torch.tensor([[2, 3, 4], [2, 3, 4]])
    assert torch.equal(positions(where), positions(slice(2, 5)).expand(2, 3, 6))


def test_positions_count_real_tokens_only() -> None:
    real = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 1, 0, 1]]).bool()
    assert count_positions(real).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 2, 2], [0, 0, 1, 1, 2]]
