"""What the AI Mathematical Olympiad, Progress Prize 3, asks of a program that takes part.

Final submissions closed on 15 April 2026. The contract is written down from the helper files that the host published,
in our own words; where ours is stricter, the function says so.
"""

from __future__ import annotations

from longhand.errors import UserError

PROBLEMS = 50
"""Problems of one run."""

ANSWERS = range(100_000)
"""What an answer can be. The host does not check it: an answer outside is a wrong one."""

RUN_SECONDS = 5 * 3600
"""How long a notebook with an accelerator may run."""

START_SECONDS = 15 * 60
"""How long after its start a program may begin to serve: a model is loaded in the first call, not before."""

CALL_SECONDS = 9 * 3600
"""How long the host waits for an answer, except for the first, for which it waits as long as it takes."""

RERUN = "KAGGLE_IS_COMPETITION_RERUN"
"""Environment variable: set where the host asks its hidden problems, not set where a notebook tries itself out."""

ADDRESS = "LONGHAND_GATEWAY"
"""Environment variable: the path of the socket where a server listens for our gateway; the host has fixed ports."""

SUBMISSION = "submission.parquet"


class InvalidSubmissionError(UserError):
    """The host would take nothing of the run: one line with the problem and the reason. No file was written."""
