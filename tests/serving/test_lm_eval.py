"""lm-evaluation-harness asks a server as it asks any other: `--model local-completions`."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import httpx2
import pytest

TASKS: dict[str, dict[str, Any]] = {
    "written": {
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "{{answer}}",
        "generation_kwargs": {"until": ["\n"], "max_gen_toks": 16, "do_sample": False},
        "metric_list": [{"metric": "exact_match"}],
    },
    "chosen": {
        "output_type": "multiple_choice",
        "doc_to_text": "{{row}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{place}}",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc"}],
    },
}


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tasks on local data; nothing is looked up on a network."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rng = random.Random(0)
    with (tmp_path / "test.jsonl").open("w") as file:
        for _ in range(20):
            a, b = rng.randrange(1000), rng.randrange(1000)
            rows = [f"{a + b + d:04}"[::-1] for d in (0, 1, 10)]  # as the model writes answers: units first
            place = rng.randrange(3)
            rows[0], rows[place] = rows[place], rows[0]
            doc = {
                "prompt": f"{a}+{b}=",
                "answer": str(a + b),
                "row": f"{a:03}+{b:03}=",
                "choices": rows,
                "place": place,
            }
            file.write(json.dumps(doc) + "\n")
    for name, task in TASKS.items():
        data = {"task": name, "dataset_path": "json", "test_split": "test"}
        kwargs = {"dataset_kwargs": {"data_files": {"test": str(tmp_path / "test.jsonl")}}}
        (tmp_path / f"{name}.yaml").write_text(json.dumps({**data, **kwargs, **task}))  # JSON is YAML
    return tmp_path


@pytest.mark.filterwarnings("ignore")  # its own and its libraries', of which there are many
@pytest.mark.parametrize(("task", "metric"), [("written", "exact_match,none"), ("chosen", "acc,none")])
def test_all_answers_are_right_in_the_harness(client: httpx2.Client, tasks: Path, task: str, metric: str) -> None:
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    arguments = {
        "model": "add-sub-3",
        "base_url": str(client.base_url.join("/v1/completions")),
        "tokenizer_backend": "none" if task == "written" else "remote",
        "tokenized_requests": False,
        "num_concurrent": 1,
        "max_retries": 1,
    }
    found = simple_evaluate(
        model="local-completions",
        model_args=arguments,
        tasks=[task],
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
        bootstrap_iters=0,
    )
    assert found is not None
    assert found["results"][task][metric] == 1.0
    assert found["n-samples"][task]["effective"] == 20
