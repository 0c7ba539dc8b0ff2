"""Profiles: the published files byte for byte, and splits that share no fact."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.data.check import check
from longhand.data.folders import open_folder
from longhand.data.make import make_dataset
from longhand.data.profiles.registry import PROFILES
from longhand.data.readers import Shape
from longhand.data.record import Record
from longhand.errors import UserError
from longhand.text.presets import VOCABULARIES

FEW: dict[str, dict[str, Any]] = {
    "mini": {"n_samples": 60, "operands": 3, "min": -9, "ops": ["+", "-", "*", "/"]},
    "think": {"num_examples": 60},
    "mathqa": {"n": 60},
    "exhaustive": {"max": 6, "operators": ["+", "/"], "division": "remainder"},
}


def generated(name: str, **options: Any) -> dict[str, list[Record]]:
    profile = PROFILES[name]
    data = profile.generate(profile.options(**options))
    return {split: list(records) for split, records in data.splits.items()}


def hashes(directory: Path, suffix: str) -> list[str]:
    files = (directory / f"{split}.{suffix}" for split in ("train", "val", "test"))
    return [hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files]


@pytest.mark.bug("S2-1")
@pytest.mark.row("S2-G1", "S2-G2", "S2-G4", "S2-G8")
def test_poc_writes_the_published_files_of_math_llm_poc(tmp_path: Path) -> None:
    summary = make_dataset("poc", tmp_path / "d")
    assert hashes(tmp_path / "d", "csv") == ["5ece4632788f942d", "f1a24b8a64ad428c", "00a07f72b25ea23f"]
    assert [entry["rows"] for entry in summary["files"].values()] == [40_044, 5_005, 5_006]
    # 131 test rows, all additions, have their commuted twin in the published training file.
    assert (summary["leaks"]["test"]["exact"], summary["leaks"]["test"]["commuted"]) == (0, 131)


def _by_length(records: list[Record], operator: str) -> dict[int, int]:
    found = Counter(len(r.problem.answer) for r in records if r.problem and r.problem.operators == (operator,))
    return dict(sorted(found.items()))


@pytest.mark.row("S2-G2", "S2-G3", "S2-G4")
def test_poc_has_the_domain_the_balance_and_the_strata_it_names() -> None:
    splits = generated("poc")
    problems = [record.problem for records in splits.values() for record in records if record.problem]
    domain = Domain(("+", "-"), 2, 0, 999, "reject")
    assert all(domain.contains(problem) for problem in problems)
    assert len(set(problems)) == len(problems) == sum(map(len, splits.values()))
    sums, differences = (
        {split: _by_length(rows, operator) for split, rows in splits.items()} for operator in ("+", "-")
    )
    assert sums == {
        "train": {1: 44, 2: 2000, 3: 9000, 4: 9000},
        "val": {1: 5, 2: 200, 3: 1100, 4: 1200},
        "test": {1: 6, 2: 200, 3: 1100, 4: 1200},
    }
    rest = {1: 100, 2: 500, 3: 1900}
    assert differences == {"train": {1: 3000, 2: 5000, 3: 12000}, "val": rest, "test": rest}


@pytest.mark.row("S2-G2")
def test_poc_rows_have_five_columns_and_end_as_the_published_ones_do(tmp_path: Path) -> None:
    make_dataset("poc", tmp_path)
    lines = (tmp_path / "train.csv").read_bytes().split(b"\r\n")
    assert lines[:2] == [b"equation,operand_1,operation,operand_2,answer", b"278+961=1239,278,+,961,1239"]
    assert lines[-1] == b""
    assert b"\n" not in b"".join(lines)


@pytest.mark.row("S4-G6")
@pytest.mark.bug("S4-8")
def test_mini_writes_the_published_files_of_mini_language_models(tmp_path: Path) -> None:
    summary = make_dataset("mini", tmp_path / "d")
    assert hashes(tmp_path / "d", "jsonl") == ["42537b42635f5968", "597510547fc37413", "303831a2f904cb4a"]
    assert (summary["leaks"]["test"]["exact"], summary["leaks"]["test"]["commuted"]) == (0, 406)
    assert summary["warnings"] == []


@pytest.mark.row("S4-G6")
def test_mini_writes_the_published_two_digit_files_of_mini_language_models(tmp_path: Path) -> None:
    make_dataset("mini", tmp_path / "d", {"n_samples": 10_000, "max": 99})
    assert hashes(tmp_path / "d", "jsonl") == ["7b6c77bfd4aceff8", "48a4ab348d42cc23", "024981e2b51ceb06"]


@pytest.mark.row("S4-G1", "S4-G3", "S4-G4")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"n_samples": 300, "operands": 3, "max": 20, "ops": "+-*/", "seed": 3}, "a7ff386fed706dbf"),
        ({"n_samples": 500, "operands": 4, "min": -5, "max": 9, "ops": "/*", "seed": 1}, "00f2d1f754e5e2ee"),
        (
            {"n_samples": 200, "min": 3, "max": 12, "ops": "/-", "seed": 5, "train_ratio": 0.5, "val_ratio": 0.3},
            "21fca99c7157eb65",
        ),
        ({"n_samples": 100, "operands": 3, "min": -9, "max": -1, "ops": "/+", "seed": 7}, "e2b6e94499009f09"),
    ],
)
def test_mini_draws_like_mini_language_models_for_all_its_options(
    tmp_path: Path, options: dict[str, Any], expected: str
) -> None:
    # Hashes of what the published generator writes with these options (test, train, val joined).
    make_dataset("mini", tmp_path / "d", {**options, "ops": tuple(options["ops"])})
    joined = b"".join((tmp_path / "d" / f"{split}.jsonl").read_bytes() for split in ("test", "train", "val"))
    assert hashlib.sha256(joined).hexdigest()[:16] == expected


@pytest.mark.row("S4-G4", "S4-G5")
@pytest.mark.bug("S4-1")
def test_mini_says_what_its_order_of_evaluation_and_a_small_space_do(tmp_path: Path) -> None:
    summary = make_dataset("mini", tmp_path / "d", {"n_samples": 500, "operands": 3, "max": 3, "ops": ["+", "*"]})
    found, order = summary["warnings"]
    assert found.startswith("only 256 different problems were found in 5,000 draws, of 500 asked for")
    # Of 64 choices of operands with +*, those where (a+b)*c is not a+b*c: a and c-1 both non-zero.
    assert order.startswith("36 of 256 problems are answered from left to right")
    assert summary["format"]["semantics"] == "left_to_right"
    assert check(tmp_path / "d")["ok"]


@pytest.mark.row("S1-B1")
def test_mathqa_starts_like_the_corpus_of_llm_math_solver(tmp_path: Path) -> None:
    make_dataset("mathqa", tmp_path / "all", {"n": 1000, "split": "none"})
    content = (tmp_path / "all" / "all.txt").read_bytes()
    assert content.startswith(b"97-53=44\nWhat is 65 - 62? 3\n")
    # The hash of what LLM-Math-Solver's own generator writes for 1,000 lines.
    assert hashlib.sha256(content).hexdigest()[:16] == "5aeff83ad50b43a5"


@pytest.mark.row("S1-B1")
def test_mathqa_splits_keep_the_corpus_and_its_order() -> None:
    corpus = [record.text for record in generated("mathqa", n=1000, split="none")["all"]]
    splits = generated("mathqa", n=1000)
    assert splits["train"][0].text == "97-53=44"
    assert sorted(record.text for records in splits.values() for record in records) == sorted(corpus)
    for records in splits.values():
        rest = iter(corpus)
        assert all(record.text in rest for record in records)  # `in` moves the iterator on: order is kept


@pytest.mark.row("S0-B3")
@pytest.mark.parametrize("name", ["think", "mathqa", "exhaustive"])
def test_our_own_splits_share_no_fact(name: str) -> None:
    options: dict[str, Any] = {"exhaustive": {"max": 30}, "think": {"num_examples": 2000}, "mathqa": {"n": 5000}}[name]
    keys = [
        {canonical_key(record.problem, inverse=True) for record in records if record.problem}
        for records in generated(name, **options).values()
    ]
    assert all(keys)
    assert len(set.union(*keys)) == sum(map(len, keys))


def test_exhaustive_has_every_problem_once_in_order() -> None:
    domain = Domain(("+", "-", "*"), 2, 0, 12, "allow")
    splits = generated("exhaustive", operators=("+", "-", "*"), max=12, negatives="allow")
    listed = list(domain)
    place = {problem: index for index, problem in enumerate(listed)}
    places = [[place[record.problem] for record in records if record.problem] for records in splits.values()]
    assert sorted(index for split in places for index in split) == list(range(len(listed)))
    assert all(split == sorted(split) for split in places)
    for share, split in zip((0.8, 0.1, 0.1), places, strict=True):
        assert abs(len(split) / len(listed) - share) < 0.06


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max": 99_999_999}, "lower max"),
        ({"operators": ["/"], "max": 0}, "has no problem"),
        ({"min": 5, "max": 4}, "above"),
        ({"negatives": "swap", "operands": 3}, "swap"),
    ],
)
def test_exhaustive_refuses_domains_it_cannot_write(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        generated("exhaustive", **options)


@pytest.mark.row("S0-G3")
def test_think_has_the_sizes_asked_for_and_draws_by_length() -> None:
    splits = generated("think", num_examples=3000, max_digits=3, max_operands=4)
    assert {split: len(records) for split, records in splits.items()} == {"train": 2400, "val": 300, "test": 300}
    problems = [record.problem for record in splits["train"] if record.problem]
    for n_operands in (2, 3, 4):
        assert sum(len(problem.operands) == n_operands for problem in problems) == pytest.approx(800, abs=120)
    lengths = [len(str(operand)) for problem in problems for operand in problem.operands]
    for digits in (1, 2, 3):
        assert lengths.count(digits) / len(lengths) == pytest.approx(1 / 3, abs=0.05)


def test_think_shares_nothing_between_neighbouring_seeds() -> None:
    one, two = ([r.text for r in generated("think", max_digits=6, num_examples=500, seed=s)["train"]] for s in (1, 2))
    assert not set(one) & set(two)


@pytest.mark.row("S0-F1", "S0-F2", "S0-B1", "S0-B4", "S0-B5")
@pytest.mark.bug("S0-5a")
@pytest.mark.parametrize(
    ("options", "row"),
    [
        ({}, "36+58=<think>6+8=14 3+5+1=9</think>94<end>"),
        ({"include_cot": False}, "36+58=94<end>"),
        ({"steps": "running_sum", "begin": True}, "<begin>36+58=<think>63+85=49</think>94<end>"),
        ({"reversed_format": True}, "63+85=49<end>"),
        ({"zero_pad": True, "include_cot": False}, "036+058=094<end>"),
        ({"zero_pad": True, "reversed_format": True}, "630+850=490<end>"),
        (
            {"fixed_length_cot": True},
            # As long as 9+9+9=27 9+9+9+2=29.
            f"36+58=<think>6+8=14 3+5+1=9{'<noop>' * 5}</think>94<end>",
        ),
    ],
)
def test_think_writes_each_of_the_forms_of_math_llm(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], row: str
) -> None:
    from longhand.data.profiles import think

    monkeypatch.setattr(think, "_operands", lambda *_: (36, 58))
    options = {"num_examples": 1, "train_ratio": 1.0, "val_ratio": 0.0, **options}
    assert [record.text for record in generated("think", **options)["train"]] == [row]


@pytest.mark.row("S0-B1")
@pytest.mark.parametrize("steps", ["columns", "running_sum"])
def test_think_pads_all_steps_to_one_length(steps: str) -> None:
    rows = generated("think", num_examples=300, max_operands=4, fixed_length_cot=True, steps=steps)["train"]
    lengths = {len(VOCABULARIES["cot16"].encode(row.cot)) for row in rows}
    assert len(lengths) == 1


@pytest.mark.row("S0-B1")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fixed_length_cot": True, "include_cot": False}, "fixed_length_cot"),
        ({"fixed_length_cot": True, "reversed_format": True}, "fixed_length_cot"),
        ({"train_ratio": 0.8, "val_ratio": 0.3}, "shares"),
    ],
)
def test_think_refuses_options_that_exclude_each_other(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        generated("think", **options)


def test_think_says_when_a_split_has_no_sums_of_its_own() -> None:
    # With so small a share no sum of two one-digit numbers hashes into val, while one row of it is asked for.
    with pytest.raises(UserError, match="none falls into val"):
        generated("think", num_examples=100, max_digits=1, max_operands=2, train_ratio=0.98, val_ratio=0.01, seed=0)


@pytest.mark.parametrize("shape", get_args(Shape))
@pytest.mark.parametrize("name", FEW)
def test_every_profile_in_every_shape_reads_back_and_checks(tmp_path: Path, name: str, shape: Shape) -> None:
    make_dataset(name, tmp_path / "d", FEW[name], shape)
    report = check(tmp_path / "d")
    assert report["ok"], report["wrong_rows"]
    folder = open_folder(tmp_path / "d")
    for split, records in generated(name, **FEW[name]).items():
        read = list(folder.records(split))
        assert [(r.prompt, r.target, r.cot, r.problem, r.answer) for r in read] == [
            (r.prompt, r.target, r.cot, r.problem, r.answer) for r in records
        ]


@pytest.mark.parametrize("name", PROFILES)
def test_every_option_is_described_and_every_alias_has_an_option(name: str) -> None:
    profile = PROFILES[name]
    assert profile.name == name
    assert profile.shape in get_args(Shape)
    assert all(field.description for field in profile.options.model_fields.values())
    assert set(profile.aliases) <= {*profile.options.model_fields, "out"}
    flags = [flag for flags in profile.aliases.values() for flag in flags]
    assert len(flags) == len(set(flags))
    assert all(flag.startswith("--") for flag in flags)


@pytest.mark.row("S4-G1")
def test_documented_flags_are_synonyms() -> None:
    aliases = PROFILES["mini"].aliases
    assert {name: aliases[name][0] for name in ("operands", "min", "max", "out", "n_samples")} == {
        "operands": "--N", "min": "--A", "max": "--B", "out": "--out_dir", "n_samples": "--n_samples",
    }  # fmt: skip
    assert "--output-dir" in PROFILES["think"].aliases["out"]


@pytest.mark.row("S0-F3")
@pytest.mark.bug("S0-3b")
def test_a_fact_of_the_document_is_right_here() -> None:
    # The document of math-llm shows 99+21=110.
    profile = PROFILES["think"]
    data = profile.generate(profile.options.model_validate({"num_examples": 1}))
    problem = Problem((99, 21), ("+",))
    assert data.format.render(problem).text == "99+21=<think>9+1=10 9+2+1=12</think>120"
