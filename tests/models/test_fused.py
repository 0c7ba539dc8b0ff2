"""The fused pass computes what the plain modules and autograd compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.models.fused import FusedDecoder, why_not_fused
from longhand.models.rows import plan_rows
from longhand.native.kernels import Kernels
from longhand.native.library import load

pytestmark = pytest.mark.skipif(load() is None, reason="no native kernels: no compiler when longhand was installed")

VOCAB = 11


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    head_width, n_heads = draw(st.sampled_from([6, 8, 16, 20, 32])), draw(st.sampled_from([1, 2, 4]))
    swiglu = draw(st.booleans())
    return ModelConfig(
        name="gpt2",
        d_model=head_width * n_heads,
        n_heads=n_heads,
        n_kv_heads=draw(st.sampled_from([n for n in (1, 2, 4) if n_heads % n == 0])),
        n_layers=draw(st.integers(1, 3)),
        d_ff=draw(st.sampled_from([16, 48] if swiglu else [9, 32, 50])),
        max_seq_len=40,
        norm=draw(st.sampled_from(["layernorm", "rmsnorm"])),
        mlp="swiglu" if swiglu else draw(st.sampled_from(["relu", "gelu"])),
        pos_encoding=draw(st.sampled_from(["learned", "sinusoidal", "rope", "none"])),
        tie_weights=draw(st.booleans()),
        attention_bias=draw(st.booleans()),
        mlp_bias=draw(st.booleans()),
    )


def make_pair(config: ModelConfig, seed: int) -> tuple[Decoder, Decoder]:
    """Two equal models whose gains and biases are not the ones and zeros they start from."""
    ours, theirs = build_model(config, VOCAB, seed=seed), build_model(config, VOCAB, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            a += 0.1 * torch.randn(a.shape, generator=generator)
            b.copy_(a)
    return ours, theirs


def make_batch(seed: int, *, ragged: bool, alike: bool) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    batch, time, keep = int(rng.integers(1, 40)), int(rng.integers(2, 22)), 0
    keep = int(rng.integers(0, time))
    ids = rng.integers(0, VOCAB, (batch, time))
    if alike:
        ids[:, : time // 2] = ids[:1, : time // 2]
    length = rng.integers(min(keep + 1, time), time + 1, batch) if ragged else np.full(batch, time)
    weights = (rng.random((batch, time - keep)) < 0.8).astype(np.float32)
    weights *= np.arange(keep, time) < length[:, None]
    targets = rng.integers(0, VOCAB, (batch, time - keep))
    return {"ids": ids, "length": length, "keep": keep, "weights": weights, "targets": targets}


def plain_loss(model: Decoder, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.from_numpy(batch["ids"])
    logits = model(ids, logits_to_keep=ids.size(1) - batch["keep"])
    losses = F.cross_entropy(
        logits.flatten(0, 1).float(), torch.from_numpy(batch["targets"]).flatten(), reduction="none"
    )
    return torch.dot(losses, torch.from_numpy(batch["weights"]).flatten()), logits


@settings(max_examples=60, deadline=None)
@given(configs(), st.integers(0, 2**31), st.booleans(), st.booleans())
def test_logits_loss_and_gradients_are_those_of_the_plain_model(
    config: ModelConfig, seed: int, ragged: bool, alike: bool
) -> None:
    ours, theirs = make_pair(config, seed)
    batch = make_batch(seed, ragged=ragged, alike=alike)
    fused = FusedDecoder(ours, FlatParameters.of(ours))
    plan = plan_rows(batch["ids"], batch["length"], VOCAB, batch["keep"])
    loss, logits = plain_loss(theirs, batch)
    real = plan.kept_of >= 0
    torch.testing.assert_close(fused.logits(plan)[plan.kept_of[real]], logits[torch.from_numpy(real)].detach())
    for _ in range(2):  # gradients add up
        assert fused.add_gradients(plan, batch["targets"], batch["weights"], 0.25) == pytest.approx(
            loss.item(), rel=1e-5
        )
    (0.5 * loss).backward()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert a.grad is not None
        grad = torch.zeros_like(b) if b.grad is None else b.grad
        scale = float(grad.abs().max())
        torch.testing.assert_close(a.grad, grad, rtol=1e-3, atol=1e-4 * scale + 1e-6, msg=lambda m, n=name: f"{n}: {m}")


@settings(max_examples=20, deadline=None)
@given(configs(), st.integers(0, 2**31))
def test_in_bfloat16_it_is_no_farther_from_float32_than_autocast_is(config: ModelConfig, seed: int) -> None:
    assume(config.mlp != "relu")  # rounding puts some inputs on the other side of its corner, here and in autocast
    ours, theirs = make_pair(config, seed)
    batch = make_batch(seed, ragged=False, alike=False)
    fused = FusedDecoder(ours, FlatParameters.of(ours), torch.bfloat16)
    plan = plan_rows(batch["ids"], batch["length"], VOCAB, batch["keep"])
    loss, _ = plain_loss(theirs, batch)
    loss.backward()
    exact = torch.cat([p.grad.flatten() for p in theirs.parameters() if p.grad is not None])
    theirs.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        plain_loss(theirs, batch)[0].backward()
    rounded = torch.cat([p.grad.flatten() for p in theirs.parameters() if p.grad is not None])
    got_loss = fused.add_gradients(plan, batch["targets"], batch["weights"], 1.0)
    got = torch.cat([p.grad.flatten() for p in ours.parameters() if p.grad is not None])
    size = exact.norm() + 1e-6
    assert (got - exact).norm() / size <= 1.5 * (rounded - exact).norm() / size + 0.01
    assert got_loss == pytest.approx(loss.item(), rel=0.05, abs=0.05)


def test_far_below_zero_an_activation_is_zero_and_far_above_it_changes_nothing() -> None:
    kernels: Any = Kernels("float32")
    x = torch.tensor([[-1e4, -50.0, -12.0, 0.0, 12.0, 50.0, 1e4]])
    out = torch.empty_like(x)
    kernels.activate_gelu(1, 7, x.data_ptr(), 0, out.data_ptr())
    torch.testing.assert_close(out, F.gelu(x, approximate="tanh"), atol=1e-6, rtol=1e-6)


def test_choices_are_the_first_of_the_largest_with_their_lead() -> None:
    model, _ = make_pair(ModelConfig(d_model=16, n_heads=2, n_layers=1, max_seq_len=8, tie_weights=False), 3)
    assert model.head is not None
    with torch.no_grad():
        model.head.weight[5] = model.head.weight[2]
    fused = FusedDecoder(model, FlatParameters.of(model))
    plan = plan_rows(np.arange(VOCAB)[:, None], np.ones(VOCAB), VOCAB)
    logits = fused.logits(plan).clone()
    choice, lead, size = fused.choices(plan)
    choice, lead, size, logits = (array[:VOCAB] for array in (choice, lead, size, logits))
    top = logits.topk(2).values
    assert choice.tolist() == logits.argmax(dim=1).tolist()
    assert 5 not in choice
    np.testing.assert_allclose(lead, (top[:, 0] - top[:, 1]).numpy())
    np.testing.assert_allclose(size, logits.abs().amax(dim=1).numpy())


def test_what_it_cannot_compute_it_says() -> None:
    def reason(**keys: Any) -> str | None:
        return why_not_fused(build_model(ModelConfig(d_model=16, n_heads=2, n_layers=1, max_seq_len=8, **keys), VOCAB))

    assert reason() is None
    assert "moe" in str(reason(name="mixtral"))
    assert "dropout" in str(reason(dropout=0.1))
    assert "multiple of 16" in str(reason(name="llama2", d_ff=40))
    assert "float32" in str(why_not_fused(build_model(ModelConfig(d_model=16, n_layers=1), VOCAB).double()))
