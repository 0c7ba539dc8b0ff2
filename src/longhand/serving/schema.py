"""The bodies of requests and responses: those of system 002, and those of OpenAI's completions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

MAX_CHOICES = 128
Prompt = Annotated[str, Field(min_length=1)]
Ids = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
_Prompt = TypeVar("_Prompt")
Several = Annotated[list[_Prompt], Field(min_length=1, max_length=MAX_CHOICES)]


class Health(BaseModel):
    """Whether the server lives, and whether it has a model."""

    status: Literal["ok"] = "ok"
    model_loaded: bool


class Ready(BaseModel):
    """Whether requests are welcome."""

    status: Literal["ready", "no model", "draining"]


class Version(BaseModel):
    """What answers: the program, and the model with its version."""

    longhand: str
    model: str | None
    version: str | None


class Asked(BaseModel):
    """What is asked, in just the types the document says: true is no number, and "5" is none either."""

    model_config = ConfigDict(strict=True)


class PredictRequest(Asked):
    """An equation up to its `=`."""

    equation: str


class PredictResponse(BaseModel):
    """The equation, the model's answer to it, both together, and the time it took."""

    equation: str
    predicted_answer: str
    full_output: str
    latency_ms: float


class Detail(BaseModel):
    """Why a request was refused."""

    detail: str


class CompletionRequest(Asked):
    """A request to `/v1/completions`. Answers are greedy unless a temperature is given."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="name of the model; any other than the served one is refused")
    prompt: Prompt | Several[Prompt] | Ids | Several[Ids] = Field(
        description="one prompt or several, as texts or in ids, which are read as they stand"
    )
    n: int = Field(1, ge=1, le=MAX_CHOICES, description="completions per prompt")
    best_of: int | None = Field(None, ge=1, le=MAX_CHOICES, description="only as many as n")
    temperature: float | None = Field(0.0, ge=0, le=100, description="0: greedy")
    top_p: float | None = Field(1.0, ge=1, le=1, description="only 1")
    max_tokens: int | None = Field(None, ge=0, description="longest completion (tokens); 0 with echo: none")
    stop: str | list[str] | None = Field(None, description="texts before which the completion ends")
    seed: int | None = Field(None, description="of what is drawn")
    logprobs: int | None = Field(None, ge=0, le=100, description="likeliest tokens shown at each place")
    echo: bool | None = Field(False, description="give the prompt back with the completion")
    stream: bool | None = Field(False, description="server-sent events, a token at a time")
    stream_options: dict[str, Any] | None = Field(None, description="include_usage: a last event with the usage")
    suffix: str | None = Field(None, max_length=0, description="not supported")
    presence_penalty: float | None = Field(0.0, ge=0, le=0, description="only 0")
    frequency_penalty: float | None = Field(0.0, ge=0, le=0, description="only 0")
    logit_bias: dict[str, float] | None = Field(None, max_length=0, description="not supported")
    user: str | None = Field(None, description="ignored")


class Logprobs(BaseModel):
    """Natural log-probabilities of the tokens of a text, and the likeliest at each place."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None] | None
    text_offset: list[int]


class Choice(BaseModel):
    """One completion. Beyond OpenAI's fields: the canonical answer, the judge's verdict, and whether it is proved."""

    text: str
    index: int
    logprobs: Logprobs | None = None
    finish_reason: Literal["stop", "length"] | None
    answer: str | None = None
    verdict: str | None = None
    in_domain: bool | None = None
    certified: bool = False


class Usage(BaseModel):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionResponse(BaseModel):
    """What `/v1/completions` answers."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None
    system_fingerprint: str | None = None


class ModelEntry(BaseModel):
    """A model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "longhand"
    version: str
    pattern: str
    certified: str | None = Field(None, description="what is proved of it")


class ModelList(BaseModel):
    """What `/v1/models` answers."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


class Problem(BaseModel):
    """What is wrong with a request, in OpenAI's words."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAIError(BaseModel):
    """The body of an error of the `/v1` routes."""

    error: Problem
