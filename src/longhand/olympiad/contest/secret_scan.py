"""Finds keys, tokens and passwords in what is about to be published; says where, and never what."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

BINARY_BYTES = 1 << 20
"""How much of a binary file is read: the names and notes at its head, not its numbers."""


@dataclass(frozen=True, order=True)
class Secret:
    """Where something lies that must not be published, and of what kind it seems to be."""

    path: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} ({self.kind})" if self.line else f"{self.path} ({self.kind})"


_FILE_NAMES = {
    "kaggle.json": "Kaggle credentials",
    "access_token": "access token",
    ".env": "environment file",
    ".netrc": "credentials of hosts",
    "_netrc": "credentials of hosts",
    ".pypirc": "credentials of a package index",
    ".git-credentials": "credentials of git",
    ".htpasswd": "passwords",
    "id_rsa": "private key",
    "id_dsa": "private key",
    "id_ecdsa": "private key",
    "id_ed25519": "private key",
}
_SUFFIXES = {".p12": "private key", ".pfx": "private key", ".kdbx": "passwords"}

# What has to be in a file, in small letters, one or the other, for a pattern to be worth looking for; and the pattern.
_TOKENS = {
    "Hugging Face token": ("hf_", r"hf_[A-Za-z0-9]{30,}"),
    "Kaggle token": ("kgat_", r"KGAT_[A-Za-z0-9]{20,}"),
    "secret key (sk-)": ("sk-", r"sk-(?:[a-z]+[0-9]*-)*[A-Za-z0-9_]{20,}"),
    "GitHub token": ("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,}"),
    "GitHub token (fine-grained)": ("github_pat_", r"github_pat_[A-Za-z0-9_]{40,}"),
    "GitLab token": ("glpat-", r"glpat-[A-Za-z0-9_-]{20,}"),
    "AWS access key": ("akia asia", r"A(?:KIA|SIA)[A-Z2-7]{16}"),
    "Google API key": ("aiza", r"AIza[A-Za-z0-9_-]{35}"),
    "Slack token": ("xox", r"xox[abprs]-[A-Za-z0-9-]{20,}"),
    "PyPI token": ("pypi-", r"pypi-AgE[A-Za-z0-9_-]{40,}"),
    "signed web token": ("eyj", r"eyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}"),
}
_PLACES = {
    "private key": (
        "-----begin",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[rn])*[A-Za-z0-9+/=:]",
    ),
    "Kaggle key": (
        "kaggle \"key\" 'key'",
        r"""(?i)(?:kaggle_?key["']?|"key"|'key')\s*[:=]\s*["']?[0-9a-f]{32}(?![0-9a-f])""",
    ),
    "Weights & Biases key": ("wandb", r"""(?i)wandb_?(?:api_?)?key["']?\s*[:=]\s*["']?[0-9a-f]{40}(?![0-9a-f])"""),
    "password in an address": ("://", r"""://[^\s:/@"'{}$<>%*]+:(?!pass|secret|pw)[^\s:/@"'{}$<>%*]{6,}@"""),
}
_BEFORE, _AFTER = "(?<![A-Za-z0-9_-])", "(?![A-Za-z0-9])"
_PATTERNS = [
    *(
        (kind, needles.encode().split(), re.compile((_BEFORE + token + _AFTER).encode()))
        for kind, (needles, token) in _TOKENS.items()
    ),
    *((kind, needles.encode().split(), re.compile(place.encode())) for kind, (needles, place) in _PLACES.items()),
]

_ASSIGNMENT = re.compile(
    rb"""(?i)(?:secret|token|passwo?r?d|passwd|api_?key|access_?key|auth_?key|credential)[a-z0-9_]*["']?"""
    rb"""\s*(?::\s*str\s*)?[=:]\s*["']?([A-Za-z0-9+/=_\-]{16,})["']?\s*(?:[,;#}\])]|$)""",
    flags=re.MULTILINE,
)
_LEAST_ENTROPY = 3.5
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def secrets_in(path: str, content: bytes) -> Iterator[Secret]:
    """Everything in a file that looks like a secret, by line; of a binary file only the head is looked at.

    Tokens are known by how their makers begin them, private keys by their frame, files by their names. What is assigned
    to a name such as `api_key` counts if it is as mixed as chance would make it (`is_random`). `path` is relative, with
    slashes.
    """
    name = PurePosixPath(path).name.lower()
    kind = _FILE_NAMES.get(name) or _SUFFIXES.get(PurePosixPath(name).suffix)
    if kind is None and name.startswith(".env."):
        kind = None if name.endswith((".example", ".template", ".sample")) else "environment file"
    if kind:
        yield Secret(path, 0, kind)
    is_binary = b"\0" in content[:8192]
    looked_at = content[:BINARY_BYTES] if is_binary else content
    small = looked_at.lower()
    found = {
        (looked_at.count(b"\n", 0, match.start()) + 1, kind)
        for kind, needles, pattern in _PATTERNS
        if any(needle in small for needle in needles)
        for match in pattern.finditer(looked_at)
    }
    lines = {line for line, _ in found}
    if not is_binary:
        for match in _ASSIGNMENT.finditer(looked_at):
            line = looked_at.count(b"\n", 0, match.start(1)) + 1
            if line not in lines and is_random(match.group(1).decode()):
                found.add((line, "assigned value that looks like a secret"))
    for line, kind in sorted(found):
        yield Secret(path, line, kind)


def is_random(value: str) -> bool:
    """Whether a value is mixed as chance would mix it, of letters and digits, and not made of words.

    Its entropy is above 3.5 bits per character, and its runs of letters (a capital begins a new one) or digits are
    shorter than 3 on average: those of `gpt2_layer_12_attention` are longer.
    """
    counts = Counter(value)
    entropy = -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
    runs = _RUN.findall(value)
    has_both = any(run.isdigit() for run in runs) and not all(run.isdigit() for run in runs)
    return has_both and entropy > _LEAST_ENTROPY and sum(map(len, runs)) < 3 * len(runs)
