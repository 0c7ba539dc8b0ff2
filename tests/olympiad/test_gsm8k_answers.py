"""All answers of the real GSM8K rows; the folder with train.jsonl is named by LONGHAND_GSM8K."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from longhand.olympiad.answers.extract import extract
from longhand.olympiad.answers.same import same


@pytest.mark.slow
def test_every_answer_of_gsm8k_comes_back_as_it_is_written_and_out_of_a_box() -> None:
    assert "LONGHAND_GSM8K" in os.environ, "set LONGHAND_GSM8K to the folder with train.jsonl"
    rows = (Path(os.environ["LONGHAND_GSM8K"]) / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 7473
    for row in rows:
        answer = json.loads(row)["answer"]
        tail = answer.rpartition("#### ")[2]
        assert re.fullmatch(r"-?\d+(,\d{3})*", tail)
        number = int(tail.replace(",", ""))
        found = extract(answer)
        assert found is not None
        assert (found.rule, found.text, found.value) == ("hashes", tail, number)
        for written in (tail, tail.replace(",", "{,}"), f"${tail}$", f"\\text{{{tail}}}", f"x = {number}.00"):
            boxed = extract(answer.replace("####", "so") + f"\n\\boxed{{{written}}}")
            assert boxed is not None
            assert (boxed.rule, boxed.value) == ("boxed", number)
            assert same(boxed.answer, tail)
        last = extract(answer, ("last number",))
        assert last is not None
        assert last.value == number
