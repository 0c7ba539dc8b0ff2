"""How small a proved model can be: train many copies of one shape at once on its windows, and keep one that passes.

    python benchmarks/smallest_certified.py sum --d-model 3 --d-ff 6
    python benchmarks/smallest_certified.py signed --d-model 6 --d-ff 16 --n-layers 2 --keep DIR
    python benchmarks/smallest_certified.py                                   # only write the tables again

The copies differ in their seed and in their learning rate. Three quarters of a batch are drawn from the list of
windows, each as often as any other; the rest are windows that the copy was nearly wrong about when last asked, each
at most once. Every window is that of some problem of up to three digits. Training ends when one copy leads by more
than 0.5 after every window, and that copy is certified like any other model. Facts are kept in
docs/results/smallest.json, failures too.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from demo_seeds import processor, replace_table
from longhand.arithmetic.domain import Domain
from longhand.atomic import write_json
from longhand.certify.record import certify_model
from longhand.certify.rules.registry import windows_of
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.slot_attention import WindowedDecoder
from longhand.runs.checkpoint import Checkpoint, save_checkpoint
from longhand.text.formats import Format
from longhand.text.layouts.registry import LayoutName, layout

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "smallest.json"
PAGE = ROOT / "docs" / "results.md"
MIN_MARGIN = 0.5
LOOK_EVERY = 250
Weights = dict[str, Tensor]
"""The weights of all copies: [copies, ...]."""


class Copies:
    """Models of one shape that learn the windows of a layout side by side."""

    def __init__(self, config: ModelConfig, copies: int, rates: tuple[float, float], seed: int) -> None:
        assert config.layout is not None
        listed = windows_of(config.layout)
        self.windows, self.labels = torch.from_numpy(listed.windows), torch.from_numpy(listed.labels)
        self.random = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        models = [build_model(config, len(layout(config.layout).vocabulary)) for _ in range(copies)]
        self.model = models[0]
        assert isinstance(self.model, WindowedDecoder)
        for block in self.model.blocks:
            block.attention_norm, block.mlp_norm = self._norm(), self._norm()
        self.model.norm = self._norm()
        states = [model.state_dict() for model in models]
        self.weights: Weights = {name: torch.stack([state[name] for state in states]) for name in states[0]}
        low, high = (math.log(rate) for rate in rates)
        self.rates = torch.exp(low + (high - low) * torch.rand(copies, generator=self.random))
        self.first = {name: torch.zeros_like(w) for name, w in self.weights.items()}  # moments of Adam
        self.second = {name: torch.zeros_like(w) for name, w in self.weights.items()}
        self.margins = torch.full((copies, len(self.labels)), math.inf)
        self.steps = 0

    def _norm(self) -> torch.nn.Module:  # ours has a backward pass of its own, which vmap does not go through
        return torch.nn.RMSNorm(self.model.config.d_model, self.model.config.norm_eps)

    def logits(self, weights: Weights, windows: Tensor) -> Tensor:
        """Of one copy: [n, vocab]."""
        model: WindowedDecoder = self.model  # type: ignore[assignment]
        return functional_call(_Logits(model), {f"model.{name}": w for name, w in weights.items()}, (windows,))

    def learn(self, batch: int, rate: float) -> None:
        """One step of Adam (arXiv:1412.6980, betas 0.9 and 0.98); `rate` is the share of the highest learning rate."""
        chosen = self._draw(batch)

        def loss(weights: Weights, windows: Tensor, labels: Tensor) -> Tensor:
            return F.cross_entropy(self.logits(weights, windows), labels)

        gradients, _ = vmap(grad_and_value(loss))(self.weights, self.windows[chosen], self.labels[chosen])
        self.steps += 1
        for name, weights in self.weights.items():
            self.first[name].lerp_(gradients[name], 0.1)
            self.second[name].lerp_(gradients[name].square(), 0.02)
            mean = self.first[name] / (1 - 0.9**self.steps)
            spread = (self.second[name] / (1 - 0.98**self.steps)).sqrt_().add_(1e-8)
            rates = (self.rates * rate).view(-1, *[1] * (weights.dim() - 1))
            weights.sub_(rates * mean / spread)

    def look(self) -> Tensor:
        """By how much the right token leads after every window [copies, windows]."""
        with torch.no_grad():
            for start in range(0, len(self.labels), 2048):
                part = slice(start, start + 2048)
                logits = vmap(self.logits, in_dims=(0, None))(self.weights, self.windows[part])
                at = self.labels[part].expand(len(logits), -1)[..., None]
                right = logits.gather(2, at)[..., 0]
                self.margins[:, part] = right - logits.scatter(2, at, -math.inf).amax(-1)
        return self.margins

    def _draw(self, batch: int) -> Tensor:
        """The windows of each copy in the next batch: [copies, batch]."""
        n, copies = len(self.labels), len(self.margins)
        chosen = torch.randint(n, (copies, batch), generator=self.random)
        for copy in range(copies):
            hard = torch.nonzero(self.margins[copy] < 1).flatten()
            some = hard[torch.randperm(len(hard), generator=self.random)[: batch // 4]]
            chosen[copy, : len(some)] = some
        return chosen


class _Logits(torch.nn.Module):
    """What `functional_call` calls."""

    def __init__(self, model: WindowedDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, windows: Tensor) -> Tensor:
        return self.model.logits_of_distinct(windows)


def train(config: ModelConfig, arguments: argparse.Namespace, keep: Path) -> dict[str, Any]:
    """Train copies until one passes or the steps are spent; the facts of the attempt, the model certified in `keep`."""
    started = perf_counter()
    copies = Copies(config, arguments.copies, arguments.rates, arguments.seed)
    while copies.steps < arguments.steps:
        done = copies.steps / arguments.steps
        copies.learn(arguments.batch, min(1.0, (copies.steps + 1) / 100) * (1 - 0.98 * done))
        if copies.steps % LOOK_EVERY == 0 or copies.steps == arguments.steps:
            margins = copies.look()
            wrong, leads = (margins <= 0).sum(1), margins.amin(1)
            best = int(torch.where(wrong == 0, -1e3 - leads, wrong.float()).argmin())
            print(
                f"step {copies.steps:,}  {perf_counter() - started:.0f} s  fewest wrong {sorted(wrong.tolist())[:6]}"
                f"  best lead {leads[best]:.2f} at a rate of {copies.rates[best]:.3f}",
                flush=True,
            )
            if leads[best] > MIN_MARGIN:
                break
    facts = {
        "layout": config.layout,
        "d_model": config.d_model,
        "n_heads": config.n_heads,
        "n_layers": config.n_layers,
        "d_ff": config.d_ff,
        "tied": config.tie_weights,
        "parameters": copies.model.num_parameters(),
        "seed": arguments.seed,
        "copies": arguments.copies,
        "rates": list(arguments.rates),
        "batch": arguments.batch,
        "steps": copies.steps,
        "seconds": round(perf_counter() - started),
        "right_copies": int((wrong == 0).sum()),
        "fewest_wrong": int(wrong.min()),
    }
    if leads[best] > 0:
        model_of(config, {name: w[best] for name, w in copies.weights.items()}, facts, keep)
        report = certify_model(keep)
        facts |= {"windows": report["windows"]["count"], "smallest_lead": report["margin"]["min"]}
        facts |= {"bound": report["rounding"]["max_bound"], "learning_rate": float(copies.rates[best])}
    return facts


def model_of(config: ModelConfig, weights: Weights, facts: dict[str, Any], directory: Path) -> None:
    """Write one copy as a checkpoint."""
    assert config.layout is not None
    rows = layout(config.layout)
    checkpoint = Checkpoint(
        model=config.model_dump(mode="json"),
        weights={name: w.contiguous().numpy() for name, w in weights.items()},
        vocabulary=rows.vocabulary,
        format=Format(begin=True, notation="schoolbook"),
        domain=Domain(tuple(rows.operators), 2, 0, 999, "allow" if "-" in rows.operators else "reject"),
        training={
            "steps": facts["steps"],
            "examples": facts["steps"] * facts["batch"],
            "seconds": facts["seconds"],
            "seed": facts["seed"],
            "windows_drilled": len(windows_of(config.layout)),
            "data": {"source": "windows", "copies": facts["copies"]},
        },
    )
    save_checkpoint(directory, checkpoint)


def table(facts: dict[str, Any]) -> str:
    """The attempts as Markdown, the smallest shapes first."""
    columns = ("layout", "parameters", "width", "heads", "layers", "MLP", "copies", "right", "fewest wrong windows")
    columns += ("smallest lead", "bound on rounding", "steps", "time")
    lines = [f"| {' | '.join(columns)} |", f"|---|{'--:|' * (len(columns) - 1)}"]
    order = list(get_args(LayoutName))
    for run in sorted(facts["runs"], key=lambda run: (order.index(run["layout"]), run["parameters"], run["seed"])):
        cells = [run["layout"], *(f"{run[key]:,}" for key in ("parameters", "d_model", "n_heads", "n_layers", "d_ff"))]
        cells += [f"{run[key]:,}" for key in ("copies", "right_copies", "fewest_wrong")]
        proved = "smallest_lead" in run
        cells += [f"{run['smallest_lead']:.2f}", f"{run['bound']:.1e}"] if proved else ["", ""]
        lines.append(f"| {' | '.join(cells)} | {run['steps']:,} | {run['seconds']:,} s |")
    return "\n".join([*lines, "", f"Seconds of one busy core of {facts['machine']}, for all copies together.\n"])


def main() -> None:
    """Train if a layout is named, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layout", nargs="?", choices=get_args(LayoutName), help="what to learn")
    parser.add_argument("--d-model", type=int, default=4, help="width (4)")
    parser.add_argument("--n-heads", type=int, default=1, help="heads (1)")
    parser.add_argument("--n-layers", type=int, default=1, help="blocks (1)")
    parser.add_argument("--d-ff", type=int, default=8, help="hidden units of each MLP (8)")
    parser.add_argument("--copies", type=int, default=32, help="models trained at once (32)")
    parser.add_argument("--steps", type=int, default=10_000, help="steps at most (10,000)")
    parser.add_argument("--batch", type=int, default=512, help="windows in a batch of each copy (512)")
    parser.add_argument(
        "--rates",
        type=float,
        nargs=2,
        default=(0.02, 0.1),
        metavar="R",
        help="lowest and highest learning rate (0.02 0.1)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of all (0)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the proved model here")
    arguments = parser.parse_args()
    facts = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {"runs": []}
    if arguments.layout:
        torch.set_num_threads(1)
        sizes = {name: getattr(arguments, name) for name in ("d_model", "n_heads", "n_layers", "d_ff")}
        config = ModelConfig(name="windowed", layout=arguments.layout, tie_weights=True, **sizes)
        with TemporaryDirectory() as folder:
            run = train(config, arguments, arguments.keep or Path(folder) / "model")
        same = ("layout", *sizes, "seed", "copies")
        others = [other for other in facts["runs"] if any(other[key] != run[key] for key in same)]
        write_json(FACTS, {"machine": processor(), "runs": [*others, run]})
        facts = {"machine": processor(), "runs": [*others, run]}
    replace_table(PAGE, "smallest", table(facts))


if __name__ == "__main__":
    main()
