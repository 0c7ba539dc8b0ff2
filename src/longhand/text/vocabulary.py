"""Tokens and their ids: a vocabulary is data, saved with every checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from longhand.errors import UserError

OnUnknown = Literal["error", "unk", "drop"]

ROLES = ("pad", "bos", "eos", "unk", "think", "end_think", "noop", "separator")

# Other spellings under which the published systems write the same role; resolved when reading.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "pad": ("<pad>", "<PAD>"),
    "bos": ("<bos>", "<BOS>", "<begin>", "<START>"),
    "eos": ("<eos>", "<EOS>", "<end>", "<END>"),
    "unk": ("<unk>", "<UNK>"),
    "think": ("<think>",),
    "end_think": ("</think>",),
    "noop": ("<noop>",),
}


@dataclass(frozen=True)
class Vocabulary:
    """An ordered list of tokens (a token's id is its place) and the roles some of them play.

    The longest token that fits is read first, so `<end>` is one token although `<` might be another. Where a
    vocabulary has no space but a `separator` role, a space is written with that token; on decoding it prints as
    a space when a token of one character follows and as itself otherwise (as padding).
    """

    name: str
    tokens: tuple[str, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    on_unknown: OnUnknown = "error"

    def __post_init__(self) -> None:
        if len(set(self.tokens)) != len(self.tokens) or "" in self.tokens:
            raise UserError(f"vocabulary {self.name!r}: every token must be different and not empty")
        for role, token in self.roles.items():
            if role not in ROLES:
                raise UserError(f"vocabulary {self.name!r}: unknown role {role!r}; known are {', '.join(ROLES)}")
            if token not in self.tokens:
                raise UserError(f"vocabulary {self.name!r}: the token {token!r} of role {role!r} is not in it")
        if self.on_unknown not in ("error", "unk", "drop"):
            raise UserError(f"on_unknown {self.on_unknown!r} is unknown; choose error, unk or drop")
        if self.on_unknown == "unk" and "unk" not in self.roles:
            raise UserError(f"vocabulary {self.name!r} has no unk token; choose on_unknown error or drop")

    def __len__(self) -> int:
        return len(self.tokens)

    def __hash__(self) -> int:
        return hash((self.name, self.tokens, self.on_unknown))

    @cached_property
    def _ids(self) -> dict[str, int]:
        ids = {token: index for index, token in enumerate(self.tokens)}
        for role, spellings in SPELLINGS.items():
            if role in self.roles:
                for spelling in spellings:
                    ids.setdefault(spelling, ids[self.roles[role]])
        if "separator" in self.roles:
            ids.setdefault(" ", ids[self.roles["separator"]])
        return ids

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self._ids, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)))

    def has_role(self, role: str) -> bool:
        """Whether some token plays this role."""
        return role in self.roles

    def id_of(self, role: str) -> int:
        """The id of the token that plays a role; raises `UserError` if none does."""
        if role not in self.roles:
            raise UserError(f"vocabulary {self.name!r} has no {role} token")
        return self._ids[self.roles[role]]

    def can_spell(self, text: str) -> bool:
        """Whether every character of the text belongs to some token."""
        return self._first_unknown(text) is None

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; nothing is added at either end.

        A character that is in no token raises `UserError` with its position, or becomes the unk token, or is
        left out, as `on_unknown` says.
        """
        ids: list[int] = []
        position = 0
        while position < len(text):
            match = self._pattern.match(text, position)
            if match is not None:
                ids.append(self._ids[match.group()])
                position = match.end()
                continue
            if self.on_unknown == "error":
                raise UserError(
                    f"unknown character {text[position]!r} at position {position + 1} of {text!r}; "
                    f"vocabulary {self.name!r} does not have it"
                )
            if self.on_unknown == "unk":
                ids.append(self.id_of("unk"))
            position += 1
        return ids

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """Return the text of ids; `skip_special` leaves out pad, bos and eos tokens.

        Raises `UserError` for an id outside the vocabulary.
        """
        chosen = list(ids)
        for index in chosen:
            if not 0 <= index < len(self.tokens):
                raise UserError(f"id {index} is not in vocabulary {self.name!r}, which has {len(self)} tokens")
        if skip_special:
            special = {self.id_of(role) for role in ("pad", "bos", "eos") if role in self.roles}
            chosen = [index for index in chosen if index not in special]
        words = [self.tokens[index] for index in chosen]
        if "separator" in self.roles and " " not in self.tokens:
            separator = self.roles["separator"]
            for place, following in enumerate(words[1:]):
                if words[place] == separator and len(following) == 1:
                    words[place] = " "
        return "".join(words)

    def to_dict(self) -> dict[str, Any]:
        """The vocabulary as JSON data."""
        return {
            "name": self.name,
            "tokens": list(self.tokens),
            "roles": dict(self.roles),
            "on_unknown": self.on_unknown,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Vocabulary:
        """Read what `to_dict` wrote; raises `UserError` if it is not that."""
        try:
            return cls(str(data["name"]), tuple(data["tokens"]), dict(data["roles"]), data["on_unknown"])
        except (KeyError, TypeError) as error:
            raise UserError(f"this is not a vocabulary: {error}") from error

    @classmethod
    def from_corpus(cls, texts: Iterable[str], *, extra: str = "0123456789+-*/=() ") -> Vocabulary:
        """Build the `chars` vocabulary: four special tokens, then every character of the corpus and `extra`, sorted.

        This is how the NumPy prototype builds its own; here it is saved with the model.
        """
        characters = sorted({*extra, *(character for text in texts for character in text)})
        special: Sequence[str] = ("<PAD>", "<START>", "<END>", "<UNK>")
        roles = dict(zip(("pad", "bos", "eos", "unk"), special, strict=True))
        return cls("chars", (*special, *characters), roles)

    def _first_unknown(self, text: str) -> int | None:
        position = 0
        while position < len(text):
            match = self._pattern.match(text, position)
            if match is None:
                return position
            position = match.end()
        return None
