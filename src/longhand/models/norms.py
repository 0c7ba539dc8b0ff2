"""Normalisation of the residual stream before each part that reads it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from longhand.models.architecture import NormKind


class RMSNorm(nn.Module):
    """Divide by the root mean square over the last dimension, then scale per channel (arXiv:1910.07467)."""

    def __init__(self, d_model: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x` [..., d_model] to the same shape."""
        if x.device.type == "cpu" and x.requires_grad:
            scaled: Tensor = _CpuRootMeanSquare.apply(x, self.weight, self.eps)  # type: ignore[no-untyped-call]
            return scaled
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


class _CpuRootMeanSquare(torch.autograd.Function):
    """RMS norm with its gradient written out: on CPU torch derives it in about twice as many kernels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
        scale = norm.square_().div_(x.size(-1)).add_(eps).rsqrt_().to(x.dtype)
        unit = x * scale
        ctx.save_for_backward(unit, weight, scale)
        scaled: Tensor = unit * weight.to(x.dtype)
        return scaled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        unit, weight, scale = ctx.saved_tensors
        product = gradient * unit
        d_weight = product.sum(dim=tuple(range(product.dim() - 1))).to(weight.dtype)
        weight = weight.to(unit.dtype)
        # d_x = scale * (g w - unit * mean(g w unit)); the mean is a matrix-vector product with w
        mean = torch.matmul(product, weight).div_(-weight.numel()).unsqueeze(-1)
        d_x = torch.addcmul(gradient * weight, unit, mean).mul_(scale)
        return d_x, d_weight, None


def build_norm(kind: NormKind, d_model: int, eps: float) -> nn.Module:
    """The normalisation named `kind` over `d_model` channels."""
    if kind == "layernorm":
        return nn.LayerNorm(d_model, eps=eps)
    return RMSNorm(d_model, eps)
