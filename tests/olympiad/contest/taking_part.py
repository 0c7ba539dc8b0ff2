"""A program that takes part in a contest: `python -m tests.olympiad.contest.taking_part MODE FAULTS SECONDS LOG`.

MODE is wrapped (our predictor), naked (a predict with the faults in it), or dying: killed at its 30th problem. FAULTS
is JSON, see `attempts.load`; SECONDS is what every problem has.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.olympiad.contest.attempts import load, right

from longhand.olympiad.contest.budget import Budget
from longhand.olympiad.contest.frames import answer_frame, text_of
from longhand.olympiad.contest.predictor import Predictor
from longhand.olympiad.contest.server import InferenceServer


def naked(faults: dict[str, str]) -> Any:
    """A predict that hands on whatever its solver returns, unless that is a number."""
    attempt = load(faults)

    def predict(id_: Any, problem: Any, answer: Any = None) -> Any:
        result = attempt(text_of(problem), 1.0)
        return answer_frame(text_of(id_), result) if type(result) is int else result

    return predict


def dying(at: int) -> Any:
    """A predict whose whole process is killed at a problem."""
    asked = 0

    def predict(id_: Any, problem: Any, answer: Any = None) -> Any:
        nonlocal asked
        asked += 1
        if asked == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer_frame(text_of(id_), right(text_of(problem)))

    return predict


def main(mode: str, faults: dict[str, str], seconds: float, log: Path) -> None:
    """Serve once."""
    if mode == "dying":
        InferenceServer(dying(at=30)).serve()
    elif mode == "naked":
        InferenceServer(naked(faults)).serve()
    else:
        predictor = Predictor(
            "tests.olympiad.contest.attempts:load",
            {"faults": faults},
            budget=Budget(limit=1e6, reserve=seconds, most=seconds),
            fallback=77,
            memory_bytes=400_000_000,
            log=log,
        )
        with predictor:
            InferenceServer(predictor.predict()).serve()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
