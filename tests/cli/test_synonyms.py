"""Flags of other systems set what they set there, or say that they do nothing, and never contradict in silence."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from longhand.cli.main import build_parser, main
from longhand.cli.synonyms.registry import SYSTEMS, synonyms_of, translate_command
from longhand.cli.synonyms.synonym import MODEL, PAIRS, Synonym, belongs_elsewhere, has_no_effect, sets, sets_keys
from longhand.cli.synonyms.translate import translate
from longhand.errors import UserError
from longhand.training.config_errors import dotted_keys
from longhand.training.run_config import RunConfig

TABLE = {
    synonym.flag: synonym
    for synonym in (
        sets("--batch-size", "training.batch_size"),
        sets("--per-step", "training.batch_size"),
        sets("--data-path", "--suite"),
        sets("--data-dir", "--suite", gives_way=True),
        sets("--checkpoint", MODEL),
        sets_keys("--override"),
        has_no_effect("--num-workers", "there are none"),
        belongs_elsewhere("--max-digits", "make data with it"),
    )
}


def words(*typed: str) -> list[str]:
    return translate(typed, TABLE).words


def test_hyphens_and_underscores_and_equals_signs_are_the_same() -> None:
    for typed in (["--batch-size", "64"], ["--batch_size", "64"], ["--batch_size=64"], ["--batch-size=64"]):
        assert words(*typed) == ["--training.batch_size", "64"]
    assert words("--output_dir", "a_b", "--some_flag=x_y") == ["--output-dir", "a_b", "--some-flag=x_y"]
    assert words("--training.max_steps", "3") == ["--training.max_steps", "3"]


def test_a_synonym_of_the_first_argument_comes_first() -> None:
    assert words("--suite", "x", "--checkpoint", "model") == ["model", "--suite", "x"]


@pytest.mark.parametrize(
    "typed",
    [
        ["--batch-size", "64", "--per-step", "32"],
        ["--batch-size", "64", "--training.batch_size", "32"],
        ["--training.batch-size=32", "--per_step", "64"],
        ["--override", "training.batch_size=32", "--batch-size", "64"],
    ],
)
def test_two_flags_that_contradict_each_other_are_named(typed: list[str]) -> None:
    with pytest.raises(UserError, match=r"both set training\.batch_size; keep one") as refusal:
        words(*typed)
    assert "64" in str(refusal.value)
    assert "32" in str(refusal.value)


def test_two_flags_that_agree_are_one() -> None:
    assert words("--batch-size", "64", "--per-step", "64") == ["--training.batch_size", "64"]
    assert words("--training.batch_size", "64", "--per-step", "64") == ["--training.batch_size", "64"]


def test_a_flag_that_gives_way_is_overridden_without_a_word() -> None:
    assert words("--data-dir", "d", "--data-path", "p") == ["--suite", "p"]
    assert words("--data-dir", "d", "--suite", "s") == ["--suite", "s"]
    assert words("--data-dir", "d") == ["--suite", "d"]


def test_pairs_are_keys_of_their_own() -> None:
    assert words("--override", "a.b=1", "c.d=x=y", "--x") == ["--a.b", "1", "--c.d", "x=y", "--x"]
    with pytest.raises(UserError, match=r"--override 'lr' sets nothing"):
        words("--override", "lr")


def test_a_flag_without_effect_says_so_and_is_gone() -> None:
    translated, notes = translate(["--num-workers", "4", "--x"], TABLE)
    assert translated == ["--x"]
    assert notes == ["--num-workers has no effect: there are none"]


@pytest.mark.parametrize(
    ("typed", "fragment"),
    [(["--batch-size"], "needs a value"), (["--batch-size", "--x"], "needs a value"), (["--max-digits"], "make data")],
)
def test_a_flag_that_cannot_be_translated_is_one_line(typed: list[str], fragment: str) -> None:
    with pytest.raises(UserError, match=fragment):
        words(*typed)


@given(st.lists(st.sampled_from(["--suite", "x", "-1", "--a.b_c", "--flag", "1=2", "model"]), max_size=6))
def test_words_without_synonyms_are_left_as_they_are(typed: list[str]) -> None:
    assert words(*typed) == typed


def test_of_our_own_flag_given_twice_the_last_counts_against_a_synonym_too() -> None:
    assert words("--suite", "a", "--suite", "b") == ["--suite", "a", "--suite", "b"]
    assert words("--suite", "a", "--suite", "b", "--data-path", "b") == ["--suite", "a", "--suite", "b"]
    with pytest.raises(UserError, match="--data-path a and --suite b both set --suite"):
        words("--suite", "a", "--data-path", "a", "--suite", "b")


def test_systems_that_share_a_flag_mean_the_same_by_it() -> None:
    for one, other in combinations(SYSTEMS.values(), 2):
        for verb in one.keys() & other.keys():
            theirs = {synonym.flag: synonym for synonym in other[verb]}
            for synonym in one[verb]:
                assert theirs.get(synonym.flag, synonym) == synonym, (verb, synonym.flag)


def _all_synonyms() -> list[tuple[str, Synonym]]:
    return [(verb, s) for verbs in SYSTEMS.values() for verb, synonyms in verbs.items() for s in synonyms]


@pytest.mark.parametrize(("verb", "synonym"), _all_synonyms(), ids=lambda value: getattr(value, "flag", value))
def test_every_synonym_sets_something_that_exists(verb: str, synonym: Synonym) -> None:
    assert synonym.target is None or synonym.flag != synonym.target
    verbs = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr, index, call-overload]
    options = {option for action in verbs[verb]._actions for option in action.option_strings}
    assert synonym.flag not in options, "an option of our own cannot have another meaning"
    if synonym.target not in (None, MODEL, PAIRS):
        assert synonym.target in {*options, *dotted_keys(RunConfig)}


@pytest.fixture
def resolved(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, dict[str, object]]]:
    """What `longhand train` would do, by section."""

    def resolve(*typed: str) -> dict[str, dict[str, object]]:
        assert main(["train", *typed, "--print-config"]) == 0
        loaded: dict[str, dict[str, object]] = yaml.safe_load(capsys.readouterr().out)
        return loaded

    return resolve


Resolve = Callable[..., dict[str, dict[str, object]]]


@pytest.mark.row("S0-T1", "S0-T2", "S0-T3", "S0-T4")
def test_the_documented_flags_of_math_llm_have_their_documented_defaults(resolved: Resolve) -> None:
    config = resolved("--model-size", "small")
    model, training = config["model"], config["training"]
    assert (model["d_model"], model["n_layers"], model["n_heads"], model["d_ff"]) == (256, 4, 4, 512)
    assert model["max_seq_len"] == 128
    assert (training["batch_size"], training["learning_rate"], training["weight_decay"]) == (32, 1e-4, 0.01)
    assert (training["max_epochs"], training["warmup_steps"], training["seed"]) == (10, 500, 42)
    assert (training["save_interval"], training["eval_interval"], training["log_interval"]) == (1000, 1000, 100)


@pytest.mark.row("S0-T1", "S0-T2", "S0-T3", "S0-T4")
def test_every_documented_flag_of_math_llm_sets_its_key(resolved: Resolve, capsys: pytest.CaptureFixture[str]) -> None:
    flags = (
        "--model-size medium --max-length 64 --batch-size 64 --eval-batch-size 128 --learning-rate 2e-4"
        " --weight-decay 0.02 --num-epochs 20 --warmup-steps 50 --data-dir my/data --num-workers 2 --save-steps 10"
        " --eval-steps 20 --logging-steps 5 --fp16 --seed 7"
    )
    config = resolved(*flags.split())
    training = config["training"]
    assert config["model"]["d_model"] == 512
    assert config["model"]["max_seq_len"] == 64
    assert config["data"]["path"] == "my/data"
    assert (training["batch_size"], training["learning_rate"], training["weight_decay"]) == (64, 2e-4, 0.02)
    assert (training["max_epochs"], training["warmup_steps"], training["seed"]) == (20, 50, 7)
    assert (training["save_interval"], training["eval_interval"], training["log_interval"]) == (10, 20, 5)
    assert training["precision"] == "auto"


def test_flags_that_do_nothing_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--model_size", "small", "--num_workers", "4", "--print-config"]) == 0
    assert "note: --num-workers has no effect" in capsys.readouterr().err
    assert main(["train", "--config", "demo", "--model-size", "small"]) == 2
    assert "both set --config; keep one" in capsys.readouterr().err
    assert main(["train", "--model-size", "small", "--max-digits", "3"]) == 2
    assert "longhand data make --profile think --max-digits" in capsys.readouterr().err


@pytest.mark.row("S0-T4", "S4-T1")
def test_a_logger_is_chosen_or_none(resolved: Resolve, capsys: pytest.CaptureFixture[str]) -> None:
    assert resolved("--model-size", "small")["tracking"]["logger"] == "none"
    assert resolved("--model-size", "small", "--no-wandb")["tracking"]["logger"] == "none"
    chosen = resolved("--model-size", "small", "--logger", "wandb", "--wandb-group", "sums")["tracking"]
    assert (chosen["logger"], chosen["group"]) == ("wandb", "sums")
    for typed in (["--logger", "wandb", "--no-wandb"], ["--tracking.logger", "wandb", "--no-wandb"]):
        assert main(["train", "--model-size", "small", *typed]) == 2
        assert "keep one" in capsys.readouterr().err


def test_the_keys_list_the_flags_of_other_systems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--keys"]) == 0
    listed = capsys.readouterr().out
    for flag, synonym in synonyms_of("train").items():
        assert (f"  {flag} " in listed) == (not synonym.refused)


def test_commands_without_a_verb_or_synonyms_are_left_alone() -> None:
    for typed in ([], ["--version"], ["data", "make", "--n_samples", "3"]):
        assert translate_command(typed) == (typed, [])
