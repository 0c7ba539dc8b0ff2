from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.carries import longest_chain
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.splits import SplitConfig
from longhand.data.config import DataConfig
from longhand.data.problems import ProblemArrays
from longhand.data.record import record_of
from longhand.data.stream import TrainStream
from longhand.data.writers import write_records
from longhand.errors import UserError
from longhand.evaluation.suites import Suite, cascades, open_suite, read_suite
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

SMALL = Domain(max_operand=30)


def _problems(suite: Suite) -> list[Problem]:
    rows = suite.rows(0, len(suite))
    return rows.problems() if isinstance(rows, ProblemArrays) else list(rows)


def _texts(suite: Suite) -> list[str]:
    return [str(problem) for problem in _problems(suite)]


def test_the_exhaustive_suite_is_the_domain_in_its_order() -> None:
    suite = open_suite("exhaustive", domain=SMALL)
    assert _problems(suite) == list(SMALL)
    assert suite.exhaustive
    assert _problems(suite)[100:120] == suite.rows(100, 120).problems()  # type: ignore[union-attr]
    assert len(open_suite("exhaustive", domain=Domain())) == 1_500_500


def test_cascades_have_the_ones_people_think_of_and_lie_in_the_domain() -> None:
    texts = {str(problem) for problem in cascades(Domain())}
    assert {"99+1", "1+99", "999+1", "9+1", "199+1", "100-99", "100-1", "700-699"} <= texts
    assert {"500-199", "500-499", "900-99", "990-1"} <= texts
    for domain in (Domain(), Domain(max_operand=99), Domain(operators=("-",), min_operand=-50, max_operand=5)):
        found = cascades(domain)
        assert all(domain.contains(problem) for problem in found)
        assert len(set(found)) == len(found)
    assert max(map(longest_chain, cascades(Domain()))) == 2
    assert "10000-9999" in {str(p) for p in cascades(Domain(max_operand=10**6))}


def test_cascades_hold_every_member_of_the_families_named_as_hard() -> None:
    found = {str(problem) for problem in cascades(Domain())}
    families = {
        "9..9+1": [f"{10**n - 1}+1" for n in (1, 2, 3)],
        "10..0-9..9": [f"{10**n}-{10**n - 1}" for n in (1, 2)],
        "x9+1": [f"{x}9+1" for x in range(1, 100)],
        "1+x9": [f"1+{x}9" for x in range(1, 100)],
        "x99+1": [f"{x}99+1" for x in range(1, 10)],
        "x00-y99": [f"{x}00-{100 * y + 99}" for x in range(1, 10) for y in range(x)],
        "x00-1": [f"{x}00-1" for x in range(1, 10)],
    }
    assert {name: set(texts) - found for name, texts in families.items()} == {name: set() for name in families}


def _training(**data: Any) -> dict[str, Any]:
    """What a run with this data section writes to training.json."""
    stream = TrainStream(DataConfig(**data), Format(), vocabulary("mini18"), batch_size=8)
    return {"data": stream.describe(), "problems": stream.source.held_out("test", 5000).problems}


@pytest.mark.parametrize("inverse", [True, False])
def test_the_test_suite_is_what_the_stream_held_out(inverse: bool) -> None:
    training = _training(
        domain={"max_operand": 30}, train_fraction=0.3, val_fraction=0.1, inverse=inverse, split_seed=5
    )
    suite = open_suite("test", domain=SMALL, training=training)
    assert set(_problems(suite)) == set(training["problems"])
    assert 0.5 < len(suite) / SMALL.size < 0.7
    assert not suite.exhaustive


@pytest.mark.parametrize(
    "settings",
    [
        {"operators": ("+", "-"), "n_operands": 3, "max_operand": 99_999},  # cannot be listed
        {"max_operand": 9_999},  # could be, in minutes
    ],
)
def test_of_a_large_domain_a_fixed_draw_is_held_out(settings: dict[str, Any]) -> None:
    training = _training(domain=settings, train_fraction=0.2, val_fraction=0.1)
    domain = Domain.from_dict(training["data"]["domain"])
    suite = open_suite("test", domain=domain, training=training)
    assert len(suite) == 20_000
    again = open_suite("test", domain=domain, training=training)
    assert _problems(again) == _problems(suite)
    split = training["data"]["chosen_by"]
    config = SplitConfig(split["train_fraction"], split["val_fraction"], split["split_seed"], inverse=split["inverse"])
    assert {config.split_of(problem) for problem in _problems(suite)[:500]} == {"test"}


def test_nothing_held_out_is_an_error() -> None:
    training = _training(domain={"max_operand": 9}, train_fraction=1.0)
    with pytest.raises(UserError, match="the suite 'test' holds no problems"):
        open_suite("test", domain=Domain(max_operand=9), training=training)
    with pytest.raises(UserError, match="does not say what was held out"):
        open_suite("test", domain=SMALL)


