"""OpenAI's shape, asked by OpenAI's own client."""

from __future__ import annotations

import json
import math

import httpx2
import openai
import pytest
from tests.serving.conftest import Start

from longhand.serving.served_model import ServedModel
from longhand.solvers.load import load


@pytest.fixture(scope="module")
def api(client: httpx2.Client) -> openai.OpenAI:
    return openai.OpenAI(base_url=str(client.base_url.join("/v1")), api_key="none", max_retries=0)


def test_a_prompt_is_completed_by_its_answer(api: openai.OpenAI) -> None:
    found = api.completions.create(model="add-sub-3", prompt="951+11=")
    (choice,) = found.choices
    assert (choice.text, choice.finish_reason, choice.index) == ("962", "stop", 0)
    assert choice.verdict == "correct"  # type: ignore[attr-defined]
    assert choice.certified is False  # type: ignore[attr-defined]
    assert found.object == "text_completion"
    assert found.usage is not None
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens > 8


def test_many_prompts_and_many_completions_come_in_order(api: openai.OpenAI) -> None:
    found = api.completions.create(model="add-sub-3", prompt=["1+1=", "9-2=", "What is 65 - 62?"], n=2)
    assert [choice.text for choice in found.choices] == ["2", "2", "7", "7", "3", "3"]
    assert [choice.index for choice in found.choices] == [*range(6)]


def test_a_stream_is_the_same_text_piece_by_piece(api: openai.OpenAI) -> None:
    events = list(
        api.completions.create(
            model="add-sub-3", prompt=["951+11=", "7-7="], stream=True, stream_options={"include_usage": True}
        )
    )
    texts = {0: "", 1: ""}
    for event in events:
        for choice in event.choices:
            texts[choice.index] += choice.text
    assert texts == {0: "962", 1: "0"}
    assert [event.choices[0].finish_reason for event in events[:-1]].count("stop") == 2
    assert events[-1].usage is not None
    assert events[-1].choices == []


def test_what_is_drawn_depends_on_the_seed_alone(api: openai.OpenAI) -> None:
    def draw(seed: int) -> list[str]:
        found = api.completions.create(model="add-sub-3", prompt="12+", temperature=1.5, seed=seed, n=8, max_tokens=6)
        return [choice.text for choice in found.choices]

    assert draw(1) == draw(1) != draw(2)
    assert len(set(draw(1))) > 1


def test_logprobs_are_those_of_the_solver_token_by_token(api: openai.OpenAI) -> None:
    choice = api.completions.create(model="add-sub-3", prompt="951+11=", logprobs=3).choices[0]
    (wanted,) = load("add-sub-3").solve(["951+11="])
    assert choice.logprobs is not None
    assert choice.logprobs.token_logprobs == pytest.approx(wanted.logprobs, abs=1e-4)
    assert "".join(choice.logprobs.tokens or []) == wanted.text + "<eos>"
    tops = choice.logprobs.top_logprobs or []
    assert [len(top) for top in tops] == [3] * 5
    assert [max(top.values()) for top in tops] == pytest.approx(wanted.logprobs, abs=1e-4)
    assert choice.logprobs.text_offset == [0, 1, 2, 3, 4]


def test_the_likelihood_of_a_given_text_can_be_asked(api: openai.OpenAI) -> None:
    # How evaluation harnesses do it: nothing is written, the prompt is given back with its log-probabilities.
    def total(text: str) -> float:
        choice = api.completions.create(model="add-sub-3", prompt=text, max_tokens=0, echo=True, logprobs=1).choices[0]
        assert choice.text == text
        assert choice.logprobs is not None
        shown = choice.logprobs.token_logprobs or []
        assert shown[0] is None
        return sum(shown[8:])

    right, wrong = total("951+011=2690"), total("951+011=2790")
    assert right > math.log(0.99) > math.log(0.01) > wrong


