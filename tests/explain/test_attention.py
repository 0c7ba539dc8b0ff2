"""Where a model looked is what its attention computed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from longhand.errors import UserError
from longhand.explain.attention import attention_weights
from longhand.explain.trace import trace
from longhand.models.attention import Attention
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.solvers.load import load

NAMES = ("gpt2", "llama2", "mixtral")


@torch.inference_mode()
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("softmax", ["standard", "softmax1"])
def test_values_weighted_by_what_is_shown_are_what_attention_adds(name: str, softmax: str) -> None:
    config = ModelConfig(name=name, d_model=16, n_heads=4, n_kv_heads=2, n_layers=2, max_seq_len=8, softmax=softmax)
    model = build_model(config, 11, seed=0)
    ids = torch.tensor([1, 4, 2, 9, 4])
    outputs, inputs = [], []
    for block in (module for module in model.modules() if isinstance(module, Attention)):
        block.register_forward_hook(lambda _, given, added: inputs.append(given) or outputs.append(added))
    shown = torch.from_numpy(attention_weights(model, ids))
    assert shown.shape == (2, 4, 5, 5)
    assert (shown.triu(1) == 0).all()
    if softmax == "standard":
        torch.testing.assert_close(shown.sum(-1), torch.ones(2, 4, 5))
    blocks = [module for module in model.modules() if isinstance(module, Attention)]
    for block, weights, given, added in zip(blocks, shown, inputs, outputs, strict=True):
        x, _, rotation, _, _ = given
        values = block._project(x, rotation, 5)[2][:, 0].repeat_interleave(2, dim=0)  # [heads, time, head_dim]
        gathered = (weights @ values).permute(1, 0, 2).reshape(5, 16)
        torch.testing.assert_close(block.out(gathered), added[0], rtol=1e-4, atol=1e-5)


def test_a_model_without_attention_has_none_to_show() -> None:
    model = build_model(ModelConfig(name="mamba", d_model=16, n_layers=1, max_seq_len=8), 11, seed=0)
    with pytest.raises(UserError, match="this attention is not shown"):
        attention_weights(model, torch.tensor([1, 2]))


@pytest.mark.parametrize(
    ("name", "prompt"), [("add-sub-3", "951+11="), ("certified-add-3", "58+77="), ("four-3", "951/11=")]
)
def test_a_trace_is_the_answer_of_the_solver_token_by_token(name: str, prompt: str) -> None:
    solver = load(name)
    (wanted,) = solver.solve([prompt])
    found = trace(solver, prompt)
    tokens = solver.vocabulary.tokens
    assert [step.text for step in found.steps] == [tokens[token] for token in wanted.token_ids]
    assert found.completion.answer == wanted.answer
    for place, step in enumerate(found.steps, start=len(found.read)):
        assert all(source < place for source in step.looked)
        assert math.isclose(sum(step.looked.values()), 1, abs_tol=1e-3)
        assert step.text not in step.rivals
        assert all(logprob <= step.logprob for logprob in step.rivals.values())


def test_a_windowed_model_looks_at_its_slots_and_nowhere_else() -> None:
    solver = load("certified-add-3")
    step = trace(solver, "58+77=").steps[0]  # the units: both units, the delimiters beside them, the operator
    assert set(step.looked) <= {2, 3, 5, 6}
    assert np.isclose(sum(step.looked.values()), 1)
