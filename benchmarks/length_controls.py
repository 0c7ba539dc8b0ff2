"""Controls for the proof: what other schemes of positions reach on the rows and with the budget of `certified-add`.

    python benchmarks/length_controls.py                  # all runs there are no facts of, one thread
    python benchmarks/length_controls.py abacus coupled   # those of these schemes alone
    python benchmarks/length_controls.py --again          # those that are there anew
    python benchmarks/length_controls.py --table          # only write the table again

Each run is configs/certified-add.yaml with an ordinary transformer of the same sizes in place of the windowed one, and
without the proof: same rows, batches, optimizer and steps; then with ten times the steps. Every model is asked the same
random problems, both operands of exactly so many digits, and carries that run from the units through every column.
Facts are kept in docs/results/controls.json, one entry per scheme, layers, steps and seed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, NamedTuple

import yaml

from demo_seeds import processor, replace_table
from longhand.atomic import write_json
from longhand.runs.checkpoint import load_checkpoint
from longhand.shipped import config_path, model_path
from longhand.solvers.load import load
from longhand.training.loop import train
from longhand.training.progress import Silence
from longhand.training.run_config import RunConfig

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "controls.json"
PAGE = ROOT / "docs" / "results.md"
PROVED = "certified-add-3"
STEPS = 1000

ASKED = {**dict.fromkeys((3, 4, 5, 10, 20, 50, 100), (1000, 100)), 1000: (20, 5)}
"""Digits of both operands; how many random problems are asked, and how many carries."""
LONGEST = 2 * max(ASKED) + 3 + max(ASKED) + 1
"""Tokens the model reads of the longest row, the end mark not among them: tables of positions are that long."""

# Scheme, and the digits there are vectors for where places are counted: for 100 digits, and for 1,000.
SCHEMES = {
    **{name: {"pos_encoding": name} for name in ("learned", "none", "rope")},
    **{
        f"{kind}-{digits}": {"pos_encoding": kind, "max_digits": digits}
        for kind in ("abacus", "coupled")
        for digits in (101, 1001)
    },
}

Facts = dict[str, Any]


class Run(NamedTuple):
    """What tells one training from another."""

    scheme: str
    layers: int
    steps: int
    seed: int


def plan() -> Iterator[Run]:
    """The runs of the table: at the same budget three seeds each, with ten times the budget two.

    Where places are counted, one layer came further than two at the same budget, so both get the larger one.
    """
    for layers in (1, 2):
        yield from (Run(scheme, layers, STEPS, seed) for scheme in SCHEMES for seed in range(3))
    for layers, schemes in ((1, ("abacus-101", "coupled-101")), (2, tuple(s for s in SCHEMES if "-1001" not in s))):
        yield from (Run(scheme, layers, 10 * STEPS, seed) for scheme in schemes for seed in range(2))


def configuration(run: Run) -> RunConfig:
    """configs/certified-add.yaml with another model and no proof."""
    values = yaml.safe_load(config_path("certified-add").read_text(encoding="utf-8"))
    windowed, training = values["model"], values["training"]
    values["model"] = {
        "name": "gpt2",
        **{key: windowed[key] for key in ("d_model", "n_heads", "d_ff")},
        "n_layers": run.layers,
        "norm": "rmsnorm",
        "mlp": "relu",
        "mlp_bias": False,
        "tie_weights": False,
        "init": "scaled",  # as windowed
        "max_seq_len": LONGEST,
        **SCHEMES[run.scheme],
    }
    assert (training["max_steps"], training.pop("proof")) == (STEPS, {"min_margin": 0.5})
    often = {"eval_interval": run.steps // 5, "save_interval": run.steps}
    values["training"] = {**training, **often, "max_steps": run.steps, "seed": run.seed}
    return RunConfig.from_dict(values)


def measure(run: Run) -> Facts:
    """Train a model, and ask it."""
    with TemporaryDirectory() as folder:
        started = process_time()
        result = train(configuration(run), Path(folder) / "run", progress=Silence())
        seconds = process_time() - started
        checkpoint = load_checkpoint(result.model_dir)
        table = checkpoint.weights.get("positions.weight")
        return {
            **run._asdict(),
            "parameters": result.num_parameters,
            "of_positions": 0 if table is None else int(table.size),
            "examples": checkpoint.training["examples"],
            "cpu_seconds": round(seconds, 1),
            "right": ask(result.model_dir, checkpoint.model.get("max_digits")),
        }


def proved() -> Facts:
    """The shipped model that is proved, asked the same."""
    checkpoint = load_checkpoint(model_path(PROVED))
    return {
        **Run(
            PROVED, checkpoint.model["n_layers"], checkpoint.training["steps"], checkpoint.training["seed"]
        )._asdict(),
        "parameters": checkpoint.num_parameters,
        "of_positions": 0,
        "examples": checkpoint.training["examples"],
        "right": ask(model_path(PROVED), None),
    }


def ask(model: Path, max_digits: int | None) -> dict[str, dict[str, list[int]]]:
    """How many random problems and carries of each length are answered rightly, and of how many, by greedy decoding.

    Lengths whose answers have more than `max_digits` digits cannot be asked, and are left out.
    """
    solver, found = load(model), {}
    for digits in ASKED:
        if max_digits is not None and digits >= max_digits:
            continue
        found[str(digits)] = {}
        for kind, problems in problems_of(digits).items():
            prompts = [f"{a}+{b}=" for a, b in problems]
            # One token more than the longest right answer has; few long rows at a time, as scores are their squares.
            answers = solver.solve(prompts, max_new_tokens=digits + 2, batch_size=10_000_000 // digits**2)
            right = sum(answer.answer == str(a + b) for answer, (a, b) in zip(answers, problems, strict=True))
            found[str(digits)][kind] = [right, len(problems)]
    return found


def problems_of(digits: int) -> dict[str, list[tuple[int, int]]]:
    """The problems of a length, the same ones every time."""
    rng, (n_random, n_carries) = random.Random(digits), ASKED[digits]
    low, high = 10 ** (digits - 1), 10**digits
    drawn = [(rng.randrange(low, high), rng.randrange(low, high)) for _ in range(n_random)]
    # The units sum to 10 and all other columns to 9, with digits of 1 and more at both ends.
    upper = [rng.randrange(low // 10, 9 * low // 10) for _ in range(n_carries)]
    firsts = [10 * number + rng.randrange(1, 10) for number in upper]
    return {"random": drawn, "carries": [(a, high - a) for a in firsts]}


def table(facts: Facts) -> str:
    """Return the Markdown tables of the facts."""
    lengths = [f"{digits:,}" for digits in ASKED]
    cost = ["parameters", "of these in tables", "training"]
    tables = []
    for kind, title, others in (
        ("random", "random problems", cost),
        ("carries", "a carry that runs from the units through every column", []),
    ):
        columns = ["positions", "layers", "steps", "seeds", *others, *lengths]
        lines = [f"**{title}**\n", f"| {' | '.join(columns)} |", f"|---|{'--:|' * (len(columns) - 1)}"]
        for runs in _alike([facts["proved"], *facts["runs"]]):
            first = runs[0]
            cells = [first["scheme"], str(first["layers"]), f"{first['steps']:,}", str(len(runs))]
            if others:
                cells += [f"{first['parameters']:,}", f"{first['of_positions']:,}", _seconds(runs)]
            cells += [_share([run["right"][str(n)][kind] for run in runs if str(n) in run["right"]]) for n in ASKED]
            lines.append(f"| {' | '.join(cells)} |")
        tables.append("\n".join(lines))
    (most, carries), (few, few_carries) = ASKED[min(ASKED)], ASKED[max(ASKED)]
    note = (
        f"Right answers, by digits of both numbers: of {most:,} random problems and {carries} carries of each length,"
        f" of {few} and {few_carries} of {max(ASKED):,} digits; lowest and highest of the seeds, cut off and not"
        f" rounded. Seconds of one core of {facts['machine']}, one thread, and of training alone.\n"
    )
    return "\n\n".join([*tables, note])


def _alike(runs: list[Facts]) -> list[list[Facts]]:
    """Runs that differ in their seed only, together."""
    groups: dict[tuple[Any, ...], list[Facts]] = {}
    for run in runs:
        groups.setdefault((run["scheme"], run["layers"], run["steps"]), []).append(run)
    return list(groups.values())


def _share(counts: list[list[int]]) -> str:
    """Percent, cut off and not rounded, so that 100 % means all; a dash for lengths that cannot be asked."""
    if not counts:
        return "–"
    shares = sorted(1000 * right // of for right, of in counts)
    return f"{'–'.join(f'{share / 10:g}' for share in dict.fromkeys((shares[0], shares[-1])))} %"


def _seconds(runs: list[Facts]) -> str:
    seconds = [f"{s:.0f}" for s in sorted(run["cpu_seconds"] for run in runs if "cpu_seconds" in run)]
    return f"{'–'.join(dict.fromkeys((seconds[0], seconds[-1])))} s" if seconds else ""


def main() -> None:
    """Measure what is missing, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("schemes", nargs="*", metavar="NAME", help=f"of {', '.join(SCHEMES)}, or how they begin (all)")
    parser.add_argument("--again", action="store_true", help="measure runs anew that are there")
    parser.add_argument("--table", action="store_true", help="only write the table again")
    arguments = parser.parse_args()
    facts: Facts = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {"runs": []}
    order = list(plan())
    known = {Run(**{key: run[key] for key in Run._fields}): run for run in facts["runs"]}
    for run in () if arguments.table else order:
        if run.scheme.startswith(tuple(arguments.schemes) or "") and (arguments.again or run not in known):
            known[run] = measure(run)
            print(json.dumps(known[run]), flush=True)
            facts = {
                "machine": f"{processor()}, {os.cpu_count()} cores",
                "proved": facts.get("proved") or proved(),
                "runs": [known[other] for other in order if other in known],
            }
            write_json(FACTS, facts)
    replace_table(PAGE, "controls", table(facts))


if __name__ == "__main__":
    main()
