"""A million generated word problems, each read again from its text alone; into docs/results/word_problems.json.

    python benchmarks/word_problems.py [--problems 1000000] [--seed 0]
    python benchmarks/word_problems.py --table  # write the table of docs/results.md anew, and nothing else

Every problem is checked as gsm8k and as numina (math has the same texts, which is looked at too) by
`longhand.olympiad.word_problems.reread`, which shares no code with the templates: the steps are worked out anew, and
the answer is found once more from the words of the question. So that a checker that lets everything pass cannot go
unnoticed, rows with one number changed are checked too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

from demo_seeds import replace_table
from longhand.atomic import write_json
from longhand.olympiad.data.schemas import SCHEMAS
from longhand.olympiad.word_problems.generate import distinct_problems, normalised
from longhand.olympiad.word_problems.problem import SPLITS, Split, templates_of
from longhand.olympiad.word_problems.render import to_row
from longhand.olympiad.word_problems.reread.check import faults
from longhand.olympiad.word_problems.reread.skeleton import skeleton

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "word_problems.json"
PAGE = ROOT / "docs" / "results.md"
SHARES: dict[Split, float] = {"train": 0.7, "test": 0.1, "new-templates": 0.1, "new-numbers": 0.1}
CONTROLS = 10_000  # of each kind
_NUMBER = re.compile(r"\d+")


def check_split(split: Split, n: int, seed: int) -> tuple[dict[str, Any], set[str], set[bytes]]:
    """What is found in `n` problems of a split, the forms of their questions, and hashes of the questions."""
    wrong: Counter[str] = Counter()
    steps: Counter[int] = Counter()
    forms: set[str] = set()
    questions: set[bytes] = set()
    checked = 0
    started = perf_counter()
    for problem in distinct_problems(n, seed, split):
        steps[len(problem.story.steps)] += 1
        rows = {schema: to_row(problem, schema) for schema in SCHEMAS}
        found = [*faults(rows["gsm8k"]), *faults(rows["numina"])]
        if any(rows["math"][column] != rows["numina"][column] for column in ("problem", "solution")):
            found += faults(rows["math"])  # otherwise these very texts were just checked
        checked += len(problem.story.steps)
        if found:
            wrong[problem.template.name] += 1
            print(problem.id, found, flush=True)
        forms.add(skeleton(problem.story.question))
        text = normalised(problem.story.question).encode()
        questions.add(hashlib.blake2b(text, digest_size=8).digest())
    return (
        {
            "problems": n,
            "rows": n * len(SCHEMAS),
            "steps": checked,
            "wrong": sum(wrong.values()),
            "templates": len(templates_of(split)),
            "forms": len(forms),
            "by_steps": {str(count): times for count, times in sorted(steps.items())},
            "seconds": round(perf_counter() - started, 1),
        },
        forms,
        questions,
    )


def controls(seed: int) -> dict[str, dict[str, int]]:
    """How many rows the checker refuses after one number of theirs was changed, by where it stood."""
    chance = random.Random(seed)
    found = {name: {"rows": 0, "refused": 0} for name in ("label", "step", "question")}
    for problem in distinct_problems(CONTROLS, seed + 1, "train"):
        row = to_row(problem, "gsm8k")
        steps, label = row["answer"].rsplit("\n", 1)
        changed = {
            "label": {**row, "answer": f"{steps}\n#### {problem.answer + chance.choice((-1, 1))}"},
            "step": {**row, "answer": _change_one(steps, chance) + "\n" + label},
            "question": {**row, "question": _change_one(row["question"], chance)},
        }
        for name, broken in changed.items():
            found[name]["rows"] += 1
            found[name]["refused"] += bool(faults(broken))
    return found


def _change_one(text: str, chance: random.Random) -> str:
    """The text with one of its numbers made larger by one."""
    number = chance.choice(list(_NUMBER.finditer(text)))
    return text[: number.start()] + str(int(number[0]) + 1) + text[number.end() :]


def table(facts: dict[str, Any]) -> str:
    """The splits as Markdown, and what became of rows that were spoiled on purpose."""
    lines = ["| split | problems | steps | templates | forms of question | wrong labels |", f"|---|{'--:|' * 5}"]
    for split, found in facts["splits"].items():
        numbers = (found[key] for key in ("problems", "steps", "templates", "forms", "wrong"))
        lines.append(f"| {split} | {' | '.join(f'{number:,}' for number in numbers)} |")
    spoiled = ", ".join(
        f"{found['refused']:,} of {found['rows']:,} with another number in the {kind}"
        for kind, found in facts["controls"].items()
    )
    common = facts["forms_of_train_in_test"]
    end = f"Forms of questions of train in test: {common}. Spoiled rows that are refused: {spoiled}."
    return "\n".join([*lines, "", f"{end}\n"])


def main() -> None:
    """Check, and write the facts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1_000_000, help="how many, over all splits (1,000,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the generator (0)")
    parser.add_argument("--output", type=Path, default=FACTS, help="where to write (docs/results/word_problems.json)")
    parser.add_argument("--table", action="store_true", help="only write the table of docs/results.md")
    arguments = parser.parse_args()
    if arguments.table:
        replace_table(PAGE, "word problems", table(json.loads(FACTS.read_text(encoding="utf-8"))))
        return
    load_before = os.getloadavg()[0]
    splits: dict[str, Any] = {}
    forms: dict[str, set[str]] = {}
    questions: dict[str, set[bytes]] = {}
    for split in SPLITS:
        n = round(arguments.problems * SHARES[split])
        splits[split], forms[split], questions[split] = check_split(split, n, arguments.seed)
        print(split, splits[split], flush=True)
    held_out = forms["test"] | forms["new-templates"]
    facts = {
        "seed": arguments.seed,
        "problems": sum(facts["problems"] for facts in splits.values()),
        "wrong": sum(facts["wrong"] for facts in splits.values()),
        "seconds": round(sum(facts["seconds"] for facts in splits.values()), 1),
        "forms_of_train_in_test": len(forms["train"] & held_out),
        "questions_of_train_elsewhere": len(
            questions["train"] & (questions["test"] | questions["new-templates"] | questions["new-numbers"])
        ),
        "splits": splits,
        "controls": controls(arguments.seed),
        "cores": os.cpu_count(),
        "processes": 1,
        "load_before": load_before,
    }
    write_json(arguments.output, facts)
    if arguments.output == FACTS:
        replace_table(PAGE, "word problems", table(facts))
    print({key: value for key, value in facts.items() if key != "splits"})


if __name__ == "__main__":
    main()
