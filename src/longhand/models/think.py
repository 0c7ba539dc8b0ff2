"""The decoder that learned to add by thinking aloud: post-norm, ReLU, sinusoidal positions.

What makes it itself: norms follow the sums they normalise (arXiv:1706.03762, section 3.1), token embeddings are
scaled by sqrt(d_model) before fixed sines are added, and the head is a matrix of its own. With `block`, `n_loops`,
`pos_encoding` and `softmax` it becomes its universal, feedback, PoPE and softmax1 variants.
"""

from __future__ import annotations

from longhand.models.architecture import Architecture

THINK = Architecture(
    name="think",
    paper="Vaswani et al. (2017), Attention Is All You Need, arXiv:1706.03762, its decoder alone",
    norm="layernorm",
    norm_place="post",
    mlp="relu",
    pos_encoding="sinusoidal",
    scale_embeddings=True,
    tie_weights=False,
    attention_bias=True,
    mlp_bias=True,
    residual_init_scaling=False,
    dropout_places=("attention", "residual"),
)
