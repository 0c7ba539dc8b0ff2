"""A server whose model is named by an alias of the registry follows it: promoted there, served here."""

from __future__ import annotations

import asyncio
import logging

from longhand.registry.aliases import Target, resolve
from longhand.registry.fetch import fetch
from longhand.registry.reference import names_a_version, parse_reference
from longhand.registry.store import Store, open_store
from longhand.registry.version import DamagedError
from longhand.serving.served_model import ServedModel
from longhand.serving.service import Service

_log = logging.getLogger("longhand.serving")


class ModelSource:
    """Where the model of a server comes from: a directory, a shipped model, or a version of the registry."""

    def __init__(self, given: str, registry: str | None) -> None:
        self._given = given
        self._store: Store | None = None
        self.reference = None
        if names_a_version(given):
            self._store, self.reference = open_store(registry), parse_reference(given)
        self._opened: Target | None = None
        self._refused: Target | None = None

    @property
    def moves(self) -> bool:
        """Whether another model may be meant later: an alias can be changed, a path or a number cannot."""
        return self.reference is not None and self.reference.alias is not None

    def open(self) -> ServedModel:
        """The model that is meant now; raises `UserError` if there is none, or if it is damaged."""
        if self._store is None or self.reference is None:
            return ServedModel.open(self._given)
        return self._open(self._store, resolve(self._store, self.reference))

    def newer(self) -> ServedModel | None:
        """The model that is meant now, if it is another than the one opened last; None if not.

        A damaged version is not tried again; one that could not be fetched is. Raises `UserError` as `open` does.
        """
        assert self._store is not None
        assert self.reference is not None
        target = resolve(self._store, self.reference)
        if target in (self._opened, self._refused):
            return None
        try:
            return self._open(self._store, target)
        except DamagedError:
            self._refused = target
            raise

    def _open(self, store: Store, target: Target) -> ServedModel:
        model = ServedModel.open(fetch(store, target), name=target.name, version=str(target.version))
        self._opened, self._refused = target, None
        return model


async def follow(service: Service, source: ModelSource, seconds: float) -> None:
    """Ask every so many seconds which version is meant, and serve it; ends when it is cancelled.

    Requests that wait are answered by the version they were asked of. What cannot be fetched, or whose hash is wrong,
    is not served: the version before stays.
    """
    loop = asyncio.get_running_loop()
    told = ""
    while True:
        await asyncio.sleep(seconds)
        try:
            model = await loop.run_in_executor(None, _look, service, source)
        except Exception as error:  # whatever it was, the next look may find something else
            if str(error) != told:
                _log.warning(
                    "%s: %s", "the version that is served stays" if service.is_loaded else "no model yet", error
                )
            told = str(error)
            continue
        told = ""
        if model is not None:
            service.use(model)
            _log.warning("serving %s version %s from now on", model.name, model.version)


def _look(service: Service, source: ModelSource) -> ServedModel | None:
    return source.newer() if service.is_loaded else source.open()