def _write(folder: Path, name: str, format: Format | None = None, n: int = 40) -> Path:
    folder.mkdir(exist_ok=True)
    records = [record_of(problem, format or Format()) for problem in list(SMALL)[:: SMALL.size // n]]
    shape = {".csv": "csv", ".jsonl": "jsonl", ".json": "json", ".txt": "txt"}[Path(name).suffix]
    write_records(folder / name, records, shape)  # type: ignore[arg-type]
    return folder / name


@pytest.mark.parametrize("name", ["test.csv", "test.jsonl", "test.json", "test.txt"])
def test_a_file_of_any_shape_is_a_suite_and_so_is_its_folder(tmp_path: Path, name: str) -> None:
    wanted = [str(problem) for problem in list(SMALL)[:: SMALL.size // 40]]
    file = _write(tmp_path, name)
    for path in (file, tmp_path):
        suite = open_suite(str(path), domain=None)
        assert _texts(suite) == wanted
        assert suite.name == str(file)


def test_a_file_in_the_format_of_the_model_is_read_in_it(tmp_path: Path) -> None:
    format = Format(operand_width=2, answer_width=2, reverse_operands=True, reverse_answer=True)
    file = _write(tmp_path, "own.txt", format)
    assert _texts(read_suite(file, format)) == [str(problem) for problem in list(SMALL)[:: SMALL.size // 40]]
    with pytest.raises(UserError, match=r"own\.txt, line \d+: .* is \d+, not \d+"):
        read_suite(file)


def test_chains_are_evaluated_as_the_model_was_taught(tmp_path: Path) -> None:
    file = tmp_path / "chains.txt"
    file.write_text("2+3*4=20\n")
    (problem,) = read_suite(file, Format(semantics="left_to_right")).problems
    assert problem.answer == "20"
    with pytest.raises(UserError, match=r"line 1: 2\+3\*4 is 14, not 20"):
        read_suite(file, Format())


def test_a_model_trained_on_files_is_tested_on_its_test_file_or_on_what_its_one_file_left(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        _write(tmp_path / "three", f"{split}.jsonl", n=10 if split == "test" else 40)
    training = _training(source="files", path=str(tmp_path / "three"))
    suite = open_suite("test", domain=None, format=Format(), training=training)
    assert set(_problems(suite)) == set(training["problems"])

    one = _write(tmp_path / "one", "all.csv", n=200)
    training = _training(source="files", path=str(one), train_fraction=0.5, val_fraction=0.1)
    suite = open_suite("test", domain=None, format=Format(), training=training)
    assert set(_problems(suite)) == set(training["problems"])
    one.unlink()
    with pytest.raises(UserError, match="trained on files that are not at"):
        open_suite("test", domain=None, training=training)


def test_a_folder_without_a_test_file_names_what_it_has(tmp_path: Path) -> None:
    _write(tmp_path, "train.csv")
    with pytest.raises(UserError, match=r"has no test file; name the file to ask: .*train\.csv"):
        read_suite(tmp_path)


def test_words_are_no_suite(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("How many eggs are 2 eggs and 3 eggs?\t5\n")
    with pytest.raises(UserError, match=r"words\.txt, line 1: .* is no arithmetic"):
        read_suite(file)


@pytest.mark.parametrize(
    ("name", "domain", "fault"),
    [
        ("exhaustiv", SMALL, "no suite or file 'exhaustiv'; suites are exhaustive, test, carries"),
        ("exhaustive", None, "names no domain, so it has no suite 'exhaustive'"),
        ("carries", None, "names no domain"),
        ("carries", Domain(operators=("*",)), "holds no problems"),
        ("carries", Domain(n_operands=3, max_operand=9), "holds no problems"),
        ("exhaustive", Domain(max_operand=99_999), "15,000,050,000 problems, too many to ask one by one"),
        ("exhaustive", Domain(n_operands=9, operators=("+", "-")), "too many|cannot be enumerated"),
    ],
)
def test_a_suite_that_is_not_there_is_one_line(name: str, domain: Domain | None, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        open_suite(name, domain=domain)


def test_suites_can_be_sent_to_other_processes() -> None:
    training = _training(domain={"max_operand": 30}, train_fraction=0.3)
    for name in ("exhaustive", "test", "carries"):
        suite = open_suite(name, domain=SMALL, training=training)
        assert _problems(pickle.loads(pickle.dumps(suite))) == _problems(suite)


def test_no_problem_is_asked_that_shares_a_family_with_a_training_problem() -> None:
    training = _training(domain={"max_operand": 30}, train_fraction=0.3, val_fraction=0.1)
    held_out = _problems(open_suite("test", domain=SMALL, training=training))
    asked = {canonical_key(problem, inverse=True) for problem in held_out}
    others = {canonical_key(problem, inverse=True) for problem in set(SMALL) - set(held_out)}
    assert not asked & others
