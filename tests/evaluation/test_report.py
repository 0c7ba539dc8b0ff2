from __future__ import annotations

import json

import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.suites import DomainSuite, ListSuite
from longhand.solvers.oracle import Fault, Oracle

DOMAIN = Domain(max_operand=20)
FAULTS = {"1+1": Fault.WRONG, "9+20": Fault.OUT_OF_RANGE, "20-19": Fault.MALFORMED, "3-3": Fault.UNFINISHED}


def test_the_dictionary_is_json_with_shares_between_0_and_1() -> None:
    report = evaluate(Oracle(DOMAIN, faults=FAULTS), DomainSuite(DOMAIN)).to_dict()
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert (report["total"], report["correct"], report["errors"]) == (672, 668, 4)
    assert report["exact_match"] == 668 / 672
    assert report["interval"] == [668 / 672, 668 / 672]
    assert report["by_operator"]["-"] == {"correct": 229, "total": 231, "exact_match": 229 / 231}
    assert report["by_answer_length"]["1"]["total"] - report["by_answer_length"]["1"]["correct"] == 3
    assert report["by_operand_digits"]["1x2"]["correct"] == report["by_operand_digits"]["1x2"]["total"] - 1
    assert report["verdicts"] == {"correct": 668, "wrong": 1, "malformed": 1, "unfinished": 1, "out_of_range": 1}
    assert report["hallucination"] == report["infinite_generation"] == report["out_of_range"] == 1 / 672
    assert 0.9 < report["token_accuracy_answer"] < 1
    assert "cot_step_accuracy" not in report


def test_a_sample_has_an_interval_around_its_share() -> None:
    report = evaluate(Oracle(DOMAIN), ListSuite("some", tuple(DOMAIN)[:100])).to_dict()
    assert report["interval"] == [pytest.approx(0.963, abs=1e-3), 1.0]
    assert report["confidence"] == 0.95


def test_the_table_has_right_and_asked() -> None:
    text = evaluate(Oracle(DOMAIN, faults=FAULTS), DomainSuite(DOMAIN)).to_text()
    assert "all problems" in text
    assert "668 of   672    99.4047 %" in text  # not rounded up to 99.4048
    assert "errors: 4 (1 wrong, 1 malformed, 1 unfinished, 1 out of range)" in text
    assert "interval" not in text
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("by ")] == [
        "by operator",
        "by answer length",
        "by operand digits",
    ]


def test_one_error_in_a_million_is_not_100_percent() -> None:
    text = evaluate(Oracle(DOMAIN, faults={"1+1": Fault.WRONG}), DomainSuite(DOMAIN)).to_text()
    assert "100.0000 %" not in text.splitlines()[2]
    text = evaluate(Oracle(DOMAIN), DomainSuite(DOMAIN)).to_text()
    assert "672 of   672   100.0000 %" in text
    assert text.endswith("errors: 0")


def test_the_table_of_a_sample_names_its_interval() -> None:
    text = evaluate(Oracle(), ListSuite("two", (parse_expression("1+1"), parse_expression("2+2")))).to_text()
    assert "95% interval of all problems: 34.2380 % to 100.0000 %" in text
