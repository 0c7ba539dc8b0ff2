"""Sizes of a model small enough for a laptop; kept apart from what makes one, which needs torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SmallModel(BaseModel):
    """Sizes of a small model; its weights are random, so that it knows nothing until it is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden: int = Field(128, ge=2, description="width of the states (channels)")
    layers: int = Field(4, ge=1, description="layers (count)")
    heads: int = Field(4, ge=1, description="attention heads (count)")
    kv_heads: int = Field(2, ge=1, description="heads of keys and values, shared by the others (count)")
    intermediate: int | None = Field(None, ge=1, description="hidden width of the MLP (channels; default: 3 x hidden)")
    context: int = Field(1024, ge=16, description="longest sequence (tokens)")
    vocab: int = Field(1024, ge=1, description="tokens of the vocabulary (count, at most)")
    seed: int = Field(0, ge=0, description="seed of the weights")
