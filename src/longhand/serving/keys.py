"""Who may ask, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from math import ceil
from secrets import compare_digest
from time import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.requests import Request

from longhand.errors import UserError


class Gate:
    """Lets a request pass that shows one of `keys` (none: all do), and no more than `rate` of each key or address.

    Keys are compared in constant time. Raises `UserError` for a rate that is no rate.
    """

    def __init__(self, keys: Sequence[str], rate: str | None) -> None:
        self._keys = [key.encode() for key in keys]
        self._rate: RateLimitItem | None = None
        if rate is not None:
            try:
                self._rate = parse(rate)
            except ValueError as error:
                raise UserError(f"--rate-limit {rate!r} is no rate; give one such as 100/second") from error
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, request: Request) -> None:
        """Raise `HTTPException` 401 or 429 if the request may not pass."""
        if self._keys:
            self._admit(shown(request))
        if self._rate is not None:
            self._count(request)

    def _admit(self, key: bytes) -> None:
        matches = [compare_digest(key, known) for known in self._keys]  # all of them, whichever it is
        if not any(matches):
            raise HTTPException(401, "A valid bearer key is needed", {"WWW-Authenticate": "Bearer"})

    def _count(self, request: Request) -> None:
        assert self._rate is not None
        who = sha256(shown(request)).hexdigest() if self._keys else request.client.host if request.client else ""
        if not self._limiter.hit(self._rate, who):
            again = max(1, ceil(self._limiter.get_window_stats(self._rate, who).reset_time - time()))
            raise HTTPException(429, "Too many requests", {"Retry-After": str(again)})


def shown(request: Request) -> bytes:
    """The bearer key of a request; empty if it shows none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip().encode() if scheme.lower() == "bearer" else b""
