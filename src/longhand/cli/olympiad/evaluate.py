"""`longhand olympiad evaluate`: exact answers of a model, beside its backbone alone and at equal cost."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longhand.cli.arguments import Parser
from longhand.cli.olympiad.flags import add_data_flags, add_drawing_flags, add_flag, add_model_flags
from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.olympiad.answering import Answering
    from longhand.olympiad.data.dataset import WordProblemFiles
    from longhand.olympiad.evaluate import Measured

_EPILOG = """\
Beside a recursive head stand its backbone alone, and the backbone's majority over as many texts as cost what the head
does; beside a baseline the backbone alone. Every problem counts: those without an answer, with an answer that is no
number, and with a text that was cut off. Answers in a box or behind #### count, and are compared exactly.

examples:
  longhand olympiad evaluate --checkpoint runs/trm --data data/words --num-samples 100
  longhand olympiad evaluate --checkpoint runs/lora --data data/words --votes 8 --runs 2
  longhand olympiad evaluate --model models/tiny-qwen2 --data data/words --wrong-only
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "evaluate", help="measure how many word problems a model answers right", epilog=_EPILOG,
        description="Ask a model word problems it was not trained on, and print exact match with a 95% interval.",
    )  # fmt: skip
    add_flag(parser, "--checkpoint", type=Path, metavar="DIR", help="a run of olympiad train [the model alone]")
    add_model_flags(parser, "the model itself, or where the checkpoint's is by now")
    add_data_flags(parser, "test")
    add_flag(parser, "--offset", type=int, default=0, metavar="N", help="problems to leave out at the beginning")
    add_drawing_flags(parser)
    add_flag(parser, "--runs", type=int, choices=[1, 2], default=1, help="2: ask everything twice and score both")
    add_flag(parser, "--supervision-steps", type=int, metavar="N", help="steps of a recursive head [as it was trained]")
    add_flag(parser, "--kv", choices=["exact", "last"], help="keys and values a recursive head keeps [exact]")
    add_flag(parser, "--batch-size", type=int, default=32, metavar="N", help="texts written at a time")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every problem with what was written")
    add_flag(parser, "--wrong-only", action="store_true", help="print those that are not right")
    add_flag(
        parser, "--output", "--output-file", type=Path, default=Path("trm_eval_results.json"), metavar="F",
        help="the report as JSON",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table and write the report; exit code 0 whatever it says."""
    from longhand.atomic import write_json
    from longhand.cli.olympiad.results import print_answers, print_measured
    from longhand.olympiad.answering import load_answering
    from longhand.olympiad.data.part import PartOfSource, open_split
    from longhand.olympiad.data.word_problem import RowReport
    from longhand.runtime import chosen_device

    _check(arguments)
    device = chosen_device(arguments.device)
    run_facts, model = _model_of(arguments)
    dataset = arguments.dataset or (run_facts or {}).get("settings", {}).get("dataset", "gsm8k")
    files = open_split(arguments.data, dataset, arguments.split, "test")
    _refuse_trained_on(files, run_facts, arguments.split)
    unusable = RowReport()
    read = list(PartOfSource(files, arguments.offset, arguments.num_samples).read(unusable))
    problems = [problem for problem in read if problem.answer is not None]
    left_out = len(read) - len(problems) + sum(unusable.dropped.values())
    answering = load_answering(
        model, arguments.checkpoint, device=device, n_supervision=arguments.supervision_steps, kv=arguments.kv
    )
    rows = _rows(arguments, answering, model, problems, device)
    measured = [row for _, row in rows]
    shown = measured[0]
    if arguments.verbose or arguments.wrong_only:
        print_answers(shown, wrong_only=arguments.wrong_only)
    names = ", ".join(file.name for file in files.files)
    print_measured(f"{dataset}, {names}: {len(problems):,} problems", measured)
    if left_out:
        print(f"{left_out:,} rows have no question or no answer to compare with, and could not be asked")
    report = {
        "model": str(model),
        "checkpoint": None if arguments.checkpoint is None else str(arguments.checkpoint),
        "dataset": dataset,
        "split": arguments.split,
        "files": files.describe()["files"],
        "offset": arguments.offset,
        "total": shown.tally.total,
        "correct": shown.tally.verdicts["right"],
        "accuracy": 100 * float(shown.tally.accuracy),
        "not_asked": left_out,
        "rows": [row.to_dict() for row in measured],
        "answers": _answers(shown),
    }
    write_json(arguments.output, report)
    print(f"wrote {arguments.output}")
    return 0


def _rows(
    arguments: argparse.Namespace, answering: Answering, model: Path, problems: list[Any], device: str
) -> list[tuple[Answering, Measured]]:
    """The model, its backbone alone, and for a recursive head the backbone's majority at equal cost."""
    from longhand.cli.sweep_progress import sweep_progress
    from longhand.olympiad.answering import load_answering
    from longhand.olympiad.evaluate import Asking, flops_per_token, measure, samples_at_equal_cost

    def asked(who: Answering, votes: int, name: str) -> Measured:
        # A majority needs draws that differ, also beside a model that is asked for its likeliest text.
        temperature = None if votes > 1 and not arguments.temperature else arguments.temperature
        asking = Asking(
            votes, temperature, arguments.max_new_tokens, arguments.runs, arguments.seed, arguments.batch_size
        )
        with sweep_progress(f"asking {name}") as progress:
            return measure(who, problems, asking, name=name, progress=progress)

    votes = arguments.votes
    rows = [(answering, asked(answering, votes, answering.name))]
    length = _mean_length(answering, problems, rows[0][1])
    if arguments.checkpoint is not None:
        plain = load_answering(model, device=device)
        rows.append((plain, asked(plain, votes, "backbone alone")))
        if answering.head is not None:
            costs = flops_per_token(answering, length), flops_per_token(plain, length)
            equal = samples_at_equal_cost(*costs, votes)
            if equal > votes:  # else it is the row above
                rows.append((plain, asked(plain, equal, "backbone")))
    for who, row in rows:
        row.flops_per_token = flops_per_token(who, length)
    return rows


def _mean_length(answering: Answering, problems: list[Any], row: Measured) -> int:
    """Tokens of a problem with its answer, on average."""
    asked = sum(len(answering.prompt_ids(problem.question)) for problem in problems)
    texts = max(1, row.replies)
    return max(1, round(asked / len(problems) + row.tokens_written / texts))


def _check(arguments: argparse.Namespace) -> None:
    if arguments.votes < 1:
        raise UserError(f"--votes {arguments.votes}: somebody has to vote; give at least 1")
    if arguments.votes > 1 and arguments.temperature == 0:
        raise UserError(f"--votes {arguments.votes} with --temperature 0 asks for the same text again and again")
    if arguments.supervision_steps is not None and arguments.supervision_steps < 1:
        raise UserError(f"--supervision-steps {arguments.supervision_steps}: give at least 1")


def _model_of(arguments: argparse.Namespace) -> tuple[dict[str, Any] | None, Path]:
    from longhand.olympiad.answering import checkpoint_folder
    from longhand.olympiad.run import run_of

    if arguments.checkpoint is None:
        if arguments.model is None:
            raise UserError("say what to measure: --checkpoint DIR, or --model DIR for a model alone")
        return None, arguments.model
    facts = run_of(checkpoint_folder(arguments.checkpoint))
    if arguments.model is None and facts is None:
        raise UserError(f"{arguments.checkpoint} has no run beside it that says on which model it is; add --model DIR")
    return facts, arguments.model or Path((facts or {})["model"])


def _refuse_trained_on(files: WordProblemFiles, facts: dict[str, Any] | None, split: str | None) -> None:
    """Raise `UserError` for the files of the training, unless they are asked for by name."""
    if facts is None or split == "train":
        return
    trained_on = {file["sha256"]: file["name"] for file in facts["data"].get("files", ())}
    for file in files.describe()["files"]:
        if file["sha256"] in trained_on:
            raise UserError(f"{file['name']} is what this was trained on; to measure on it all the same: --split train")


def _answers(row: Measured) -> list[dict[str, Any]]:
    return [
        {
            "id": one.problem.id,
            "truth": one.problem.answer,
            "verdict": one.grade.verdict,
            "found_by": one.grade.rule,
            "truncated": one.truncated,
            "run": number + 1,
            "text": one.text,
        }
        for number, run in enumerate(row.runs)
        for one in run
    ]
