"""The reader of Dockerfiles, and what ours promises to those who run it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from deploy.build import Build, Image
from deploy.chroot import Files
from deploy.dockerfile import Instruction, Stage, parse, substitute
from hypothesis import given
from hypothesis import strategies as st

from longhand.cli.main import build_parser
from longhand.errors import UserError

ROOT = Path(__file__).parents[2]
STAGES = parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))
IMAGE = STAGES[-1]


def of(stage: Stage, name: str) -> list[Instruction]:
    return [step for step in stage.instructions if step.name == name]


def test_stages_flags_and_continued_lines_are_taken_apart() -> None:
    first, second = parse(
        "# a comment\nFROM debian:bookworm-slim as one\n"
        "run a \\\n  # left out, as is the empty line\n\n  && b\nENV A=1 B='2 3'\n"
        'FROM one\nCOPY --from=one /a /b\nHEALTHCHECK --interval=1s CMD ["x", "y z"]\nCMD echo $HOME\n'
    )
    assert (first.base, first.name, second.base, second.name) == ("debian:bookworm-slim", "one", "one", "")
    run, environment = first.instructions
    assert run.command()[:2] == ["/bin/sh", "-c"]
    assert run.text.split() == ["a", "&&", "b"]
    assert environment.pairs({}) == {"A": "1", "B": "2 3"}
    copy, healthcheck, command = second.instructions
    assert (copy.flags, copy.text) == ({"from": "one"}, "/a /b")
    assert (healthcheck.flags, healthcheck.command()) == ({"interval": "1s"}, ["x", "y z"])
    assert command.command() == ["/bin/sh", "-c", "echo $HOME"]
    assert second.last("CMD") is command
    assert second.last("USER") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM a\nADD x y", "ADD in 'ADD x y' is not understood"),
        ("RUN x", "before the first FROM"),
        ("FROM a b", "write FROM IMAGE"),
        ("FROM a\nRUN --mount=type=cache,target=/x pip", "--mount of RUN"),
        ("FROM a\nRUN <<END", "heredoc"),
        ("FROM a\nHEALTHCHECK NONE", "HEALTHCHECK CMD"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        parse(text)


@pytest.mark.parametrize(("text", "message"), [("['x']", "is no JSON array"), ("[1]", "array of strings")])
def test_an_exec_form_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Instruction("CMD", text).command()


names = st.text(alphabet="ab_XY", min_size=1, max_size=4)
values = st.text(alphabet=st.characters(exclude_characters="$\\", codec="ascii"), max_size=8)


@given(st.dictionaries(names, values, max_size=4), st.lists(st.one_of(values, names), max_size=6))
def test_variables_are_replaced_and_nothing_else_is(variables: dict[str, str], words: list[str]) -> None:
    with_braces = "|".join(f"${{{word}}}" if word in variables else word for word in words)
    assert substitute(with_braces, variables) == "|".join(variables.get(word, word) for word in words)
    assert substitute("".join(f"${name}/" for name in variables), variables) == "".join(
        f"{v}/" for v in variables.values()
    )


def test_what_has_no_value_is_empty_and_a_default_is_not_understood() -> None:
    assert substitute("a$B/${C}", {}) == "a/"
    with pytest.raises(UserError, match="not understood"):
        substitute("${A:-b}", {})


def test_a_layer_is_what_is_new_or_changed_and_links_count_once(tmp_path: Path) -> None:
    for name, n in (("kept", 3), ("changed", 5), ("removed", 7)):
        (tmp_path / name).write_bytes(b"x" * n)
    before = Files.of(tmp_path)
    assert before.added_since(Files()) == 15
    (tmp_path / "changed").write_bytes(b"y" * 11)
    (tmp_path / "removed").unlink()
    (tmp_path / "new").write_bytes(b"x" * 100)
    (tmp_path / "again").hardlink_to(tmp_path / "new")
    (tmp_path / "link").symlink_to("kept")
    assert Files.of(tmp_path).added_since(before) == 111


def test_a_build_refuses_values_of_no_arg_users_by_name_and_other_bases(tmp_path: Path) -> None:
    def build(text: str, **arguments: str) -> None:
        Build(tmp_path, tmp_path, "http://mirror.invalid/debian", arguments, {}, [], print).image(parse(text))

    with pytest.raises(UserError, match="no ARG NAME"):
        build("FROM debian:bookworm-slim\nARG NAMES", NAME="x")
    with pytest.raises(UserError, match="debian:SUITE-slim only"):
        build("FROM python:3.11-slim")
    (tmp_path / "debian-bookworm").mkdir()
    with pytest.raises(UserError, match="USER longhand: name it by its number"):
        build("FROM debian:bookworm-slim\nUSER longhand")


def test_arguments_environment_folders_and_copies_are_those_of_an_engine(tmp_path: Path) -> None:
    source, work = tmp_path / "source", tmp_path / "work"
    for name in ("a/b/c.txt", "a/d.txt", "a/d.log"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    (source / ".dockerignore").write_text("**/*.log\n")
    (work / "debian-bookworm").mkdir(parents=True)
    image = Build(source, work, "", {"B": "given"}, {}, [], lambda line: None).image(
        parse(
            "FROM debian:bookworm-slim AS one\nARG A=1\nARG B=2\nENV C=$A$B\nENV C=x$C D=$C\nWORKDIR /w\nWORKDIR v\n"
            "COPY a/d.txt renamed\nCOPY a a/b ./\nUSER 7\nCMD a\n"
            'FROM one\nENV E=$A\nCOPY --from=one /w/v /\nENTRYPOINT ["b"]\nCMD ["$C"]\n'
        )
    )
    paths = {str(path.relative_to(image.root)) for path in image.root.rglob("*") if path.is_file()}
    in_v = {"renamed", "b/c.txt", "c.txt", "d.txt"}
    assert paths == in_v | {f"w/v/{name}" for name in in_v}
    server = image.server()
    assert (server.words, server.folder, server.user) == (["b", "$C"], "/w/v", "7:7")
    # All of an ENV see what was before it, an ARG ends with its stage, an ENV does not.
    assert {name: server.environment[name] for name in "CDE"} == {"C": "x1given", "D": "1given", "E": ""}
    assert image.n_bytes == sum(path.stat().st_size for path in image.root.rglob("*") if path.is_file())


def test_it_runs_as_a_user_by_number_that_is_not_root() -> None:
    user = IMAGE.last("USER")
    assert user is not None
    number, group = map(int, user.text.split(":"))
    assert number > 0
    assert group > 0
    made = " ".join(step.text for step in of(IMAGE, "RUN"))
    assert f"--uid {number}" in made
    assert f"--gid {group}" in made


def test_signals_reach_the_server_and_its_words_are_those_of_the_command_line() -> None:
    entry, command, healthcheck = (IMAGE.last(name) for name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"))
    assert entry is not None
    assert command is not None
    assert healthcheck is not None
    assert entry.is_exec_form
    assert command.is_exec_form
    assert healthcheck.is_exec_form
    assert entry.command() == ["longhand"]
    arguments = build_parser().parse_args(command.command())
    assert (arguments.verb, arguments.host, arguments.port) == ("serve", "0.0.0.0", 8000)
    assert [step.text for step in of(IMAGE, "EXPOSE")] == [str(arguments.port)]
    assert json.dumps(healthcheck.command()).count(str(arguments.port)) == 1
    assert (arguments.not_ready_seconds or 0) + arguments.drain_seconds < 10  # what `docker stop` waits


def test_compilers_and_pip_stay_in_their_stage_and_torch_comes_from_the_cpu_index() -> None:
    build = STAGES[1]
    assert {STAGES[0].name, build.base, IMAGE.base} == {"base"}
    steps = [step.text for stage in STAGES if stage is not build for step in of(stage, "RUN")]
    assert not any(word in step for step in steps for word in ("g++", "pip ", "gcc", "build-essential"))
    arguments = dict(step.text.split("=", 1) for step in of(build, "ARG"))
    assert arguments == {"TORCH_INDEX": "https://download.pytorch.org/whl/cpu"}
    installs = [
        part for step in of(build, "RUN") for part in step.text.split("&&") if " install " in part and "pip " in part
    ]
    assert len(installs) == 4
    assert all("--constraint constraints.txt" in part or "--no-deps --root" in part for part in installs)


def test_it_has_a_python_that_longhand_runs_on() -> None:
    python = {"debian:bookworm-slim": ">=3.11"}[STAGES[0].base]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == python


def test_the_environment_extends_that_of_its_base() -> None:
    image = Image(Path())
    for step in of(IMAGE, "ENV"):
        image.environment |= step.pairs(image.environment)
    assert image.environment["PATH"].split(":")[0] == "/opt/longhand/bin"
    assert "/usr/bin" in image.environment["PATH"].split(":")
    assert image.environment["OMP_NUM_THREADS"] == image.environment["PYTHONUNBUFFERED"] == "1"
