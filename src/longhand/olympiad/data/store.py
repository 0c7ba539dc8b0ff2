"""Tokenised word problems on disk: flat ids that are mapped into memory, not read.

A store is a folder: `ids.bin` (int32, all rows end to end), `offsets.npy` (int64, where each row begins, and the end),
`prompt_lengths.npy` (int32) and `manifest.json`, which says from which files, tokenizer, template and options it was
made. It appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from longhand.errors import UserError
from longhand.olympiad.data.chat import ChatFormat, EncodedRow
from longhand.runs.manifest import file_sha256

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FORMAT = "longhand-word-problems-1"
MANIFEST, IDS, OFFSETS, PROMPT_LENGTHS = "manifest.json", "ids.bin", "offsets.npy", "prompt_lengths.npy"
CONTENTS = (IDS, OFFSETS, PROMPT_LENGTHS)
ID_TYPE = np.dtype("<i4")


class TokenStore:
    """A store opened for reading; rows are `EncodedRow`s by index.

    Opening costs the offsets, 12 bytes a row, whatever the store's size. Raises `UserError` for a folder that is no
    store, or not a whole one.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.manifest = read_manifest(self.path)
        for name in CONTENTS:
            size = self.manifest["contents"][name]["bytes"]
            file = self.path / name
            if not file.is_file() or file.stat().st_size != size:
                raise UserError(f"{file} is missing or not as long as {MANIFEST} says; build the store again")
        self.offsets = cast("npt.NDArray[np.int64]", np.load(self.path / OFFSETS, allow_pickle=False))
        self.prompt_lengths = cast("npt.NDArray[np.int32]", np.load(self.path / PROMPT_LENGTHS, allow_pickle=False))
        self.ids = np.memmap(self.path / IDS, dtype=ID_TYPE, mode="r")
        if len(self.offsets) != len(self) + 1 or self.offsets[-1] != len(self.ids):
            raise UserError(f"{self.path}: its files do not belong together; build the store again")

    def __len__(self) -> int:
        return len(self.prompt_lengths)

    def __getitem__(self, index: int) -> EncodedRow:
        start, end = self.offsets[index], self.offsets[index + 1]
        return EncodedRow(self.ids[start:end].tolist(), int(self.prompt_lengths[index]))

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of every row, end mark included."""
        return np.diff(self.offsets)

    @property
    def pad_id(self) -> int:
        """The id that fills up shorter rows of a batch; masks say where it is."""
        return int(self.manifest["pad_id"])

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerFast) -> None:
        """Raise `UserError` if the store was made with another tokenizer or another chat template."""
        for name, found in tokenizer_hashes(tokenizer).items():
            if self.manifest[name] != found:
                raise UserError(f"{self.path} was built with another {name.removesuffix('_sha256')}; build it again")

    def check_contents(self) -> None:
        """Raise `UserError` if a file is not, byte for byte, as it was written."""
        for name in CONTENTS:
            if file_sha256(self.path / name) != self.manifest["contents"][name]["sha256"]:
                raise UserError(f"{self.path / name} was changed after it was written; build the store again")


def read_manifest(path: Path) -> dict[str, Any]:
    """What a store says of itself; raises `UserError` if there is none at `path`."""
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
    except OSError as error:
        raise UserError(f"{path} is no store of word problems: it has no {MANIFEST}") from error
    except ValueError as error:
        raise UserError(f"{path / MANIFEST} is damaged; build the store again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UserError(f"{path} is no store of word problems that this version reads ({FORMAT})")
    return manifest


def tokenizer_hashes(tokenizer: PreTrainedTokenizerFast) -> dict[str, str]:
    """SHA-256 of a tokenizer's vocabulary and rules, and of its chat template."""
    rules = json.loads(tokenizer.backend_tokenizer.to_str())
    rules.pop("truncation", None)  # set by whoever used it last
    rules.pop("padding", None)
    return {
        "tokenizer_sha256": _sha256(json.dumps(rules, sort_keys=True)),
        "template_sha256": _sha256(str(tokenizer.chat_template)),
    }


def chat_description(chat: ChatFormat) -> dict[str, Any]:
    """What of a chat format decides the ids of a store, as JSON data."""
    pad = chat.tokenizer.pad_token_id
    return {
        **tokenizer_hashes(chat.tokenizer),
        "system": chat.system,
        "eos_id": chat.eos_id,
        "pad_id": chat.eos_id if pad is None else int(pad),
        "vocabulary_size": len(chat.tokenizer),
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
