"""A block that reads with a state instead of attention: Mamba (Gu & Dao, 2023, arXiv:2312.00752)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.reading import Reading

DT_RANGE = (1e-3, 1e-1)
"""Step sizes a fresh model begins with, spread evenly over their logarithms (section 3.6)."""


class StateCache:
    """What one block remembers of the tokens it has read: its last inputs to the convolution, and its state.

    `window` is [batch, d_conv - 1, d_inner], `state` [batch, d_inner, d_state]; both are None before the first token.
    """

    def __init__(self) -> None:
        self.length = 0
        self.window: Tensor | None = None
        self.state: Tensor | None = None

    def select(self, rows: Tensor) -> None:
        """Keep the given rows of the batch, in the given order; `rows` is int64 [new batch]."""
        if self.window is not None and self.state is not None:
            self.window, self.state = self.window.index_select(0, rows), self.state.index_select(0, rows)


class SelectiveStateSpace(nn.Module):
    """Every channel keeps `d_state` numbers h, which each token lets decay and adds to by as much as it decides itself.

    h_t = exp(dt_t A) h_{t-1} + dt_t B_t u_t and y_t = C_t h_t + D u_t, where u is the convolved input and dt, B and C
    are linear in it (algorithm 2). The y are gated by silu of a second half of the input, and mapped back to d_model.

    A (as log(-A), which starts at 1..d_state), D and the taps of the convolution are vectors because they are no
    matrices: nothing is multiplied by them, and they do not decay.
    """

    def __init__(self, d_model: int, *, d_state: int, d_conv: int, expand: int) -> None:
        super().__init__()
        self.d_inner, self.d_state, self.d_conv = expand * d_model, d_state, d_conv
        self.dt_rank = math.ceil(self.d_inner / 16)
        self.in_proj = nn.Linear(d_model, 2 * self.d_inner, bias=False)
        self.conv = nn.Parameter(torch.empty(self.d_inner * d_conv))
        self.conv_bias = nn.Parameter(torch.empty(self.d_inner))
        self.x_proj = nn.Linear(self.d_inner, self.dt_rank + 2 * d_state, bias=False)
        self.dt_proj = nn.Linear(self.dt_rank, self.d_inner, bias=False)
        self.dt_bias = nn.Parameter(torch.empty(self.d_inner))
        self.A_log = nn.Parameter(torch.empty(self.d_inner * d_state))
        self.D = nn.Parameter(torch.empty(self.d_inner))
        self.out_proj = nn.Linear(self.d_inner, d_model, bias=False)

    @torch.no_grad()
    def initialize(self) -> None:
        """Draw the taps and the step sizes, and set A and D, from torch's global random generator."""
        self.conv.uniform_(-(self.d_conv**-0.5), self.d_conv**-0.5)
        self.conv_bias.zero_()
        low, high = (math.log(dt) for dt in DT_RANGE)
        dt = self.dt_bias.uniform_(low, high).exp()
        self.dt_bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # softplus of it is dt
        self.A_log.copy_(torch.arange(1, self.d_state + 1).log().repeat(self.d_inner))
        self.D.fill_(1.0)

    def forward(self, x: Tensor, real: Tensor | None, cache: StateCache | None) -> Tensor:
        """Map `x` [batch, time, d_model] to the same shape; tokens that are not `real` [batch, time] leave no trace."""
        u, gate = self.in_proj(x).chunk(2, dim=-1)
        order = None
        if real is not None:
            order = (~real).to(torch.uint8).argsort(dim=1, stable=True)  # real tokens first, so none of them has a gap
            u, real = _take(u, order), real.gather(1, order)
        u = F.silu(self._convolve(u, real, cache))
        y = self._scan(u, real, cache) + self.D * u
        if order is not None:
            y = _take(y, order.argsort(dim=1))
        added: Tensor = self.out_proj(y * F.silu(gate))
        return added

    def _convolve(self, u: Tensor, real: Tensor | None, cache: StateCache | None) -> Tensor:
        """Each channel's weighted sum over its last d_conv inputs, of those before `u` too: [batch, time, d_inner]."""
        batch, time, width = u.shape
        window = u.new_zeros(batch, self.d_conv - 1, width) if cache is None or cache.window is None else cache.window
        inputs = torch.cat((window, u), dim=1)
        if cache is not None:
            lengths = u.new_full((batch,), time, dtype=torch.int64) if real is None else real.sum(dim=1)
            last = lengths[:, None] + torch.arange(self.d_conv - 1, device=u.device)
            cache.window = _take(inputs, last)
            cache.length += time
        taps = self.conv.view(self.d_inner, 1, self.d_conv).to(u.dtype)
        convolved: Tensor = F.conv1d(inputs.mT, taps, self.conv_bias.to(u.dtype), groups=self.d_inner)
        by_time: Tensor = convolved.mT
        return by_time

    def _scan(self, u: Tensor, real: Tensor | None, cache: StateCache | None) -> Tensor:
        """C_t h_t for each token of `u` [batch, time, d_inner], one token after the other."""
        dt, B, C = self.x_proj(u).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        dt = F.softplus(self.dt_proj(dt) + self.dt_bias)
        if real is not None:
            dt = dt * real[:, :, None]  # no time passes: nothing decays and nothing is added
        A = -self.A_log.view(self.d_inner, self.d_state).exp()
        decay = (dt[..., None] * A).exp()  # [batch, time, d_inner, d_state]
        added = (dt * u)[..., None] * B[:, :, None, :]
        h = torch.zeros_like(added[:, 0]) if cache is None or cache.state is None else cache.state
        states = []
        for t in range(u.size(1)):
            h = torch.addcmul(added[:, t], decay[:, t], h)
            states.append(h)
        if cache is not None:
            cache.state = h
        read: Tensor = (torch.stack(states, dim=1) * C[:, :, None, :]).sum(dim=-1)
        return read


class StateSpaceBlock(nn.Module):
    """x + mixer(norm(x)), with the norm and the mixer given."""

    def __init__(self, norm: nn.Module, mixer: SelectiveStateSpace, *, dropout: float) -> None:
        super().__init__()
        self.norm = norm
        self.mixer = mixer
        self.dropout = dropout

    def forward(self, x: Tensor, reading: Reading, cache: StateCache | None, keep: int) -> Tensor:
        """Map `x` [batch, time, d_model] to its last `keep` tokens [batch, keep, d_model]."""
        x = x + F.dropout(self.mixer(self.norm(x), reading.real, cache), self.dropout, self.training)
        return x[:, -keep:]


def _take(x: Tensor, places: Tensor) -> Tensor:
    """The tokens of `x` [batch, time, width] at `places` [batch, n]: [batch, n, width]."""
    return x.gather(1, places[:, :, None].expand(-1, -1, x.size(2)))
