"""`/v1/completions` and `/v1/models`: the shape of OpenAI's legacy completions API, for its clients and evaluators."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from secrets import randbits, token_hex
from time import time
from typing import Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from longhand.errors import UserError
from longhand.serving.failures import documented
from longhand.serving.schema import (
    Choice,
    CompletionRequest,
    CompletionResponse,
    Logprobs,
    ModelEntry,
    ModelList,
    Usage,
)
from longhand.serving.served_model import ServedModel
from longhand.serving.service import Answer, Service
from longhand.solvers.base import TokenChance


def completions_router(service: Service) -> APIRouter:
    """The two routes, answered by a service."""
    router = APIRouter(prefix="/v1", tags=["openai"], dependencies=[Depends(service.gate)])

    @router.get("/models", responses={k: v for k, v in documented(openai=True).items() if k in (401, 429, 503)})
    async def list_models() -> ModelList:
        """The model that is served."""
        model = service.model
        claim = None if model.certificate is None else model.certificate.claim
        entry = ModelEntry(
            id=model.name, created=0, version=model.version, pattern=model.accepted.pattern, certified=claim
        )
        return ModelList(data=[entry])

    @router.post("/completions", response_model=CompletionResponse, responses=documented(openai=True))
    async def complete(request: Request, body: CompletionRequest) -> Response:
        """Complete one prompt or several.

        A prompt that asks a problem is written to the model in its own format, and its completion is the plain answer;
        with `echo` or `logprobs` it is what the model wrote, token by token.
        """
        model = _model(service, body)
        prompts = _prompts(model, body.prompt)
        if body.best_of is not None and body.best_of != body.n:
            raise UserError(f"best_of {body.best_of} is not offered; leave it out, or set it to n")
        parts = await service.clients.unless_gone(request, _all_choices(service, model, body, prompts))
        choices = [choice for part in parts for choice in part.choices]
        n_read, n_written = sum(part.n_read for part in parts), sum(part.n_written for part in parts)
        for index, choice in enumerate(choices):
            choice.index = index
        service.measurements.tokens.labels("read").inc(n_read)
        request.scope["state"]["facts"] |= {
            "model": model.name,
            "version": model.version,
            "length": sum(map(len, prompts)),
            "prompts": len(prompts),
            "batch_size": max(part.batch_size for part in parts),
            "verdict": ",".join(str(choice.verdict) for choice in choices[:8]),
        }
        response = CompletionResponse(
            id=f"cmpl-{token_hex(12)}",
            created=int(time()),
            model=model.name,
            choices=choices,
            usage=Usage(prompt_tokens=n_read, completion_tokens=n_written, total_tokens=n_read + n_written),
            system_fingerprint=model.version,
        )
        if body.stream:
            return StreamingResponse(_events(response, body), media_type="text/event-stream")
        return Response(response.model_dump_json(), media_type="application/json")

    return router


def _prompts(model: ServedModel, given: str | Sequence[str | int | Sequence[int]]) -> list[str]:
    """The prompts as texts, whether they came as one or several, as texts or in ids."""
    if isinstance(given, str):
        return [given]
    if isinstance(given[0], int):
        given = [[id for id in given if isinstance(id, int)]]
    vocabulary = model.checkpoint.vocabulary
    texts = []
    for prompt in given:
        if isinstance(prompt, str):
            texts.append(prompt)
            continue
        assert not isinstance(prompt, int)
        if max(prompt) >= len(vocabulary):
            raise UserError(f"{max(prompt)} is no id of this vocabulary; ids are 0 to {len(vocabulary) - 1}")
        texts.append(vocabulary.decode(prompt, skip_special=True))
    return texts


def _model(service: Service, body: CompletionRequest) -> ServedModel:
    model = service.model
    if body.model not in (None, "", model.name, f"{model.name}:{model.version}"):
        raise HTTPException(404, f"The model {body.model!r} is not served here; this is {model.name!r}")
    return model


class _Part(NamedTuple):
    """The completions of one prompt, how many tokens were read and written, and how many prompts were in its batch."""

    choices: list[Choice]
    n_read: int
    n_written: int
    batch_size: int


async def _all_choices(
    service: Service, model: ServedModel, body: CompletionRequest, prompts: Sequence[str]
) -> list[_Part]:
    """What `_choices` says of each prompt; they are asked at once, so that they share batches."""
    return await asyncio.gather(*(_choices(service, model, body, prompt) for prompt in prompts))


async def _choices(service: Service, model: ServedModel, body: CompletionRequest, prompt: str) -> _Part:
    if body.max_tokens == 0:
        if not body.echo:
            raise UserError("max_tokens is 0, so nothing would be written; set echo, or give at least 1")
        row = _as_written(model, prompt)
        shown = None if body.logprobs is None else await _scored(service, model, row, body.logprobs)
        text = model.checkpoint.vocabulary.decode(row, skip_special=True)
        choice = Choice(text=text, index=0, logprobs=shown, finish_reason="length")
        return _Part([choice.model_copy() for _ in range(body.n)], len(row), 0, 0)
    ids = model.solver.prompt_ids(prompt)
    max_tokens = min(body.max_tokens or service.settings.max_tokens, service.settings.max_tokens)
    if body.temperature:
        seed = randbits(32) if body.seed is None else body.seed
        answers = await service.draw(
            model, prompt, max_tokens=max_tokens, temperature=body.temperature, seed=seed, n=body.n
        )
    else:
        answers = [await service.answer(model, prompt, max_tokens)] * body.n
    made = [await _choice(service, model, body, answer, ids) for answer in answers]
    n_written = sum(len(answer.completion.token_ids) for answer in answers)
    return _Part(made, len(ids), n_written, answers[0].batch_size)


async def _choice(
    service: Service, model: ServedModel, body: CompletionRequest, answer: Answer, ids: Sequence[int]
) -> Choice:
    completion, judged = answer.completion, answer.judged
    token_by_token = body.echo or body.logprobs is not None
    text = completion.text if token_by_token else answer.text
    finish = completion.finish_reason
    for stop in [body.stop] if isinstance(body.stop, str) else body.stop or ():
        if stop and stop in text:
            text, finish = text[: text.index(stop)], "stop"
    shown = None
    if body.logprobs is not None:
        row = [*ids, *completion.token_ids]
        first = 0 if body.echo else len(ids)
        shown = await _scored(service, model, row, body.logprobs, first)
    if body.echo:
        text = model.checkpoint.vocabulary.decode(ids, skip_special=True) + text
    return Choice(
        text=text,
        index=0,
        logprobs=shown,
        finish_reason=finish,
        answer=completion.answer,
        verdict=answer.verdict,
        in_domain=None if judged is None else judged.in_domain,
        certified=answer.certified,
    )


def _as_written(model: ServedModel, text: str) -> list[int]:
    """The ids of a row as it stands: what an evaluator asks the likelihood of is no prompt to be rewritten."""
    vocabulary, format = model.checkpoint.vocabulary, model.checkpoint.format
    begin = [vocabulary.id_of("bos")] if format.begin else []
    return [*begin, *vocabulary.encode(text)]


async def _scored(service: Service, model: ServedModel, row: Sequence[int], k: int, first: int = 0) -> Logprobs:
    """The log-probabilities of the tokens of a row from the place `first` on; the very first has none."""
    vocabulary = model.checkpoint.vocabulary
    everything = await service.score(model, row, len(vocabulary))
    shown = Logprobs(tokens=[], token_logprobs=[], top_logprobs=[] if k else None, text_offset=[])
    offset = 0
    special = {vocabulary.id_of(role) for role in ("bos", "eos", "pad") if vocabulary.has_role(role)}
    for place, token in enumerate(row):
        text = "" if token in special else vocabulary.decode([token])
        if place >= first:
            chances: list[TokenChance] = everything[place - 1] if place else []
            of = {chance.token_id: chance.logprob for chance in chances}
            shown.tokens.append(text or vocabulary.tokens[token])
            shown.token_logprobs.append(of.get(token))
            shown.text_offset.append(offset)
            if shown.top_logprobs is not None:
                best = {vocabulary.tokens[c.token_id]: c.logprob for c in chances[:k]}
                shown.top_logprobs.append(best if place else None)
            offset += len(text)
    return shown


async def _events(response: CompletionResponse, body: CompletionRequest) -> AsyncIterator[str]:
    """Server-sent events: the pieces of each choice, then how it ended, then `[DONE]`."""
    whole = response.model_dump(exclude={"choices", "usage"})
    for choice in response.choices:
        starts = [*(choice.logprobs.text_offset if choice.logprobs else range(len(choice.text))), len(choice.text)]
        for place, (start, stop) in enumerate(pairwise(starts)):
            piece = choice.text[start:stop]
            yield _event({**whole, "choices": [_piece(choice, piece, place)]})
        last: dict[str, Any] = {"text": "", "index": choice.index, "logprobs": None}
        more = choice.model_dump(include={"finish_reason", "answer", "verdict", "in_domain", "certified"})
        yield _event({**whole, "choices": [{**last, **more}]})
    if (body.stream_options or {}).get("include_usage"):
        assert response.usage is not None
        yield _event({**whole, "choices": [], "usage": response.usage.model_dump()})
    yield "data: [DONE]\n\n"


def _piece(choice: Choice, text: str, place: int) -> dict[str, Any]:
    shown = choice.logprobs
    logprobs = None
    if shown is not None and place < len(shown.tokens):
        part = slice(place, place + 1)
        logprobs = {
            "tokens": shown.tokens[part],
            "token_logprobs": shown.token_logprobs[part],
            "top_logprobs": None if shown.top_logprobs is None else shown.top_logprobs[part],
            "text_offset": shown.text_offset[part],
        }
    return {"text": text, "index": choice.index, "logprobs": logprobs, "finish_reason": None}


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content)}\n\n"
