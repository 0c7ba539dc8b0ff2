"""Mamba: a state that each token writes to and reads from, in place of attention (arXiv:2312.00752).

What makes it itself: a block has no heads, no MLP and no positions. It reads a sequence of any length into a state of
one size, so that the next token costs the same however many came before.
"""

from __future__ import annotations

from longhand.models.architecture import Architecture

MAMBA = Architecture(
    name="mamba",
    paper="Gu and Dao (2023), Mamba: Linear-Time Sequence Modeling with Selective State Spaces, arXiv:2312.00752",
    block="ssm",
    norm="rmsnorm",
    mlp="relu",
    pos_encoding="none",
    attention_bias=False,
    mlp_bias=False,
    residual_init_scaling=True,
)
