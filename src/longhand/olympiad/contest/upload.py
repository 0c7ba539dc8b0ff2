"""A bundle goes to Kaggle only when somebody says so, and after it was shown what would go there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from longhand.errors import UserError
from longhand.olympiad.contest.bundle import refuse_secrets
from longhand.olympiad.contest.bundle_manifest import MANIFEST, verify

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(f"cannot run {command[0]} ({error.strerror or error}): pip install kaggle") from error


@dataclass(frozen=True)
class UploadPlan:
    """What an upload would do: which files of how many bytes, as which data set, by which commands."""

    folder: Path
    dataset: str
    files: dict[str, int]
    message: str

    @property
    def asks(self) -> list[str]:
        """Whether the data set is there already."""
        return ["kaggle", "datasets", "status", self.dataset]

    @property
    def creates(self) -> list[str]:
        """The first upload. Without `--dir-mode` Kaggle's program leaves out all folders, weights among them."""
        return ["kaggle", "datasets", "create", "-p", str(self.folder), "--dir-mode", "zip"]

    @property
    def updates(self) -> list[str]:
        """A new version of a data set that is there."""
        return ["kaggle", "datasets", "version", "-p", str(self.folder), "-m", self.message, "--dir-mode", "zip"]

    def lines(self) -> list[str]:
        """The plan for people to read."""
        total = sum(self.files.values())
        listed = [f"  {size:>14,}  {name}" for name, size in sorted(self.files.items())]
        first, later = shlex.join(self.creates), shlex.join(self.updates)
        return [
            f"{self.folder} as the private data set {self.dataset}: {len(self.files)} files, {total:,} bytes",
            *listed,
            f"the first time: {first}",
            f"afterwards:     {later}",
        ]


def plan_upload(folder: Path, message: str = "new version", allow: Collection[str] = ()) -> UploadPlan:
    """What uploading a bundle would do; runs nothing and needs no network.

    `allow` names files whose secrets are known to be none. Raises `UserError` for a folder that is no bundle, or was
    changed since it was packed, and for secrets.
    """
    entries = verify(folder)
    refuse_secrets({name: folder / name for name in entries}, allow)
    metadata = json.loads((folder / "dataset-metadata.json").read_text(encoding="utf-8"))
    sizes = {name: int(entry["bytes"]) for name, entry in entries.items()}
    return UploadPlan(folder, metadata["id"], sizes | {MANIFEST: (folder / MANIFEST).stat().st_size}, message)


def upload(
    folder: Path,
    *,
    really: bool = False,
    message: str = "new version",
    allow: Collection[str] = (),
    show: Callable[[str], None] = print,
    run: Run = _run,
) -> bool:
    """Show the plan, and only if `really`, upload: the first time a private data set, later a new version of it.

    Returns whether it was uploaded. Who may do so is a matter between Kaggle's program and Kaggle; no key passes
    through here. Raises `UserError` for what `plan_upload` refuses and with what that program says when it fails.
    """
    plan = plan_upload(folder, message, allow)
    for line in plan.lines():
        show(line)
    if not really:
        show("nothing was uploaded")
        return False
    is_there = run(plan.asks).returncode == 0
    done = run(plan.updates if is_there else plan.creates)
    said = (done.stdout + done.stderr).strip()
    # Kaggle's program ends with 0 after some errors.
    if done.returncode != 0 or re.search(r"\berror\b", said, flags=re.IGNORECASE):
        raise UserError(f"kaggle did not take {plan.dataset}: {said.splitlines()[-1] if said else done.returncode}")
    show(said)
    return True
