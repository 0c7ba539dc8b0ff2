"""The attention of a fused pass: its projections, and the kernels between them."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from longhand.models.decoder import Decoder
from longhand.models.fused_weights import FusedLayer
from longhand.models.rows import RowPlan
from longhand.models.workspace import Workspace
from longhand.native.kernels import AttentionIndex, AttentionShape


class FusedAttention:
    """Attention over the rows of a plan, forwards and backwards.

    The first layer projects entries instead of rows. The last one asks at kept rows only, so its queries are a product
    of their own, unless it is the first one too.
    """

    def __init__(self, model: Decoder, kernels: Any, space: Workspace) -> None:
        config = model.config
        self.rotary, self.kernels, self.space = model.rotary, kernels, space
        self.width, self.n_layers = config.d_model, config.n_layers
        self.heads, self.kv_heads = config.n_heads, config.n_kv_heads
        self.head_width = config.d_model // config.n_heads

    def attend(self, plan: RowPlan, i: int, layer: FusedLayer, h: Tensor, saved: dict[str, Tensor]) -> Tensor:
        """Project and attend; returns the gathered values of the layer's rows."""
        is_first, is_last = i == 0, i == self.n_layers - 1
        start = plan.first_kept if is_last else 0
        qkv_bias = layer.weights.get("qkv.bias")
        if is_last and not is_first:
            q = self.space.product(f"{i}.q", h[start:], layer.weights["q"])
            kv = self.space.product(f"{i}.kv", h, layer.weights["kv"])
            if qkv_bias is not None:
                q += qkv_bias[: self.width]
                kv += qkv_bias[self.width :]
            saved |= {"q": q, "kv": kv}
        else:
            qkv = self.space.product(f"{i}.qkv", h, layer.weights["qkv"])
            if qkv_bias is not None:
                qkv += qkv_bias
            saved |= {"qkv": qkv}
        gathered = self.space.array(f"{i}.gathered", plan.n_rows - start, self.width)
        shape, index, (q_at, k_at, v_at) = self._arguments(plan, i, saved)
        _zero(gathered, plan, start)
        out_at = gathered.data_ptr() - start * self.width * gathered.element_size()
        self.kernels.attend(ctypes.addressof(shape), ctypes.addressof(index), q_at, k_at, v_at, out_at)
        return gathered

    def _arguments(
        self, plan: RowPlan, i: int, saved: dict[str, Tensor]
    ) -> tuple[AttentionShape, AttentionIndex, tuple[int, int, int]]:
        """The arguments of the attention kernels: sizes, tables, and the addresses of row 0 of q, k and v."""
        is_first, is_last = i == 0, i == self.n_layers - 1
        rows = plan.entry_of if is_first else plan.row_of
        first = plan.own_kept if is_last else plan.own
        rotary = self.rotary
        index = AttentionIndex(
            query=rows.ctypes.data,
            key=rows.ctypes.data,
            output=plan.row_of.ctypes.data,
            first=first.ctypes.data,
            length=plan.length.ctypes.data,
            cos=0 if rotary is None else rotary.cos.data_ptr(),
            sin=0 if rotary is None else rotary.sin.data_ptr(),
        )
        size = self.space.dtype.itemsize
        if "qkv" in saved:
            qkv = saved["qkv"]
            q_stride = kv_stride = qkv.size(1)
            q_at = qkv.data_ptr()
            k_at = q_at + self.width * size
        else:
            q, kv = saved["q"], saved["kv"]
            q_stride, kv_stride = q.size(1), kv.size(1)
            q_at, k_at = q.data_ptr() - plan.first_kept * q_stride * size, kv.data_ptr()
        v_at = k_at + self.kv_heads * self.head_width * size
        batch, time = plan.row_of.shape
        shape = AttentionShape(
            batch=batch,
            time=time,
            heads=self.heads,
            kv_heads=self.kv_heads,
            width=self.head_width,
            q_stride=q_stride,
            kv_stride=kv_stride,
            out_stride=self.width,
            scale=self.head_width**-0.5,
        )
        return shape, index, (q_at, k_at, v_at)

    def attend_backward(
        self, plan: RowPlan, i: int, layer: FusedLayer, saved: dict[str, Tensor], d_gathered: Tensor
    ) -> Tensor:
        """Backwards through attention and its projection; returns the gradient of the projection's input."""
        start = plan.first_kept if i == self.n_layers - 1 else 0
        n, size = len(saved["h"]), d_gathered.element_size()
        n_sums = n if i == 0 else plan.n_shared
        shape, index, (q_at, k_at, v_at) = self._arguments(plan, i, saved)
        joint = "qkv" in saved
        d_kv = self.space.array("d_qkv", n, saved["qkv" if joint else "kv"].size(1))
        sums = self.space.array("d_qkv.sums", n_sums, d_kv.size(1), torch.float32)
        sums.zero_()
        if joint:
            d_q, q_sums, n_q_sums, k_column = d_kv, sums.data_ptr(), n_sums, self.width
            d_q_at = d_q.data_ptr()
        else:
            d_q, q_sums, n_q_sums, k_column = self.space.array("d_q", n - start, self.width), 0, 0, 0
            d_q_at = d_q.data_ptr() - start * self.width * size
        self.kernels.attend_backward(
            ctypes.addressof(shape),
            ctypes.addressof(index),
            q_at,
            k_at,
            v_at,
            d_gathered.data_ptr() - start * self.width * size,
            d_q_at,
            q_sums,
            n_q_sums,
            d_kv.data_ptr(),
            sums.data_ptr(),
            n_sums,
            d_q.size(1),
            d_kv.size(1),
            k_column,
            k_column + self.kv_heads * self.head_width,
        )
        d_kv[:n_sums].copy_(sums)
        if i > 0:  # entries have all been summed
            _zero(d_kv, plan)
        if not joint:
            _zero(d_q, plan, start)
        h, weights, gradients = saved["h"], layer.weights, layer.gradients
        if joint:
            if "qkv.bias" in gradients:
                gradients["qkv.bias"] += d_kv.sum(0)
            return self.space.product_backward("qkv", d_kv, weights["qkv"], h, gradients["qkv"])
        if "qkv.bias" in gradients:
            gradients["qkv.bias"] += torch.cat((d_q.sum(0), d_kv.sum(0)))
        d_h = self.space.product_backward("kv", d_kv, weights["kv"], h, gradients["kv"])
        d_h[start:] += self.space.product_backward("q", d_q, weights["q"], h[start:], gradients["q"])
        return d_h


def _zero(rows: Tensor, plan: RowPlan, start: int = 0) -> None:
    """Set idle rows to 0 in an array that has the rows from `start` on and is written example by example."""
    for idle in plan.idle:
        if idle.start >= start:
            rows[idle.start - start : idle.stop - start].zero_()
