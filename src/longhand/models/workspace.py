"""Arrays that are kept from one step to the next, and matrix products into them."""

from __future__ import annotations

import torch
from torch import Tensor


class Workspace:
    """Memory by name for arrays of one number type, float32 or bfloat16; what is asked for again is overwritten."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._arrays: dict[str, Tensor] = {}

    def array(self, name: str, rows: int, columns: int, dtype: torch.dtype | None = None) -> Tensor:
        """An array [rows, columns] of some finite content that is kept under its name, and grows when it has to."""
        kept = self._arrays.get(name)
        if kept is None or kept.numel() < rows * columns:
            kept = torch.zeros(rows * columns * 9 // 8, dtype=dtype or self.dtype)
            self._arrays[name] = kept
        return kept[: rows * columns].view(rows, columns)

    def product(self, name: str, x: Tensor, weight: Tensor) -> Tensor:
        """X weight^T, for `x` [rows, inputs] and `weight` [outputs, inputs]."""
        return torch.mm(x, weight.t(), out=self.array(name, x.size(0), weight.size(0)))

    def product_backward(self, name: str, d_y: Tensor, weight: Tensor, x: Tensor, d_weight: Tensor) -> Tensor:
        """The gradient by x of x weight^T, given `d_y` by the product.

        The weight's is added to `d_weight` in float32; in bfloat16, where sums would lose digits, it replaces it.
        """
        if self.dtype == torch.bfloat16:
            torch.mm(d_y.t(), x, out=d_weight)
        else:
            d_weight.addmm_(d_y.t(), x)
        return torch.mm(d_y, weight, out=self.array(f"d_{name}.input", x.size(0), x.size(1)))
