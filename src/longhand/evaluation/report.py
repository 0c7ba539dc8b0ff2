"""What an evaluation found: as JSON for programs, as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from longhand.evaluation.intervals import CONFIDENCE, wilson_interval
from longhand.evaluation.metrics import (
    Codes,
    Share,
    Tally,
    by_answer_length,
    by_operand_digits,
    by_operator,
    exact_match,
    hallucination,
    infinite_generation,
    out_of_range,
    verdict_counts,
)
from longhand.evaluation.samples import Sample


@dataclass(frozen=True)
class Report:
    """The verdicts of a solver on a suite, counted.

    `codes` are all verdicts in the order of the suite, as positions in `VERDICTS`; `failures` the first of those that
    are not correct. `n_decoded` problems were decoded, the others settled by teacher forcing; `seconds` is wall-clock
    time. Answers were searched for with `beam` beams; one is greedy decoding.
    """

    suite: str
    exhaustive: bool
    tally: Tally
    shares: Mapping[str, Share]
    codes: Codes = field(repr=False)
    failures: tuple[Sample, ...] = field(repr=False)
    n_decoded: int
    seconds: float
    beam: int = 1

    @property
    def total(self) -> int:
        """Problems asked."""
        return self.tally.total()

    @property
    def correct(self) -> int:
        """Problems answered correctly."""
        return exact_match(self.tally).right

    @property
    def errors(self) -> int:
        """Problems not answered correctly, for whatever reason."""
        return self.total - self.correct

    @property
    def interval(self) -> tuple[float, float]:
        """Where the exact match lies on all problems like these: the Wilson interval of a sample.

        Of an exhaustive suite it is the exact match itself, since there is nothing left to infer.
        """
        if self.exhaustive:
            share = self.correct / self.total
            return share, share
        return wilson_interval(self.correct, self.total)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data; every share is between 0 and 1."""
        tally = self.tally
        return {
            "suite": self.suite,
            "exhaustive": self.exhaustive,
            "beam": self.beam,
            "total": self.total,
            "correct": self.correct,
            "errors": self.errors,
            "exact_match": exact_match(tally).value,
            "interval": list(self.interval),
            "confidence": 1.0 if self.exhaustive else CONFIDENCE,
            "by_operator": _shares(by_operator(tally)),
            "by_answer_length": _shares(by_answer_length(tally)),
            "by_operand_digits": _shares(by_operand_digits(tally)),
            "verdicts": verdict_counts(tally),
            "hallucination": hallucination(tally).value,
            "infinite_generation": infinite_generation(tally).value,
            "out_of_range": out_of_range(tally).value,
            **{name: share.value for name, share in self.shares.items()},
            "decoded": self.n_decoded,
            "seconds": round(self.seconds, 3),
            "problems_per_second": round(self.total / self.seconds, 1) if self.seconds > 0 else None,
        }

    def to_text(self) -> str:
        """The report as a plain table: right, asked, and percent, rounded down so that 100 % means all."""
        tally = self.tally
        how = f", {self.beam} beams" if self.beam > 1 else ""
        lines = _table(
            {
                f"suite {self.suite}{how}": {"all problems": exact_match(tally)},
                "by operator": by_operator(tally),
                "by answer length": by_answer_length(tally),
                "by operand digits": by_operand_digits(tally),
                "tokens and steps": {name.replace("_", " "): share for name, share in self.shares.items()},
            }
        )
        if not self.exhaustive:
            low, high = self.interval
            lines.append(f"{CONFIDENCE:.0%} interval of all problems: {100 * low:.4f} % to {100 * high:.4f} %")
        wrong = {name: n for name, n in verdict_counts(tally).items() if n and name != "correct"}
        kinds = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in wrong.items())
        lines.append(f"errors: {self.errors:,}" + (f" ({kinds})" if kinds else ""))
        return "\n".join(lines)


def _table(sections: Mapping[str, Mapping[Any, Share]]) -> list[str]:
    labels = [*sections, *(f"  {label}" for shares in sections.values() for label in shares)]
    width = max(map(len, labels))
    digits = max(len(f"{share.total:,}") for shares in sections.values() for share in shares.values())
    lines = [f"{'':{width}}  {'right':>{digits}}    {'asked':>{digits}}"]
    for title, shares in sections.items():
        if shares:
            lines.append(title)
        for label, share in shares.items():
            cells = f"{share.right:{digits},} of {share.total:{digits},}  {_percent(share):>11}"
            lines.append(f"{f'  {label}':{width}}  {cells}")
    return lines


def _shares(shares: Mapping[Any, Share]) -> dict[str, dict[str, Any]]:
    return {
        str(label): {"correct": share.right, "total": share.total, "exact_match": share.value}
        for label, share in shares.items()
    }


def _percent(share: Share) -> str:
    """Percent with as many digits as a million problems need, never rounded up."""
    if not share.total:
        return "-"
    millionths = share.right * 1_000_000 // share.total
    return f"{millionths // 10_000}.{millionths % 10_000:04} %"
