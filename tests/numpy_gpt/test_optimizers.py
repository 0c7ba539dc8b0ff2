from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longhand.numpy_gpt.optimizers import Adam, Sgd, average_and_clip
from longhand.numpy_gpt.parameters import Parameters

SHAPES = {"gain": (3,), "matrix": (2, 3), "bias": (2,)}


def side_by_side(ours, make_theirs, steps: int = 7) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """The same gradients to our optimizer and to one of torch's; the weights of both afterwards."""
    parameters = ours.parameters
    rng = np.random.default_rng(0)
    parameters.vector[...] = rng.normal(size=parameters.vector.shape)
    theirs = {name: torch.tensor(view.copy(), requires_grad=True) for name, view in parameters.weights.items()}
    optimizer = make_theirs(theirs)
    for step in range(steps):
        parameters.gradient[...] = rng.normal(size=parameters.vector.shape)
        for name, weight in theirs.items():
            weight.grad = torch.from_numpy(parameters.gradients[name].copy())
        rate = 0.1 / (step + 1)
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[-1]["lr"] = rate
        ours.step(rate)
        optimizer.step()
    return parameters.vector, np.concatenate(
        [theirs[name].detach().numpy().reshape(-1) for name in ("matrix", "gain", "bias")]
    )


@pytest.mark.row("S1-T2")
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adam_is_that_of_torch_bias_correction_and_decay_of_matrices_included(decay: float) -> None:
    adam = Adam(Parameters(SHAPES, np.float64), betas=(0.8, 0.95), eps=1e-6, weight_decay=decay)

    def theirs(weights: dict[str, torch.Tensor]) -> torch.optim.Optimizer:
        groups = [
            {"params": [weights["matrix"]], "weight_decay": decay},
            {"params": [weights["gain"], weights["bias"]], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, betas=(0.8, 0.95), eps=1e-6)

    ours, wanted = side_by_side(adam, theirs)
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)


@pytest.mark.row("S1-T2")
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_that_of_torch(momentum: float) -> None:
    sgd = Sgd(Parameters(SHAPES, np.float64), momentum=momentum)
    ours, wanted = side_by_side(sgd, lambda weights: torch.optim.SGD(weights.values(), lr=1, momentum=momentum))
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)


def test_the_first_step_of_adam_has_the_length_of_the_learning_rate() -> None:
    # Without bias correction, as in the system that posed the task, it is a tenth of that or three times as long.
    adam = Adam(Parameters({"weight": (5,)}, np.float64))
    adam.parameters.gradient[...] = [1e-3, -1e-3, 1.0, -1.0, 100.0]
    adam.step(0.01)
    np.testing.assert_allclose(adam.parameters.vector, [-0.01, 0.01, -0.01, 0.01, -0.01], rtol=1e-4)


@pytest.mark.bug("S1-4")
@given(st.floats(0.01, 10), st.floats(0.01, 10))
def test_a_clipped_gradient_keeps_its_direction(factor: float, largest: float) -> None:
    gradient = np.array([3.0, -4.0])
    assert average_and_clip(gradient, factor, largest) == pytest.approx(5 * factor)
    assert np.linalg.norm(gradient) <= largest * (1 + 1e-9)
    assert np.linalg.norm(gradient) == pytest.approx(min(5 * factor, largest), rel=1e-4)
    assert gradient[0] / gradient[1] == pytest.approx(-0.75)
