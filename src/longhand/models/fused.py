"""A decoder's forward and backward pass written out over the rows of a batch, for short sequences on a CPU.

The plain modules are the reference, and tests hold this to it. Three things make it faster: rows that are the same in
several examples are computed once (`RowPlan`), everything that is no matrix product is a few passes of a native
kernel, and all arrays are kept from one step to the next.

Names: x is the residual stream, h = norm(x), d_y the gradient of the loss by y.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.models.rows import RowPlan
from longhand.native.kernels import AttentionIndex, AttentionShape, Kernels
from longhand.native.library import load, status

_MLPS = {"relu": ("up",), "gelu": ("up",), "swiglu": ("gate", "up")}


def why_not_fused(model: Decoder) -> str | None:
    """The reason why `FusedDecoder` cannot compute this model, or None if it can."""
    config = model.config
    if load() is None:
        return f"native kernels: {status()}"
    if any(p.device.type != "cpu" or p.dtype != torch.float32 for p in model.parameters()):
        return "its weights are not float32 numbers on the CPU"
    if config.mlp not in _MLPS:
        return f"mlp: {config.mlp} has no kernel"
    if config.dropout > 0 and model.training:
        return f"dropout {config.dropout:g} makes rows differ that begin alike"
    if config.mlp == "swiglu" and config.d_ff % 16:
        return f"swiglu needs a d_ff that is a multiple of 16, not {config.d_ff}"
    return None


@dataclass(slots=True)
class _Layer:
    """One block: its weights by name, and what the forward pass left for the backward pass."""

    weights: dict[str, Tensor]  # matrices in the type of the products
    vectors: dict[str, int]  # addresses of float32 gains and biases, 0 where there is none
    gradients: dict[str, Tensor]  # of matrices, in the type of the products
    slopes: dict[str, int]  # addresses of the float32 gradients of gains and biases


class FusedDecoder:
    """Computes what a `Decoder` and autograd would, with products in float32 or bfloat16; see `why_not_fused`.

    The residual stream, norms, softmax and loss are float32 in both; float32 is what evaluation asks for. Of the
    weights in bfloat16 there is a copy, which `refresh` makes anew after they change.
    """

    def __init__(self, model: Decoder, parameters: FlatParameters, dtype: torch.dtype = torch.float32) -> None:
        config = model.config
        self.model, self.parameters, self.dtype = model, parameters, dtype
        self.width, self.vocab_size, self.n_layers = config.d_model, model.vocab_size, config.n_layers
        self.hidden = config.d_ff
        self.eps, self.is_rms = config.norm_eps, int(config.norm == "rmsnorm")
        self.heads, self.kv_heads = config.n_heads, config.n_kv_heads
        self.head_width = config.d_model // config.n_heads
        self.mlp = config.mlp
        self.kernels: Any = Kernels(str(dtype).removeprefix("torch."))
        self.is_rounded = dtype == torch.bfloat16
        if self.is_rounded:
            self.rounded = torch.empty_like(parameters.weights, dtype=torch.bfloat16)
            self.rounded_gradients = torch.zeros_like(self.rounded)
        else:
            self.rounded, self.rounded_gradients = parameters.weights, parameters.gradients
        self.layers = [self._layer(f"blocks.{i}.") for i in range(self.n_layers)]
        self.norm, self.d_norm = self._vectors("norm."), self._vectors("norm.", parameters.gradients)
        head = "embedding.weight" if model.head is None else "head.weight"
        self.head, self.d_head = self._matrix(head), self._matrix(head, of_gradients=True)
        self._arrays: dict[str, Tensor] = {}
        self._saved: list[dict[str, Tensor]] = []
        self.refresh()

    def refresh(self) -> None:
        """Take over the weights as they are now."""
        if self.is_rounded:
            weights = self.parameters.weights
            self.kernels.round_to_bfloat16(weights.numel(), weights.data_ptr(), self.rounded.data_ptr())

    @torch.inference_mode()
    def logits(self, plan: RowPlan) -> Tensor:
        """Logits after each kept row, [n_kept, vocab], overwritten by the next call."""
        return self._forward(plan)

    def choices(self, plan: RowPlan) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """The likeliest token after each kept row, the first of equals, its lead over the next and the largest size.

        Lead and size are in logits; all three arrays are [n_kept]. For float32 only.
        """
        assert not self.is_rounded
        logits = self.logits(plan)
        choice = np.empty(plan.n_kept, dtype=np.int32)
        lead, size = np.empty(plan.n_kept, dtype=np.float32), np.empty(plan.n_kept, dtype=np.float32)
        arrays = (choice.ctypes.data, lead.ctypes.data, size.ctypes.data)
        self.kernels.find_leads(plan.n_kept, self.vocab_size, logits.data_ptr(), *arrays)
        return choice, lead, size

    @torch.inference_mode()
    def add_gradients(
        self, plan: RowPlan, targets: NDArray[np.int64], weights: NDArray[np.float32], factor: float
    ) -> float:
        """Add the gradient of `factor` times the loss to the parameters' gradients; returns the loss in nats.

        The loss is the sum over tokens of `weights` times the cross-entropy of `targets`, both [B, T - keep]. Weights
        have to be 0 on padding.
        """
        kernels = self.kernels
        logits = self._forward(plan)
        row_of = np.ascontiguousarray(plan.kept_of)
        targets, weights = np.ascontiguousarray(targets), np.ascontiguousarray(weights)
        loss: float = kernels.cross_entropy(
            row_of.size,
            plan.n_kept,
            self.vocab_size,
            logits.data_ptr(),
            row_of.ctypes.data,
            targets.ctypes.data,
            weights.ctypes.data,
            factor,
        )
        self._backward(plan, logits)
        return loss

    # ---- forwards

    def _forward(self, plan: RowPlan) -> Tensor:
        n, d = plan.n_rows, self.width
        self._saved = []
        x = self._array("entries", plan.n_entries, d, torch.float32)
        positions = self._positions()
        self.kernels.embed(
            plan.n_entries,
            d,
            self.model.embedding.weight.data_ptr(),
            plan.entry_token.ctypes.data,
            0 if positions is None else positions.data_ptr(),
            plan.entry_position.ctypes.data,
            x.data_ptr(),
        )
        delta: Tensor | None = None
        bias = 0
        for i, layer in enumerate(self.layers):
            is_first, is_last = i == 0, i == self.n_layers - 1
            start = plan.first_kept if is_last else 0
            rows = plan.n_entries if is_first else n
            h, saved = self._add_norm(f"{i}.attention", x, None, delta, bias, layer.vectors, "attention_norm", rows)
            x = saved["y"]
            gathered = self._attend(plan, i, layer, h, saved)
            added = self._product(f"{i}.out", gathered, layer.weights["out"])
            index = plan.entry_of_row[start:] if is_first else None
            below = x if is_first else x[start:]
            bias = layer.vectors["attention.out.bias"]
            h, mlp_saved = self._add_norm(f"{i}.mlp", below, index, added, bias, layer.vectors, "mlp_norm", n - start)
            x = mlp_saved["y"]
            up = self._product(f"{i}.up", h, layer.weights["up"])
            active = self._array(f"{i}.active", n - start, self.hidden)
            activate = getattr(self.kernels, f"activate_{self.mlp}")
            activate(n - start, self.hidden, up.data_ptr(), layer.vectors["up.bias"], active.data_ptr())
            delta = self._product(f"{i}.down", active, layer.weights["down"])
            bias = layer.vectors["mlp.down.bias"]
            self._saved.append(
                {**saved, "gathered": gathered, "up": up, "active": active}
                | {f"mlp_{name}": array for name, array in mlp_saved.items()}
            )
        h, saved = self._add_norm("final", x, None, delta, bias, self.norm, "norm", plan.n_kept)
        self._saved.append(saved)
        return self._product("logits", h, self.head)

    def _attend(self, plan: RowPlan, i: int, layer: _Layer, h: Tensor, saved: dict[str, Tensor]) -> Tensor:
        """Project and attend; returns the gathered values of the layer's rows."""
        is_first, is_last = i == 0, i == self.n_layers - 1
        start = plan.first_kept if is_last else 0
        qkv_bias = layer.weights.get("qkv.bias")
        if is_last and not is_first:
            q = self._product(f"{i}.q", h[start:], layer.weights["q"])
            kv = self._product(f"{i}.kv", h, layer.weights["kv"])
            if qkv_bias is not None:
                q += qkv_bias[: self.width]
                kv += qkv_bias[self.width :]
            saved |= {"q": q, "kv": kv}
        else:
            qkv = self._product(f"{i}.qkv", h, layer.weights["qkv"])
            if qkv_bias is not None:
                qkv += qkv_bias
            saved |= {"qkv": qkv}
        gathered = self._array(f"{i}.gathered", plan.n_rows - start, self.width)
        shape, index, (q_at, k_at, v_at) = self._attention(plan, i, saved)
        _zero(gathered, plan, start)
        out_at = gathered.data_ptr() - start * self.width * gathered.element_size()
        self.kernels.attend(ctypes.addressof(shape), ctypes.addressof(index), q_at, k_at, v_at, out_at)
        return gathered

    def _attention(
        self, plan: RowPlan, i: int, saved: dict[str, Tensor]
    ) -> tuple[AttentionShape, AttentionIndex, tuple[int, int, int]]:
        """The arguments of the attention kernels: sizes, tables, and the addresses of row 0 of q, k and v."""
        is_first, is_last = i == 0, i == self.n_layers - 1
        rows = plan.entry_of if is_first else plan.row_of
        first = plan.own_kept if is_last else plan.own
        rotary = self.model.rotary
        index = AttentionIndex(
            query=rows.ctypes.data,
            key=rows.ctypes.data,
            output=plan.row_of.ctypes.data,
            first=first.ctypes.data,
            length=plan.length.ctypes.data,
            cos=0 if rotary is None else rotary.cos.data_ptr(),
            sin=0 if rotary is None else rotary.sin.data_ptr(),
        )
        size = self.rounded.element_size()
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

    def _add_norm(
        self,
        name: str,
        x: Tensor,
        index: NDArray[np.int32] | None,
        delta: Tensor | None,
        delta_bias: int,
        vectors: dict[str, int],
        norm: str,
        rows: int,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return h, the norm of y = x + delta + delta_bias; `index` names the rows of x, unless they come in turn."""
        y = self._array(f"{name}.y", rows, self.width, torch.float32)
        h = self._array(f"{name}.h", rows, self.width)
        mean, scale = (self._array(f"{name}.{part}", rows, 1, torch.float32) for part in ("mean", "scale"))
        self.kernels.add_norm(
            rows,
            self.width,
            x.data_ptr(),
            0 if index is None else index.ctypes.data,
            0 if delta is None else delta.data_ptr(),
            delta_bias,
            vectors[f"{norm}.weight"],
            vectors[f"{norm}.bias"],
            self.eps,
            self.is_rms,
            y.data_ptr(),
            h.data_ptr(),
            mean.data_ptr(),
            scale.data_ptr(),
        )
        return h, {"h": h, "y": y, "mean": mean, "scale": scale}

    # ---- backwards

    def _backward(self, plan: RowPlan, d_logits: Tensor) -> None:
        n, d, start = plan.n_rows, self.width, plan.first_kept
        saved = self._saved[-1]
        d_x = self._array("d_x", n, d, torch.float32)
        d_x.zero_()
        d_h = self._product_backward("head", d_logits, self.head, saved["h"], self.d_head)
        for i in range(self.n_layers - 1, -1, -1):
            layer, saved = self.layers[i], self._saved[i]
            start = plan.first_kept if i == self.n_layers - 1 else 0
            rows = n - start
            above = self._saved[i + 1]
            gains, slopes = (self.norm, self.d_norm) if i == self.n_layers - 1 else self._gains(i + 1)
            norm = "norm" if i == self.n_layers - 1 else "attention_norm"
            d_down = self._array("d_delta", rows, d)
            self._norm_backward(d_h, above, gains, slopes, norm, d_x[start:], d_down, layer.slopes["mlp.down.bias"])
            d_active = self._product_backward(
                "down", d_down, layer.weights["down"], saved["active"], layer.gradients["down"]
            )
            up, d_up = saved["up"], self._array("d_up", rows, layer.weights["up"].size(0))
            getattr(self.kernels, f"activate_{self.mlp}_backward")(
                rows,
                self.hidden,
                up.data_ptr(),
                layer.vectors["up.bias"],
                d_active.data_ptr(),
                d_up.data_ptr(),
                layer.slopes["up.bias"],
            )
            d_h = self._product_backward("up", d_up, layer.weights["up"], saved["mlp_h"], layer.gradients["up"])
            d_added = self._array("d_delta", rows, d)
            mlp_saved = {name: saved[f"mlp_{name}"] for name in ("y", "mean", "scale")}
            self._norm_backward(
                d_h,
                mlp_saved,
                layer.vectors,
                layer.slopes,
                "mlp_norm",
                d_x[start:],
                d_added,
                layer.slopes["attention.out.bias"],
            )
            d_gathered = self._product_backward(
                "out", d_added, layer.weights["out"], saved["gathered"], layer.gradients["out"]
            )
            d_h = self._attend_backward(plan, i, layer, saved, d_gathered)
        self._embedding_backward(plan, d_h, d_x[start:])
        self._collect_gradients()

    def _attend_backward(
        self, plan: RowPlan, i: int, layer: _Layer, saved: dict[str, Tensor], d_gathered: Tensor
    ) -> Tensor:
        """Backwards through attention and its projection; returns the gradient of the projection's input."""
        start = plan.first_kept if i == self.n_layers - 1 else 0
        n, size = len(saved["h"]), d_gathered.element_size()
        n_sums = n if i == 0 else plan.n_shared
        shape, index, (q_at, k_at, v_at) = self._attention(plan, i, saved)
        joint = "qkv" in saved
        d_kv = self._array("d_qkv", n, saved["qkv" if joint else "kv"].size(1))
        sums = self._array("d_qkv.sums", n_sums, d_kv.size(1), torch.float32)
        sums.zero_()
        if joint:
            d_q, q_sums, n_q_sums, k_column = d_kv, sums.data_ptr(), n_sums, self.width
            d_q_at = d_q.data_ptr()
        else:
            d_q, q_sums, n_q_sums, k_column = self._array("d_q", n - start, self.width), 0, 0, 0
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
            return self._product_backward("qkv", d_kv, weights["qkv"], h, gradients["qkv"])
        if "qkv.bias" in gradients:
            gradients["qkv.bias"] += torch.cat((d_q.sum(0), d_kv.sum(0)))
        d_h = self._product_backward("kv", d_kv, weights["kv"], h, gradients["kv"])
        d_h[start:] += self._product_backward("q", d_q, weights["q"], h[start:], gradients["q"])
        return d_h

    def _embedding_backward(self, plan: RowPlan, d_h: Tensor, d_rows: Tensor) -> None:
        """From the residual stream of the rows and the first norm of the entries down to the two tables."""
        kernels, d, u = self.kernels, self.width, plan.n_entries
        index = np.ascontiguousarray(plan.entry_of_row[plan.n_rows - len(d_rows) :])
        d_entries = self._array("d_entries", u, d, torch.float32)
        d_entries.zero_()
        kernels.add_rows(len(d_rows), d, d_rows.data_ptr(), index.ctypes.data, d_entries.data_ptr())
        gains, slopes = self._gains(0)
        self._norm_backward(d_h, self._saved[0], gains, slopes, "attention_norm", d_entries, None, 0)
        spread = d_entries.data_ptr()
        tokens = self.parameters.view(self.parameters.gradients, "embedding.weight")
        kernels.add_rows(u, d, spread, plan.entry_token.ctypes.data, tokens.data_ptr())
        if "positions.weight" in self.parameters.spans:
            positions = self.parameters.view(self.parameters.gradients, "positions.weight")
            kernels.add_rows(u, d, spread, plan.entry_position.ctypes.data, positions.data_ptr())

    def _norm_backward(
        self,
        d_h: Tensor,
        saved: dict[str, Any],
        gains: dict[str, int],
        slopes: dict[str, int],
        norm: str,
        d_y: Tensor,
        d_delta: Tensor | None,
        d_delta_bias: int,
    ) -> None:
        """Add to `d_y` the gradient that comes through the norm, and copy it to `d_delta`."""
        self.kernels.norm_backward(
            len(d_y),
            self.width,
            d_h.data_ptr(),
            saved["y"].data_ptr(),
            saved["mean"].data_ptr(),
            saved["scale"].data_ptr(),
            gains[f"{norm}.weight"],
            self.is_rms,
            d_y.data_ptr(),
            0 if d_delta is None else d_delta.data_ptr(),
            slopes[f"{norm}.weight"],
            slopes[f"{norm}.bias"],
            d_delta_bias,
        )

    def _collect_gradients(self) -> None:
        """Add the gradients of the matrices, rounded as products are, to those of the parameters."""
        if not self.is_rounded:
            return
        gradients, rounded = self.parameters.gradients, self.rounded_gradients
        self.kernels.add_bfloat16(self.parameters.n_matrices, rounded.data_ptr(), gradients.data_ptr())

    # ---- matrix products and memory

    def _product(self, name: str, x: Tensor, weight: Tensor) -> Tensor:
        return torch.mm(x, weight.t(), out=self._array(name, x.size(0), weight.size(0)))

    def _product_backward(self, name: str, d_y: Tensor, weight: Tensor, x: Tensor, d_weight: Tensor) -> Tensor:
        """The gradient by x of the product x weight^T, given that by the product; `d_weight` gets the weight's."""
        if self.is_rounded:
            torch.mm(d_y.t(), x, out=d_weight)
        else:
            d_weight.addmm_(d_y.t(), x)
        return torch.mm(d_y, weight, out=self._array(f"d_{name}.input", x.size(0), x.size(1)))

    def _array(self, name: str, rows: int, columns: int, dtype: torch.dtype | None = None) -> Tensor:
        """An array of some finite content that is kept under its name, and grows when it has to."""
        kept = self._arrays.get(name)
        if kept is None or kept.numel() < rows * columns:
            kept = torch.zeros(rows * columns * 9 // 8, dtype=dtype or self.dtype)
            self._arrays[name] = kept
        return kept[: rows * columns].view(rows, columns)

    # ---- weights

    def _positions(self) -> Tensor | None:
        positions = self.model.positions
        if positions is None:
            return None
        table = positions.table if hasattr(positions, "table") else positions.weight
        assert isinstance(table, Tensor)
        return table

    def _layer(self, prefix: str) -> _Layer:
        names = {
            "qkv": ("attention.qkv.weight",),
            "out": ("attention.out.weight",),
            "up": tuple(f"mlp.{name}.weight" for name in _MLPS[self.mlp]),
            "down": ("mlp.down.weight",),
        }
        bias = f"{prefix}attention.qkv.bias"
        parts: list[dict[str, Tensor]] = []
        for of_gradients in (False, True):
            matrices = {
                key: self._matrix(*(prefix + name for name in value), of_gradients=of_gradients)
                for key, value in names.items()
            }
            matrices |= {"q": matrices["qkv"][: self.width], "kv": matrices["qkv"][self.width :]}
            if bias in self.parameters.spans:
                vector = self.parameters.gradients if of_gradients else self.rounded
                matrices["qkv.bias"] = self.parameters.view(vector, bias)
            parts.append(matrices)
        return _Layer(parts[0], self._vectors(prefix), parts[1], self._vectors(prefix, self.parameters.gradients))

    def _gains(self, i: int) -> tuple[dict[str, int], dict[str, int]]:
        return self.layers[i].vectors, self.layers[i].slopes

    def _matrix(self, *names: str, of_gradients: bool = False) -> Tensor:
        return self.parameters.view(self.rounded_gradients if of_gradients else self.rounded, *names)

    def _vectors(self, prefix: str, vector: Tensor | None = None) -> dict[str, int]:
        """Addresses of the gains and biases below `prefix` in `vector` (default: the weights), 0 where none is."""
        vector = self.parameters.weights if vector is None else vector
        up = f"{prefix}mlp.{_MLPS[self.mlp][0]}.bias"  # of gate and up, which lie side by side
        kept = ("attention_norm.weight", "attention_norm.bias", "mlp_norm.weight", "mlp_norm.bias")
        names = {"up.bias": up, **{name: prefix + name for name in (*kept, "attention.out.bias", "mlp.down.bias")}}
        if prefix == "norm.":
            names = {"norm.weight": "norm.weight", "norm.bias": "norm.bias"}
        spans, size = self.parameters.spans, vector.element_size()
        return {key: vector.data_ptr() + spans[name][0] * size if name in spans else 0 for key, name in names.items()}


def _zero(rows: Tensor, plan: RowPlan, start: int = 0) -> None:
    """Set idle rows to 0 in an array that has the rows from `start` on and is written example by example."""
    for idle in plan.idle:
        if idle.start >= start:
            rows[idle.start - start : idle.stop - start].zero_()
