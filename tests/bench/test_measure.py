"""Contenders take turns, and one that fails does not stop the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from longhand.bench.comparisons import Plan
from longhand.bench.contenders.registry import PEAK, choose, known
from longhand.bench.measure import Entry, Settings, alternate, measure
from longhand.bench.process import ContenderError, WorkerProcess
from longhand.bench.spec import DecodeSpec, PeakSpec, TrainSpec
from longhand.errors import UserError

PACED = """
import os, time
from longhand.bench.spec import DecodeSpec, TrainSpec

print("libraries say all sorts of things")

def train_contender(spec):
    def run(steps):
        time.sleep(0.002 * steps)
    return run

def decode_contender(spec):
    return lambda prompts: [[len(prompt)] for prompt in prompts]
"""


@pytest.fixture
def paced(tmp_path: Path) -> str:
    path = tmp_path / "paced.py"
    path.write_text(PACED)
    return str(path)


def test_everybody_takes_a_turn_in_every_round() -> None:
    order: list[str] = []

    def turn(name: str, last: int) -> str | None:
        order.append(name)
        return name if order.count(name) <= last else None

    turns = [lambda: turn("ours", 9), lambda: turn("eager", 9), lambda: turn("broken", 1)]
    taken = list(alternate(turns, 3))
    assert order == ["ours", "eager", "broken", "ours", "eager", "broken", "ours", "eager"]
    assert taken == [(0, 0, "ours"), (0, 1, "eager"), (0, 2, "broken"), (1, 0, "ours"), (1, 1, "eager"),
                     (2, 0, "ours"), (2, 1, "eager")]  # fmt: skip


def test_a_worker_answers_every_command(paced: str) -> None:
    contender = choose("train", [paced])[-1]
    with WorkerProcess(contender) as process:
        assert process.ask(do="open", job="a", kind="train", spec=TrainSpec(32, 8).to_dict()) == {"once": False}
        assert process.versions["longhand"]
        warmed = process.ask(do="warm", job="a", seconds=0.03)
        assert warmed["steps"] >= 2
        assert warmed["seconds"] >= 0.01
        ran = process.ask(do="run", job="a", steps=10)
        assert ran["steps"] == 10
        assert ran["wall"] >= 0.02
        assert 0 <= ran["cpu"] < ran["wall"]  # sleeping takes time, but no processor
        assert len(process.ask(do="run", job="a", steps=3, each=True)["each"]) == 3
        assert process.ask(do="close", job="a")["peak_memory"] > 2**20
        with pytest.raises(ContenderError, match="KeyError"):
            process.ask(do="run", job="a", steps=1)
        assert process.ask(do="open", job="b", kind="decode", spec=DecodeSpec(32, 2).to_dict()) == {"once": False}
        assert [len(row) for row in process.ask(do="answers", job="b")["answers"]] == [1, 1]


def test_those_that_cannot_be_measured_are_rows_that_say_why(tmp_path: Path, paced: str) -> None:
    sources = {
        "absent": "import a_package_nobody_has\n",
        "broken": "def run(steps):\n    raise ValueError('no more')\n\ndef train_contender(spec):\n    return run\n",
        "dying": "import os\n\ndef train_contender(spec):\n    return lambda steps: os._exit(3)\n",
        "other": "def decode_contender(spec):\n    return None\n",
    }
    for name, text in sources.items():
        (tmp_path / f"{name}.py").write_text(text)
    chosen = choose("train", [*(str(tmp_path / f"{name}.py") for name in sources), paced])[-5:]
    processes = [WorkerProcess(contender) for contender in chosen]
    said: list[str] = []
    try:
        entries = [Entry(process, "train", TrainSpec(32, 8), 8) for process in processes]
        cells = measure("g", entries, Settings(repeats=2, seconds=0.01), say=said.append)
    finally:
        for process in processes:
            process.close()
    statuses = {cell.contender: cell.status for cell in cells}
    assert statuses["absent"].startswith("not installed: pip install longhand[bench]")
    assert "a_package_nobody_has" in statuses["absent"]
    assert statuses["broken"] == "failed: ValueError: no more"
    assert statuses["dying"] == "failed: exit code 3"
    assert "defines no train_contender" in statuses["other"]
    assert statuses["paced"] == "measured"
    assert [sample.round for sample in cells[-1].samples] == [0, 1]
    assert [len(cell.samples) for cell in cells] == [0, 0, 0, 0, 2]
    assert said == ["g"]


def test_the_peak_knows_its_operations() -> None:
    with WorkerProcess(PEAK) as process:
        spec = PeakSpec("bf16", (64,))
        (cell,) = measure(
            "g", [Entry(process, "peak", spec, 1, precision="bf16")], Settings(2, 0.01), say=lambda text: None
        )
    assert cell.flops == 2 * 64**3
    assert cell.precision == "bf16"


def test_contenders_are_chosen_by_name_or_file(paced: str) -> None:
    assert [c.name for c in choose("train", ["eager"])] == ["longhand", "longhand-fp32", "eager"]
    assert [c.name for c in choose("decode", None)] == ["longhand", "longhand-bf16", "eager", "hugging-face"]
    assert choose("train", [paced])[-1].name == "paced"
    assert known("train")["longhand-reference"].environment == {"LONGHAND_NATIVE": "0"}
    with pytest.raises(UserError, match="did you mean lightning"):
        choose("train", ["lightnin"])
    with pytest.raises(UserError, match="lightning has no decode"):
        choose("decode", ["lightning"])
    with pytest.raises(UserError, match=r"no contender at nowhere\.py"):
        choose("train", ["nowhere.py"])
    assert Plan().settings.repeats >= 5
