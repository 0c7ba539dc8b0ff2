from __future__ import annotations

import torch

from longhand.models.masks import CausalBias, is_right_padded


def test_a_query_sees_itself_and_what_came_before() -> None:
    seen = CausalBias(8)(2, 4) == 0
    assert seen.tolist() == [[True, True, True, False], [True, True, True, True]]


def test_the_triangle_grows_to_what_is_asked_and_no_further() -> None:
    bias = CausalBias(1000)
    assert bias.triangle.size(0) < 1000
    whole = bias(600, 600)
    assert whole.shape == (600, 600)
    assert torch.equal(whole == 0, torch.ones(600, 600, dtype=torch.bool).tril())
    assert bias.triangle.size(0) == 1000


def test_the_triangle_is_no_weight() -> None:
    assert not CausalBias(8).state_dict()


def test_padding_sees_itself_only_and_is_seen_by_none() -> None:
    seen = CausalBias(8).padded(torch.tensor([[False, True, True], [True, True, False]]), 2) == 0
    assert seen.tolist() == [[[False, True, False], [False, True, True]], [[True, True, False], [True, True, True]]]


def test_right_padding_is_recognised() -> None:
    assert is_right_padded(torch.tensor([[True, True, False], [True, True, True]]))
    assert is_right_padded(torch.tensor([[False, False]]))
    assert not is_right_padded(torch.tensor([[True, True, False], [False, True, True]]))
