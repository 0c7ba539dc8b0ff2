"""How a model is served: limits, keys and waiting times, from the command line and the environment."""

from __future__ import annotations

import os
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longhand.errors import UserError

ENVIRONMENT = "LONGHAND_SERVING"
"""The variable by which the settings, as JSON, reach the worker processes."""
KEYS = "LONGHAND_API_KEYS"
"""The variable that holds the bearer keys, with commas in between. Keys stand nowhere else, and in no log."""


class ServingSettings(BaseModel):
    """Everything a serving process has to know but the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field("add-sub-3", description="checkpoint directory, shipped model, or NAME@alias of the registry")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0: any that is free")
    workers: int = Field(1, ge=1, description="serving processes")
    max_batch: int = Field(256, ge=1, description="prompts answered at once, at most")
    max_wait_ms: float = Field(0.0, ge=0, description="how long a batch that is not full waits for more")
    max_queue: int = Field(1024, ge=1, description="requests that may wait; more get 503 and Retry-After")
    deadline_ms: float = Field(10_000, gt=0, description="longest time a request may take; then it gets 504")
    max_tokens: int = Field(16_384, ge=1, description="longest answer that is written (tokens)")
    max_body: int = Field(65_536, ge=64, description="largest request body (bytes); more gets 413")
    rate_limit: str | None = Field(None, description="requests per key, or per address, such as 100/second")
    drain_seconds: float = Field(10.0, ge=0, description="after SIGTERM, how long requests may still take")
    not_ready_seconds: float = Field(
        0.0, ge=0, description="after SIGTERM, how long requests are still taken while /ready says 503"
    )
    cors: tuple[str, ...] = Field((), description="origins whose pages may ask from a browser; none by default")
    registry: str | None = Field(None, description="folder or URL of the registry that NAME@alias is looked up in")
    poll_seconds: float = Field(1.0, gt=0, description="how often the registry is asked for a newer version")
    log: bool = Field(True, description="write a JSON line per request to standard error")

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """The settings with these values; raises `UserError`, one line, for one that is impossible."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UserError(f"--{where.replace('_', '-')} {first['input']!r}: {first['msg']}") from error

    @classmethod
    def from_environment(cls) -> Self:
        """Those that `to_environment` left for a worker process; the defaults if it left none."""
        return cls.model_validate_json(os.environ.get(ENVIRONMENT, "{}"))

    def to_environment(self) -> None:
        """Leave them for worker processes that this one starts."""
        os.environ[ENVIRONMENT] = self.model_dump_json()


def keys_from_environment() -> tuple[str, ...]:
    """The bearer keys of which a request has to show one; none: everybody may ask."""
    return tuple(key for key in (part.strip() for part in os.environ.get(KEYS, "").split(",")) if key)