def test_choices_of_a_text_that_is_only_scored_are_numbered(client: httpx2.Client) -> None:
    body = {"prompt": "1+1=", "max_tokens": 0, "echo": True, "n": 3}
    choices = client.post("/v1/completions", json=body).json()["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2]


def test_many_prompts_share_a_batch(start: Start) -> None:
    client = start()
    body = {"prompt": [f"{a}+1=" for a in range(50)]}
    choices = client.post("/v1/completions", json=body).json()["choices"]
    assert [choice["text"] for choice in choices] == [str(a + 1) for a in range(50)]
    assert "longhand_batch_size_count 1.0" in client.get("/metrics").text


def test_a_stream_with_logprobs_has_a_token_in_each_piece(start: Start) -> None:
    client = start(served=ServedModel.open("add-think-3"))
    body = {"prompt": "51+11=", "logprobs": 1, "stream": True}
    lines = client.post("/v1/completions", json=body).text.splitlines()
    events = [json.loads(line[6:])["choices"][0] for line in lines if line.startswith("data: {")]
    pieces = [event["text"] for event in events if event["logprobs"]]
    assert pieces[:2] == ["<think>", "1"]
    assert "".join(pieces) == "<think>1+1=2 5+1=6</think>62"


def test_without_a_limit_the_model_writes_as_much_as_offline(client: httpx2.Client) -> None:
    # In the middle of nothing it may never end; where it stops is the same here as in `longhand solve`.
    for prompt in ("12+", "7", "=", "1+1=2"):
        (offline,) = load("add-sub-3").solve([prompt])
        choice = client.post("/v1/completions", json={"prompt": prompt, "logprobs": 0}).json()["choices"][0]
        assert (choice["text"], choice["finish_reason"]) == (offline.text, offline.finish_reason)


def test_stop_ends_the_text_before_it(api: openai.OpenAI) -> None:
    choice = api.completions.create(model="add-sub-3", prompt="951+11=", stop=["6", "x"]).choices[0]
    assert (choice.text, choice.finish_reason) == ("9", "stop")


def test_models_says_what_is_served_and_what_it_takes(api: openai.OpenAI) -> None:
    (model,) = api.models.list().data
    assert model.id == "add-sub-3"


def test_a_model_that_shows_its_work_shows_it(start: Start) -> None:
    client = start(served=ServedModel.open("add-think-3"))
    choice = client.post("/v1/completions", json={"prompt": "51+11="}).json()["choices"][0]
    assert choice["text"] == "<think>1+1=2 5+1=6</think>62"
    assert choice["answer"] == "62"


def test_a_certified_model_says_so_only_of_greedy_answers(start: Start) -> None:
    client = start(served=ServedModel.open("certified-add-3"))
    greedy, drawn = (
        client.post("/v1/completions", json={"prompt": "5+5=", "temperature": t}).json()["choices"][0]["certified"]
        for t in (0, 0.5)
    )
    assert (greedy, drawn) == (True, False)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 422, "prompt: Field required"),
        ({"prompt": ""}, 422, "prompt"),
        ({"prompt": "1+1=", "model": "gpt-4"}, 404, "The model 'gpt-4' is not served here"),
        ({"prompt": "1+1=", "temperature": -1}, 422, "temperature"),
        ({"prompt": "1+1=", "top_p": 0.5}, 422, "top_p"),
        ({"prompt": "1+1=", "max_tokens": 0}, 422, "max_tokens is 0"),
        ({"prompt": "1+1=", "n": 2, "best_of": 4}, 422, "best_of 4 is not offered"),
        ({"prompt": "hello"}, 422, "unknown character"),
        ({"prompt": "1+1=", "nonsense": 1}, 422, "nonsense"),
    ],
)
def test_what_is_not_understood_is_an_error_in_openais_words(
    client: httpx2.Client, body: dict[str, object], status: int, message: str
) -> None:
    response = client.post("/v1/completions", json=body)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert message in response.json()["error"]["message"]


@pytest.mark.parametrize("given", [{"seed": True}, {"n": "2"}, {"temperature": "0.5"}, {"stream": 1}, {"echo": "no"}])
def test_values_have_the_types_the_document_says(client: httpx2.Client, given: dict[str, object]) -> None:
    response = client.post("/v1/completions", json={"prompt": "1+1=", **given})
    assert response.status_code == 422
    assert response.json()["error"]["message"].startswith(next(iter(given)))
