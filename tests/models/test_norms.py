from __future__ import annotations

import copy

import pytest
import torch

from longhand.models.norms import RMSNorm


def _reference(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return x * (x.pow(2).mean(-1, keepdim=True) + eps).rsqrt() * weight


def test_rms_norm_divides_by_the_root_mean_square() -> None:
    norm = RMSNorm(4, eps=0.0)
    unit = norm(torch.tensor([[3.0, -3.0, 3.0, -3.0]]))
    assert torch.allclose(unit, torch.tensor([[1.0, -1.0, 1.0, -1.0]]))


def test_the_written_out_gradient_is_the_derivative() -> None:
    norm = RMSNorm(5, eps=0.3).double()
    norm.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    x = torch.randn(2, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)

    def through(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(norm, {"weight": weight}, (x,))

    assert torch.autograd.gradcheck(through, (x, norm.weight))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_and_inference_compute_the_same_numbers(dtype: torch.dtype) -> None:
    norm = RMSNorm(8, eps=1e-5).to(dtype)
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    expected = _reference(x.float(), norm.weight.float(), 1e-5)
    tolerance = 1e-6 if dtype is torch.float32 else 0.02
    for candidate in (norm(x), norm(x.clone().requires_grad_())):
        assert candidate.dtype is dtype
        assert torch.allclose(candidate.float(), expected, atol=tolerance, rtol=tolerance)


def test_rows_of_zeros_stay_finite_in_both_directions() -> None:
    norm = RMSNorm(4, eps=1e-5)
    x = torch.zeros(2, 4, requires_grad=True)
    norm(x).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_a_frozen_input_still_trains_the_weight() -> None:
    norm = RMSNorm(4, eps=1e-5)
    trained = copy.deepcopy(norm)
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    norm(x).sum().backward()
    trained(x.clone().requires_grad_()).sum().backward()
    assert norm.weight.grad is not None
    assert trained.weight.grad is not None
    assert torch.allclose(norm.weight.grad, trained.weight.grad, atol=1e-6)
