"""Several processes that train one model: the only file that knows a rank.

Every process computes the gradient of its slice of the global batch; the sums are added in one flat exchange per step
that also carries the loss, the number of tokens and the wish to stop. Processes of one machine exchange through
shared memory, which at these sizes takes a tenth of what the network stack does. DistributedDataParallel would hide
communication behind the backward pass, which pays for large models. At a million parameters there is nothing to hide,
and one sum of all numbers gives the mean over the tokens of all processes, not the mean of the processes' means:
the very gradient one process would have.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from longhand.errors import UserError
from longhand.native.library import load
from longhand.native.shared_sum import SharedSum
from longhand.training.config import RuntimeConfig


@dataclass(frozen=True, slots=True)
class Group:
    """The place of this process among all that train together."""

    rank: int
    world: int
    device: torch.device
    is_local: bool = False  # all processes run on this machine, and it has the native library
    _shared: dict[int, SharedSum] = field(default_factory=dict)

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    @property
    def device_type(self) -> str:
        """Where they compute: cpu, cuda, mps."""
        return self.device.type

    @property
    def machine(self) -> str:
        """The same with the name of the processor, for the checkpoint."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else platform.machine()
        return f"{self.device.type} ({name})"

    def sum_numbers(self, numbers: Sequence[float]) -> list[float]:
        """The sums of numbers over all processes."""
        if self.world == 1:
            return list(numbers)
        sums = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return [float(number) for number in sums.tolist()]

    @torch.no_grad()
    def sum_gradients_(self, gradients: Tensor, extras: Tensor) -> Tensor:
        """Replace gradients [n] by their sums over all processes; returns the sums of `extras` [m], float32."""
        if self.world == 1:
            return extras
        flat = torch.cat([gradients, extras])
        if self.is_local and flat.device.type == "cpu":
            self._shared_sum(flat.numel()).sum_(flat.data_ptr())
        else:
            dist.all_reduce(flat)
        gradients.copy_(flat[: gradients.numel()])
        return flat[gradients.numel() :]

    def _shared_sum(self, n: int) -> SharedSum:
        if n not in self._shared:
            self._shared[n] = SharedSum(self.rank, n, self._gather)
        return self._shared[n]

    def _gather(self, value: Any) -> list[Any]:
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def wait_for_all(self) -> None:
        """Return when every process has come here."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def joined(runtime: RuntimeConfig) -> Iterator[Group]:
    """Join the processes torchrun started, or be alone; sets the number of threads, and puts it back afterwards."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    device = choose_device(runtime, int(os.environ.get("LOCAL_RANK", "0")))
    threads_before = torch.get_num_threads()
    torch.set_num_threads(runtime.threads or 1)
    try:
        if world > 1:
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo", rank=rank, world_size=world)
            dist.barrier()  # a process that fails at once must not leave the others half connected
        is_local = world == int(os.environ.get("LOCAL_WORLD_SIZE", world)) and load() is not None
        yield Group(rank, world, device, is_local)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
        torch.set_num_threads(threads_before)


def choose_device(runtime: RuntimeConfig, local_rank: int = 0) -> torch.device:
    """The device a configuration asks for; raises `UserError` if this machine does not have it."""
    name = runtime.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("runtime.device is cuda, but torch sees no CUDA device here; use auto or cpu")
    if name == "mps" and not torch.backends.mps.is_available():
        raise UserError("runtime.device is mps, but this machine has no Metal device; use auto or cpu")
    if name == "cuda":
        torch.cuda.set_device(local_rank)
        return torch.device("cuda", local_rank)
    return torch.device(name)
