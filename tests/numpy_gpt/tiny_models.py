"""Small models whose sizes are no multiples of anything, in float64, where a gradient can be checked to many digits."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from longhand.models.config import ModelConfig
from longhand.numpy_gpt.model import NumpyGPT
from longhand.numpy_gpt.parameters import initial_parameters

VOCAB = 7


def tiny_config(**keys: object) -> ModelConfig:
    return ModelConfig(**{"d_model": 6, "n_heads": 2, "n_layers": 2, "d_ff": 10, "max_seq_len": 9, **keys})


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    """Every choice the NumPy engine computes."""
    n_heads = draw(st.sampled_from([1, 2, 3]))
    return tiny_config(
        d_model=n_heads * draw(st.sampled_from([2, 3, 5])),
        n_heads=n_heads,
        n_layers=draw(st.integers(1, 3)),
        d_ff=draw(st.sampled_from([1, 5, 12])),
        mlp=draw(st.sampled_from(["gelu", "relu"])),
        pos_encoding=draw(st.sampled_from(["learned", "sinusoidal", "none"])),
        tie_weights=draw(st.booleans()),
        attention_bias=draw(st.booleans()),
        mlp_bias=draw(st.booleans()),
    )


def random_model(config: ModelConfig, seed: int = 0, dtype: type = np.float64) -> NumpyGPT:
    """A model whose weights are all large enough to matter, biases and norms too."""
    parameters = initial_parameters(config, VOCAB, seed, dtype)
    rng = np.random.default_rng(seed)
    parameters.vector += rng.normal(0, 0.4, parameters.vector.shape)
    return NumpyGPT(config, parameters)
