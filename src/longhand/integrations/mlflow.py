"""Checkpoints in MLflow's model registry, with the words and the checks of our own.

::

    registry = MlflowRegistry("sqlite:///mlflow.db")
    registry.push("runs/demo", "add-sub", alias="production")
    solver = longhand.load(registry.fetch("add-sub@production"))
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.integrations.extras import extra
from longhand.registry.aliases import Target
from longhand.registry.contents import Contents, damage, read_contents
from longhand.registry.fetch import cached, keep
from longhand.registry.find import find_model
from longhand.registry.reference import PRODUCTION, check_alias, check_name, parse_reference
from longhand.registry.version import SHA256, DamagedError

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves the machine unasked; read at the import

with extra("mlflow"):
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

__all__ = ["MlflowRegistry"]

EXPERIMENT, ARTIFACTS, TAG = "longhand", "model", "longhand.sha256"


class MlflowRegistry:
    """Versions of models in MLflow, each with a run that holds the files of the checkpoint as artifacts.

    `uri` is that of tracking and registry (`sqlite:///mlflow.db`, `http://…`); by default MLflow's own choice, which is
    MLFLOW_TRACKING_URI. What MLflow refuses is a `UserError`.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = uri
        with extra("mlflow"), _naming():  # it imports what a database needs only here
            self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def push(self, model: str | Path, name: str, *, alias: str | None = None, note: str = "") -> Target:
        """Register a checkpoint as the next version of `name`; one that is registered already stays the version it is.

        Raises `UserError` if it is damaged or no finished model.
        """
        check_name(name)
        if alias is not None:
            check_alias(alias)
        contents = read_contents(find_model(model))
        with _naming():
            target = self._find(name, contents.sha256) or self._register(contents, name, note)
        if alias is not None:
            self.promote(name, target.version, alias)
        return target

    def promote(self, name: str, version: int, alias: str = PRODUCTION) -> None:
        """Let an alias name a version; MLflow keeps no history to roll back to."""
        check_alias(alias)
        with _naming():
            self.client.set_registered_model_alias(name, alias, str(version))

    def resolve(self, reference: str) -> Target:
        """The version that `NAME@ALIAS` names now, or `NAME:VERSION`; raises `UserError` if there is none."""
        wanted = parse_reference(reference)
        if wanted.alias is None and wanted.version is None:
            raise UserError(f"{wanted} names no version; write {wanted}@{PRODUCTION} or {wanted}:1")
        with _naming():
            if wanted.alias is not None:
                found = self.client.get_model_version_by_alias(wanted.name, wanted.alias)
            else:
                found = self.client.get_model_version(wanted.name, str(wanted.version))
        return _target(found, wanted.name)

    def fetch(self, wanted: Target | str) -> Path:
        """The directory of a version on this machine, for `longhand.load`, with every hash compared.

        It is kept in the cache of our own registry. Raises `UserError` if there is no such version, and `DamagedError`
        if a file is not as it was pushed.
        """
        target = wanted if isinstance(wanted, Target) else self.resolve(wanted)
        kept = cached(target.sha256)
        if kept is not None:
            return kept
        with tempfile.TemporaryDirectory() as folder:
            with _naming():
                uri = self.client.get_model_version_download_uri(target.name, str(target.version))
                place = Path(download_artifacts(artifact_uri=uri, dst_path=folder, tracking_uri=self.uri))
            files: dict[str, bytes] = {}
            for wrong in damage(lambda name: (place / name).read_bytes(), target.sha256, files):
                raise DamagedError(f"{target} in MLflow is damaged and not used: {wrong}")
        return keep(files)

    def _find(self, name: str, digest: str) -> Target | None:
        for found in self.client.search_model_versions(f"name='{name}'"):
            if found.tags.get(TAG) == digest:
                return _target(found, name)
        return None

    def _register(self, contents: Contents, name: str, note: str) -> Target:
        client, facts = self.client, contents.facts
        experiment = client.get_experiment_by_name(EXPERIMENT)
        experiment_id = client.create_experiment(EXPERIMENT) if experiment is None else experiment.experiment_id
        run = client.create_run(experiment_id, run_name=name)
        for key, value in facts.metrics.items():
            if isinstance(value, int | float):
                client.log_metric(run.info.run_id, key, float(value))
        with tempfile.TemporaryDirectory() as folder:
            for file, content in contents.files.items():
                (Path(folder) / file).write_bytes(content)
            client.log_artifacts(run.info.run_id, folder, ARTIFACTS)
        client.set_terminated(run.info.run_id)
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        tags = {TAG: contents.sha256, "longhand.parameters": str(facts.parameters)}
        if facts.certificate is not None:
            tags["longhand.claim"] = facts.certificate.claim
        if facts.commit is not None:
            tags["longhand.commit"] = facts.commit
        source = f"{run.info.artifact_uri}/{ARTIFACTS}"
        made = client.create_model_version(name, source, run.info.run_id, tags=tags, description=note or None)
        return _target(made, name)


def _target(found: Any, name: str) -> Target:
    digest = found.tags.get(TAG, "")
    if not re.fullmatch(SHA256, digest):
        raise UserError(f"{name}:{found.version} in MLflow is no model of longhand: its tag {TAG} is {digest!r}")
    return Target(name, int(found.version), digest)


@contextmanager
def _naming() -> Iterator[None]:
    try:
        yield
    except MlflowException as error:
        raise UserError(f"MLflow: {str(error).splitlines()[0]}") from error
