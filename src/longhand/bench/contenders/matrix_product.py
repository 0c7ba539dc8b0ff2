"""The fastest arithmetic of the machine: products of large square matrices by `torch.mm`."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from longhand.bench.spec import PeakSpec, Precision


def peak_contender(spec: PeakSpec, precision: Precision = "fp32") -> Callable[[int], float]:
    """Find the size with the highest rate; the function that comes back does so many products of it.

    It returns the operations of one product, 2 n^3.
    """
    import torch

    dtype = torch.bfloat16 if spec.precision == "bf16" else torch.float32

    def product(size: int) -> Callable[[], object]:
        generator = torch.Generator().manual_seed(size)
        a, b = (torch.randn(size, size, generator=generator).to(dtype) for _ in range(2))
        out = torch.empty(size, size, dtype=dtype)
        return lambda: torch.mm(a, b, out=out)

    def rate(size: int) -> float:
        multiply = product(size)
        multiply()
        seconds = []
        for _ in range(3):
            began = perf_counter()
            multiply()
            seconds.append(perf_counter() - began)
        return size**3 / min(seconds)

    best = max(spec.sizes, key=rate)
    multiply = product(best)

    def run(steps: int) -> float:
        for _ in range(steps):
            multiply()
        return 2.0 * best**3

    return run
