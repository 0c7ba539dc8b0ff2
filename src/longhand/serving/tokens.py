"""Texts to ids and back over HTTP, in the shape of vLLM's tokenizer routes: evaluators count tokens by them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from longhand.errors import UserError
from longhand.serving.failures import documented
from longhand.serving.schema import Asked
from longhand.serving.service import Service

_FAILURES: dict[int | str, dict[str, Any]] = {status: body for status, body in documented().items() if status != 504}


class TokenizeRequest(Asked):
    """A text, and whether the model's begin mark comes first."""

    prompt: str
    model: str | None = None
    add_special_tokens: bool = False


class TokenizeResponse(BaseModel):
    """Its ids, how many they are, and how many the model reads."""

    tokens: list[int]
    count: int
    max_model_len: int


class DetokenizeRequest(Asked):
    """Ids."""

    tokens: list[int] = Field(max_length=65_536)
    model: str | None = None


class DetokenizeResponse(BaseModel):
    """The text they spell."""

    prompt: str


class TokenizerInfo(BaseModel):
    """The marks of the vocabulary."""

    tokenizer_class: str = "longhand"
    bos_token: str | None
    eos_token: str | None
    pad_token: str | None
    chat_template: str | None = None


def tokens_router(service: Service) -> APIRouter:
    """The three routes, about the model of the moment."""
    router = APIRouter(tags=["tokens"], dependencies=[Depends(service.gate)], responses=_FAILURES)

    @router.post("/tokenize")
    async def tokenize(body: TokenizeRequest) -> TokenizeResponse:
        """The ids that spell a text as it stands."""
        model = service.model
        vocabulary, begin = model.checkpoint.vocabulary, model.checkpoint.format.begin
        first = [vocabulary.id_of("bos")] if body.add_special_tokens and begin else []
        known = {text: i for i, text in enumerate(vocabulary.tokens)}
        whole = known.get(body.prompt)  # a mark, which no text spells
        ids = [*first, *(vocabulary.encode(body.prompt) if whole is None else [whole])]
        return TokenizeResponse(tokens=ids, count=len(ids), max_model_len=min(model.solver.context, 2**31 - 1))

    @router.post("/detokenize")
    async def detokenize(body: DetokenizeRequest) -> DetokenizeResponse:
        """The text that ids spell, without marks."""
        vocabulary = service.model.checkpoint.vocabulary
        for token in body.tokens:
            if not 0 <= token < len(vocabulary):
                raise UserError(f"{token} is no id of this vocabulary; ids are 0 to {len(vocabulary) - 1}")
        return DetokenizeResponse(prompt=vocabulary.decode(body.tokens, skip_special=True))

    @router.get("/tokenizer_info")
    async def tokenizer_info() -> TokenizerInfo:
        """The marks of the vocabulary."""
        vocabulary = service.model.checkpoint.vocabulary
        marks = {
            f"{role}_token": vocabulary.tokens[vocabulary.id_of(role)] if vocabulary.has_role(role) else None
            for role in ("bos", "eos", "pad")
        }
        return TokenizerInfo(**marks)

    return router
