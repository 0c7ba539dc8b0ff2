from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.state_space import DT_RANGE, SelectiveStateSpace, StateCache


def _mixer(d_conv: int = 4) -> SelectiveStateSpace:
    torch.manual_seed(0)
    mixer = SelectiveStateSpace(6, d_state=3, d_conv=d_conv, expand=2)
    mixer.initialize()
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return mixer.double()


def _by_definition(mixer: SelectiveStateSpace, x: Tensor) -> Tensor:
    """One row [time, d_model], one token, channel and state at a time."""
    time, inner, n, taps = len(x), mixer.d_inner, mixer.d_state, mixer.d_conv
    u, gate = mixer.in_proj(x).chunk(2, dim=1)
    conv, A = mixer.conv.view(inner, taps), -mixer.A_log.view(inner, n).exp()
    h = torch.zeros(inner, n, dtype=x.dtype)
    out = []
    for t in range(time):
        v = torch.zeros(inner, dtype=x.dtype)
        for c in range(inner):
            past = [u[t - j, c] * conv[c, taps - 1 - j] for j in range(taps) if t - j >= 0]
            v[c] = F.silu(torch.stack(past).sum() + mixer.conv_bias[c])
        low, B, C = mixer.x_proj(v).split([mixer.dt_rank, n, n])
        dt = F.softplus(mixer.dt_proj(low) + mixer.dt_bias)
        y = torch.zeros(inner, dtype=x.dtype)
        for c in range(inner):
            for i in range(n):
                h[c, i] = torch.exp(dt[c] * A[c, i]) * h[c, i] + dt[c] * B[i] * v[c]
            y[c] = C @ h[c] + mixer.D[c] * v[c]
        out.append(mixer.out_proj(y * F.silu(gate[t])))
    return torch.stack(out)


@pytest.mark.row("S0-B9")
@pytest.mark.parametrize("d_conv", [1, 4])
@torch.no_grad()
def test_a_block_is_algorithm_2_of_the_paper(d_conv: int) -> None:
    mixer, x = _mixer(d_conv), torch.randn(2, 7, 6, dtype=torch.float64)
    got = mixer(x, None, None)
    for row in range(2):
        torch.testing.assert_close(got[row], _by_definition(mixer, x[row]))


@pytest.mark.row("S0-B9")
@pytest.mark.parametrize("d_conv", [1, 4])
@torch.no_grad()
def test_tokens_that_are_padding_leave_no_trace_in_window_or_state(d_conv: int) -> None:
    mixer, x = _mixer(d_conv), torch.randn(2, 7, 6, dtype=torch.float64)
    real = torch.tensor([[0, 1, 0, 0, 1, 1, 0], [1, 1, 1, 0, 1, 0, 0]]).bool()
    cache = StateCache()
    got = mixer(x, real, cache)
    more = torch.randn(2, 3, 6, dtype=torch.float64)
    after = mixer(more, None, cache)
    assert cache.length == 10
    for row in range(2):
        alone = _by_definition(mixer, torch.cat((x[row][real[row]], more[row])))
        torch.testing.assert_close(torch.cat((got[row][real[row]], after[row])), alone)


@pytest.mark.row("S0-B9")
def test_a_fresh_block_starts_as_the_paper_says() -> None:
    mixer = build_model(ModelConfig(name="mamba", d_model=24, n_layers=1), 16, seed=0).blocks[0].mixer
    assert (mixer.d_inner, mixer.d_state, mixer.d_conv, mixer.dt_rank) == (48, 16, 4, 3)
    assert torch.allclose(mixer.A_log.view(48, 16).exp(), torch.arange(1.0, 17.0).expand(48, 16))
    assert torch.equal(mixer.D, torch.ones(48))
    dt = F.softplus(mixer.dt_bias)
    assert DT_RANGE[0] <= dt.min() < 3 * DT_RANGE[0]
    assert DT_RANGE[1] / 3 < dt.max() <= DT_RANGE[1]


@pytest.mark.row("S0-B9")
@pytest.mark.parametrize(("d_model", "n_layers"), [(256, 5), (512, 7), (512, 15)])
def test_parameters_are_those_of_the_formula(d_model: int, n_layers: int) -> None:
    keys: dict[str, Any] = {"name": "think", "block": "ssm", "d_model": d_model, "n_layers": n_layers}
    with torch.device("meta"):
        model = build_model(ModelConfig(**keys), 16)
    inner, n, taps = 2 * d_model, 16, 4
    rank = math.ceil(inner / 16)
    mixer = 2 * inner * d_model + inner * (taps + 1) + inner * (rank + 2 * n) + rank * inner + inner
    mixer += inner * n + inner + inner * d_model
    assert model.num_parameters() == 2 * 16 * d_model + n_layers * (mixer + 2 * d_model) + 2 * d_model


def test_what_is_no_matrix_does_not_decay_like_one() -> None:
    mixer = build_model(ModelConfig(name="mamba", d_model=16, n_layers=1), 16).blocks[0].mixer
    matrices = {name for name, weight in mixer.named_parameters() if weight.dim() > 1}
    assert matrices == {f"{name}.weight" for name in ("in_proj", "x_proj", "dt_proj", "out_proj")}
