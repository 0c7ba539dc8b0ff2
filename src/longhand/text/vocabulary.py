"""Tokens and their ids: a vocabulary is data, saved with every checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

from longhand.errors import UserError

OnUnknown = Literal["error", "unk", "drop"]

ROLES = ("pad", "bos", "eos", "unk", "think", "end_think", "noop", "separator")

# How the published systems spell the roles. Reading resolves every spelling; writing uses the vocabulary's own token.
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

    The longest token that fits is read first, so `<end>` is one token even where `<` is another. Where a
    vocabulary has no space but a `separator` role, a space is written with that token; decoding shows it as a
    space before a token of one character and before `<think>`, and as itself elsewhere (as padding). `on_unknown`
    says what becomes of a character that no token has. Raises `UserError` for tokens that are empty or twice there,
    and for roles that are unknown or played by no token.
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

    def __hash__(self) -> int:  # roles are a dict, which has none
        return hash((self.name, self.tokens, self.on_unknown))

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
        return all(token in self._ids for token in self._pattern.findall(text))

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; nothing is added at either end.

        A character that is in no token raises `UserError` with its position (from 1), or becomes the unk token,
        or is left out, as `on_unknown` says.
        """
        if self._initials.isdisjoint(text):
            try:
                return [self._ids[character] for character in text]
            except KeyError:
                pass
        tokens = self._pattern.findall(text)
        if self.on_unknown == "drop":
            return [self._ids[token] for token in tokens if token in self._ids]
        if self.on_unknown == "unk":
            unk = self.id_of("unk")
            return [self._ids.get(token, unk) for token in tokens]
        try:
            return [self._ids[token] for token in tokens]
        except KeyError as error:
            unknown = error.args[0]
        position = sum(map(len, tokens[: tokens.index(unknown)])) + 1
        shown = text if len(text) <= 60 else f"{text[:60]}..."
        raise UserError(
            f"unknown character {unknown!r} at position {position} of {shown!r}; "
            f"vocabulary {self.name!r} does not have it"
        )

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """Return the text of ids; `skip_special` leaves out pad, bos and eos tokens.

        Raises `UserError` for an id outside the vocabulary.
        """
        ids = list(ids)
        if not skip_special and not self._separator_is_space and (not ids or min(ids) >= 0):
            try:
                return "".join([self.tokens[index] for index in ids])
            except IndexError:
                pass
        words: list[str] = []
        special = {self.roles.get(role) for role in ("pad", "bos", "eos")} if skip_special else set()
        for index in ids:
            if not 0 <= index < len(self.tokens):
                raise UserError(f"id {index} is not in vocabulary {self.name!r}, which has {len(self)} tokens")
            if self.tokens[index] not in special:
                words.append(self.tokens[index])
        if self._separator_is_space:
            for place, following in enumerate(words[1:]):
                precedes_text = len(following) == 1 or following == self.roles.get("think")
                if words[place] == self.roles["separator"] and precedes_text:
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
        """Read what `to_dict` wrote; raises `UserError` that says what is wrong with anything else."""
        known = [field.name for field in fields(cls)]
        if not isinstance(data, Mapping) or any(key not in data for key in known):
            raise UserError(f"this is not a vocabulary; it must have {', '.join(known)}")
        for key in data:
            if key not in known:
                raise UserError(f"unknown key {key!r} in a vocabulary; known are {', '.join(known)}")
        tokens, roles = data["tokens"], data["roles"]
        if not isinstance(tokens, list | tuple) or not all(isinstance(token, str) for token in tokens):
            raise UserError("the tokens of a vocabulary must be a list of strings")
        if not isinstance(roles, Mapping) or not all(isinstance(token, str) for token in roles.values()):
            raise UserError("the roles of a vocabulary must map names to tokens")
        return cls(str(data["name"]), tuple(tokens), dict(roles), data["on_unknown"])

    @classmethod
    def from_corpus(
        cls, texts: Iterable[str], *, extra: str = "0123456789+-*/=() ", on_unknown: OnUnknown = "error"
    ) -> Vocabulary:
        """Build the `chars` vocabulary: the special tokens, then every character of the corpus and of `extra`, sorted.

        The NumPy system builds its own in this way; here it is saved with the model. Tags of worked steps
        that occur in the corpus are special tokens too, after the four that are always there.
        """
        roles = {"pad": "<PAD>", "bos": "<START>", "eos": "<END>", "unk": "<UNK>"}
        tag = re.compile("|".join(re.escape(s) for spellings in SPELLINGS.values() for s in spellings))
        tags, characters = set[str](), set(extra)
        for text in texts:
            tags.update(tag.findall(text))
            characters.update(tag.sub("", text))
        roles |= {role: SPELLINGS[role][0] for role in ("think", "end_think", "noop") if SPELLINGS[role][0] in tags}
        return cls("chars", (*roles.values(), *sorted(characters)), roles, on_unknown)

    @property
    def _separator_is_space(self) -> bool:
        return "separator" in self.roles and " " not in self.tokens

    @cached_property
    def _ids(self) -> dict[str, int]:
        ids = {token: index for index, token in enumerate(self.tokens)}
        for role, spellings in SPELLINGS.items():
            if role in self.roles:
                for spelling in spellings:
                    ids.setdefault(spelling, ids[self.roles[role]])
        if self._separator_is_space:
            ids[" "] = ids[self.roles["separator"]]
        return ids

    @cached_property
    def _initials(self) -> frozenset[str]:
        """The characters with which tokens of more than one begin; a text without them is spelled one by one."""
        return frozenset(token[0] for token in self._ids if len(token) > 1)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Matches the longest token at a place, or else one character, known or not."""
        longest_first = sorted((token for token in self._ids if len(token) > 1), key=len, reverse=True)
        return re.compile("|".join([*map(re.escape, longest_first), "."]), flags=re.DOTALL)
