"""A decoder's forward and backward pass written out over the rows of a batch, for short sequences on a CPU.

The plain modules are the reference, and tests hold this to it. Three things make it faster: rows that are the same in
several examples are computed once (`RowPlan`), everything that is no matrix product is a few passes of a native
kernel, and all arrays are kept from one step to the next.

Names: x is the residual stream, h = norm(x), d_y the gradient of the loss by y.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.models.fused_attention import FusedAttention
from longhand.models.fused_weights import UPWARDS, FusedWeights
from longhand.models.plain import not_plain
from longhand.models.rows import RowPlan
from longhand.models.workspace import Workspace
from longhand.native.kernels import Kernels
from longhand.native.library import load, status


def why_not_fused(model: Decoder) -> str | None:
    """The reason why `FusedDecoder` cannot compute this model, or None if it can."""
    config = model.config
    if load() is None:
        return f"native kernels: {status()}"
    special = not_plain(config)
    if special is not None:
        return f"{special} has no kernel"
    if any(p.device.type != "cpu" or p.dtype != torch.float32 for p in model.parameters()):
        return "its weights are not float32 numbers on the CPU"
    if config.mlp not in UPWARDS:
        return f"mlp: {config.mlp} has no kernel"
    if config.dropout > 0 and model.training:
        return f"dropout {config.dropout:g} makes rows differ that begin alike"
    if config.mlp == "swiglu" and config.d_ff % 16:
        return f"swiglu needs a d_ff that is a multiple of 16, not {config.d_ff}"
    return None


class FusedDecoder:
    """Computes what a `Decoder` and autograd would, with products in float32 or bfloat16; see `why_not_fused`.

    The residual stream, norms, softmax and loss are float32 in both; float32 is what evaluation asks for. Of the
    weights in bfloat16 there is a copy, which `refresh` makes anew after they change.
    """

    def __init__(self, model: Decoder, parameters: FlatParameters, dtype: torch.dtype = torch.float32) -> None:
        config = model.config
        self.model, self.parameters = model, parameters
        self.width, self.vocab_size, self.n_layers = config.d_model, model.vocab_size, config.n_layers
        self.hidden = config.d_ff
        self.eps, self.is_rms = config.norm_eps, int(config.norm == "rmsnorm")
        self.mlp = config.mlp
        self.kernels: Any = Kernels(str(dtype).removeprefix("torch."))
        self.space = Workspace(dtype)
        self.weights = FusedWeights(model, parameters, dtype, self.kernels)
        self.attention = FusedAttention(model, self.kernels, self.space)
        self._saved: list[dict[str, Tensor]] = []

    def refresh(self) -> None:
        """Take over the weights as they are now."""
        self.weights.refresh()

    @torch.inference_mode()
    def logits(self, plan: RowPlan) -> Tensor:
        """Logits after each kept row, [n_kept, vocab], overwritten by the next call."""
        return self._forward(plan)

    def choices(self, plan: RowPlan) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """The likeliest token after each kept row, the first of equals, its lead over the next and the largest size.

        Lead and size are in logits; all three arrays are [n_kept]. For float32 only.
        """
        assert not self.weights.is_rounded
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
        x = self.space.array("entries", plan.n_entries, d, torch.float32)
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
        for i, layer in enumerate(self.weights.layers):
            is_first, is_last = i == 0, i == self.n_layers - 1
            start = plan.first_kept if is_last else 0
            rows = plan.n_entries if is_first else n
            h, saved = self._add_norm(f"{i}.attention", x, None, delta, bias, layer.vectors, "attention_norm", rows)
            x = saved["y"]
            gathered = self.attention.attend(plan, i, layer, h, saved)
            added = self.space.product(f"{i}.out", gathered, layer.weights["out"])
            index = plan.entry_of_row[start:] if is_first else None
            below = x if is_first else x[start:]
            bias = layer.vectors["attention.out.bias"]
            h, mlp_saved = self._add_norm(f"{i}.mlp", below, index, added, bias, layer.vectors, "mlp_norm", n - start)
            x = mlp_saved["y"]
            up = self.space.product(f"{i}.up", h, layer.weights["up"])
            active = self.space.array(f"{i}.active", n - start, self.hidden)
            activate = getattr(self.kernels, f"activate_{self.mlp}")
            activate(n - start, self.hidden, up.data_ptr(), layer.vectors["up.bias"], active.data_ptr())
            delta = self.space.product(f"{i}.down", active, layer.weights["down"])
            bias = layer.vectors["mlp.down.bias"]
            self._saved.append(
                {**saved, "gathered": gathered, "up": up, "active": active}
                | {f"mlp_{name}": array for name, array in mlp_saved.items()}
            )
        h, saved = self._add_norm("final", x, None, delta, bias, self.weights.norm, "norm", plan.n_kept)
        self._saved.append(saved)
        return self.space.product("logits", h, self.weights.head)

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
        y = self.space.array(f"{name}.y", rows, self.width, torch.float32)
        h = self.space.array(f"{name}.h", rows, self.width)
        mean, scale = (self.space.array(f"{name}.{part}", rows, 1, torch.float32) for part in ("mean", "scale"))
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
        d_x = self.space.array("d_x", n, d, torch.float32)
        d_x.zero_()
        d_h = self.space.product_backward("head", d_logits, self.weights.head, saved["h"], self.weights.d_head)
        for i in range(self.n_layers - 1, -1, -1):
            layer, saved = self.weights.layers[i], self._saved[i]
            start = plan.first_kept if i == self.n_layers - 1 else 0
            rows = n - start
            above = self._saved[i + 1]
            gains, slopes = (self.weights.norm, self.weights.d_norm) if i == self.n_layers - 1 else self._gains(i + 1)
            norm = "norm" if i == self.n_layers - 1 else "attention_norm"
            d_down = self.space.array("d_delta", rows, d)
            self._norm_backward(d_h, above, gains, slopes, norm, d_x[start:], d_down, layer.slopes["mlp.down.bias"])
            d_active = self.space.product_backward(
                "down", d_down, layer.weights["down"], saved["active"], layer.gradients["down"]
            )
            up, d_up = saved["up"], self.space.array("d_up", rows, layer.weights["up"].size(0))
            getattr(self.kernels, f"activate_{self.mlp}_backward")(
                rows,
                self.hidden,
                up.data_ptr(),
                layer.vectors["up.bias"],
                d_active.data_ptr(),
                d_up.data_ptr(),
                layer.slopes["up.bias"],
            )
            d_h = self.space.product_backward("up", d_up, layer.weights["up"], saved["mlp_h"], layer.gradients["up"])
            d_added = self.space.array("d_delta", rows, d)
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
            d_gathered = self.space.product_backward(
                "out", d_added, layer.weights["out"], saved["gathered"], layer.gradients["out"]
            )
            d_h = self.attention.attend_backward(plan, i, layer, saved, d_gathered)
        self._embedding_backward(plan, d_h, d_x[start:])
        self.weights.collect_gradients()

    def _embedding_backward(self, plan: RowPlan, d_h: Tensor, d_rows: Tensor) -> None:
        """From the residual stream of the rows and the first norm of the entries down to the two tables."""
        kernels, d, u = self.kernels, self.width, plan.n_entries
        index = np.ascontiguousarray(plan.entry_of_row[plan.n_rows - len(d_rows) :])
        d_entries = self.space.array("d_entries", u, d, torch.float32)
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

    def _positions(self) -> Tensor | None:
        positions = self.model.positions
        if positions is None:
            return None
        table = positions.table if hasattr(positions, "table") else positions.weight
        assert isinstance(table, Tensor)
        return table

    def _gains(self, i: int) -> tuple[dict[str, int], dict[str, int]]:
        return self.weights.layers[i].vectors, self.weights.layers[i].slopes
