"""Small decoders of every architecture the native kernels know, with random weights."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder

VOCAB, EOS, CONTEXT = 7, 2, 24


@st.composite
def models(draw: st.DrawFn) -> Decoder:
    """Models whose sizes are no multiples of anything, whose norms and biases are not those of a fresh model."""
    head_width, n_heads = draw(st.sampled_from([4, 6, 8, 16, 32, 64])), draw(st.sampled_from([1, 2, 4]))
    swiglu = draw(st.booleans())
    config = ModelConfig(
        name="gpt2",
        d_model=head_width * n_heads,
        n_heads=n_heads,
        n_kv_heads=draw(st.sampled_from([n for n in (1, 2, 4) if n_heads % n == 0])),
        n_layers=draw(st.integers(1, 3)),
        d_ff=draw(st.sampled_from([10, 32, 51, 70])),
        max_seq_len=CONTEXT,
        norm=draw(st.sampled_from(["layernorm", "rmsnorm"])),
        mlp="swiglu" if swiglu else draw(st.sampled_from(["relu", "gelu"])),
        pos_encoding=draw(st.sampled_from(["learned", "sinusoidal", "rope", "none"])),
        tie_weights=draw(st.booleans()),
        attention_bias=draw(st.booleans()),
        mlp_bias=draw(st.booleans()),
        init_std=0.3,
    )
    model = build_model(config, VOCAB, seed=draw(st.integers(0, 2**31))).eval()
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model
