from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.olympiad.contest.frames import answer_frame
from longhand.olympiad.contest.gateway import write_submission
from longhand.olympiad.contest.submissions import read_submission, score_two_runs


def write(folder: Path, name: str, answers: dict[str, int]) -> Path:
    path = folder / name
    write_submission(pl.concat([answer_frame(*row) for row in answers.items()]), path)
    return path


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "reference.csv"
    path.write_text("id,problem,answer\na,x,1\nb,y,2\nc,z,3\nd,w,4\n", encoding="utf-8")
    return path


@pytest.mark.row("S3-C1", "S3-B3")
def test_both_right_is_one_point_and_one_right_is_half(tmp_path: Path, truth: Path) -> None:
    first = write(tmp_path, "1.parquet", {"d": 0, "a": 1, "b": 2, "c": 0})
    second = write(tmp_path, "2.parquet", {"a": 1, "b": 0, "c": 3, "d": 100_000})
    scored = score_two_runs(first, second, truth)
    assert scored.scores == {"a": 1.0, "b": 0.5, "c": 0.5, "d": 0.0}
    assert (scored.total, scored.first_right, scored.second_right) == (2.0, 2, 2)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50))
def test_two_runs_score_the_mean_of_what_they_get_right(right: list[tuple[bool, bool]]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        rows = "".join(f"p{number},x,5\n" for number in range(len(right)))
        (folder / "truth.csv").write_text(f"id,problem,answer\n{rows}", encoding="utf-8")
        runs = [
            write(folder, f"{run}.parquet", {f"p{number}": 5 if both[run] else 6 for number, both in enumerate(right)})
            for run in (0, 1)
        ]
        scored = score_two_runs(runs[0], runs[1], folder / "truth.csv")
    assert scored.total == (scored.first_right + scored.second_right) / 2 == sum(map(sum, right)) / 2


def test_files_that_cannot_be_scored_are_refused_in_one_line(tmp_path: Path, truth: Path) -> None:
    good = write(tmp_path, "good.parquet", {"a": 1, "b": 2, "c": 3, "d": 4})
    pl.DataFrame({"id": ["a"], "answer": [1.0]}).write_parquet(tmp_path / "floats.parquet")
    pl.DataFrame({"id": ["a", "a"], "answer": [1, 1]}).write_parquet(tmp_path / "twice.parquet")
    (tmp_path / "text.parquet").write_text("no parquet", encoding="utf-8")
    short = write(tmp_path, "short.parquet", {"a": 1})
    for path, reason in [
        (tmp_path / "floats.parquet", "is no submission: it has"),
        (tmp_path / "twice.parquet", "an id is there twice"),
        (tmp_path / "text.parquet", "cannot be read as parquet"),
        (tmp_path / "missing.parquet", "cannot read"),
        (short, "are of different problems: b is in only one"),
    ]:
        with pytest.raises(UserError, match=f"^[^\n]*{reason}[^\n]*$"):
            score_two_runs(good, path, truth)
    (tmp_path / "asked.csv").write_text("id,problem\na,x\n", encoding="utf-8")
    with pytest.raises(UserError, match="no column answer"):
        score_two_runs(good, good, tmp_path / "asked.csv")
    assert read_submission(good) == {"a": 1, "b": 2, "c": 3, "d": 4}
