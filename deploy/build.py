"""Execute the stages of a Dockerfile in roots made with debootstrap, and measure what each step adds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from deploy.chroot import Files, Program, start_words
from deploy.dockerfile import Instruction, Stage, substitute
from deploy.dockerignore import context

from longhand.errors import UserError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What the slim variant of Debian's image leaves out and goes on leaving out; it keeps the copyrights.
SLIM = ("doc", "groff", "info", "linda", "lintian", "locale", "man")


@dataclass
class Image:
    """A root, and what an engine would remember beside it."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    folder: str = "/"
    user: str = "0:0"
    layers: list[tuple[str, int]] = field(default_factory=list)
    commands: dict[str, Instruction] = field(default_factory=dict)  # ENTRYPOINT, CMD, HEALTHCHECK

    def copied_to(self, root: Path) -> Image:
        """The beginning of another stage."""
        # cp, because it keeps owners, hard links and device files, and shares the blocks where the file system can.
        subprocess.run(["cp", "--archive", "--reflink=auto", str(self.root), str(root)], check=True)
        return replace(
            self,
            root=root,
            environment=dict(self.environment),
            layers=list(self.layers),
            commands=dict(self.commands),
        )

    @property
    def n_bytes(self) -> int:
        """The sum of the contents of its layers."""
        return sum(n for _, n in self.layers)

    def program(self, words: Sequence[str], **settings: str) -> Program:
        """What starts these words as this image's user, in its folder and environment."""
        return Program(words, {"HOME": "/", **self.environment, **settings}, self.folder, self.user)

    def server(self) -> Program:
        """What `docker run` starts: the words of ENTRYPOINT, then those of CMD."""
        parts = [self.commands[name].command() for name in ("ENTRYPOINT", "CMD") if name in self.commands]
        return self.program([word for words in parts for word in words])


@dataclass(frozen=True)
class Build:
    """What the steps are given from outside: files to COPY, values of ARG, and settings and folders for RUN alone."""

    source: Path
    work: Path
    mirror: str
    arguments: Mapping[str, str]
    settings: Mapping[str, str]
    outside: Sequence[Path]
    say: Callable[[str], None]

    def image(self, stages: Sequence[Stage]) -> Image:
        """Execute all stages and return the last; raises `UserError` for a step that fails."""
        unused = set(self.arguments) - {
            step.text.partition("=")[0] for stage in stages for step in stage.instructions if step.name == "ARG"
        }
        if unused:
            raise UserError(f"the Dockerfile has no ARG {', '.join(sorted(unused))}")
        images: dict[str, Image] = {}
        for number, stage in enumerate(stages):
            begin = images.get(stage.base) or self._debian(stage.base)
            image = begin.copied_to(self.work / f"stage-{number}")
            self._execute(stage, image, images)
            images[stage.name or str(number)] = image
        return image

    def _debian(self, base: str) -> Image:
        name, _, suite = base.partition(":")
        if name != "debian" or not suite.endswith("-slim"):
            raise UserError(f"FROM {base}: a clean root can be made of debian:SUITE-slim only")
        suite = suite.removesuffix("-slim")
        root = self.work / f"debian-{suite}"
        if not root.exists():
            self.say(f"debootstrap {suite}")
            _run(["debootstrap", "--variant=minbase", suite, str(root), self.mirror], f"debootstrap {suite}")
            _make_slim(root, suite, self.mirror)
        return Image(root, layers=[(f"FROM {base}", Files.of(root).added_since(Files()))])

    def _execute(self, stage: Stage, image: Image, images: Mapping[str, Image]) -> None:
        scope: dict[str, str] = {}
        before = Files.of(image.root)
        for step in stage.instructions:
            known = {**scope, **image.environment}
            if step.name == "ARG":
                name, _, default = step.text.partition("=")
                scope[name] = self.arguments.get(name, substitute(default, known))
            elif step.name == "ENV":
                image.environment |= step.pairs(known)
            elif step.name == "WORKDIR":
                image.folder = str(PurePosixPath(image.folder) / substitute(step.text, known))
                (image.root / image.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif step.name == "USER":
                image.user = _numbers(substitute(step.text, known))
            elif step.name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
                image.commands[step.name] = step
            elif step.name in ("COPY", "RUN"):
                self.say(f"{stage.name or 'image'}: {step}")
                if step.name == "COPY":
                    self._copy(step, image, images)
                else:
                    program = image.program(step.command(), **scope, **self.settings)
                    _run(start_words(image.root, program, outside=self.outside), str(step))
                after = Files.of(image.root)
                image.layers.append((str(step), after.added_since(before)))
                self.say(f"  {image.layers[-1][1] / 1e6:.1f} MB")
                before = after

    def _copy(self, step: Instruction, image: Image, images: Mapping[str, Image]) -> None:
        *sources, target = step.text.split()
        to = image.root / str(PurePosixPath(image.folder) / target).lstrip("/")
        if "chown" in step.flags or any(set(source) & set("*?[") for source in sources):
            raise UserError(f"Dockerfile: {step}: --chown and wildcards are not understood")
        if stage := step.flags.get("from"):
            for source in sources:
                whole = images[stage].root / source.lstrip("/")
                to.mkdir(parents=True, exist_ok=True)
                _run(["cp", "--archive", "--no-target-directory", f"{whole}/", str(to)], str(step))
            return
        for copied in map(PurePosixPath, sources):
            files = [path for path in context(self.source) if copied in (path, *path.parents)]
            if not files:
                raise UserError(f"Dockerfile: {step}: nothing there, or .dockerignore leaves it out")
            for path in files:
                inside = path.name if path == copied else path.relative_to(copied)
                place = to / inside if target.endswith(("/", ".")) or path != copied else to
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.source / path, place, follow_symlinks=False)
                os.chown(place, 0, 0, follow_symlinks=False)


def _make_slim(root: Path, suite: str, mirror: str) -> None:
    """Bring what debootstrap made to what Debian's slim image is: no manuals, no lists, sources with security."""
    share = root / "usr" / "share"
    for path in [path for name in SLIM for path in (share / name).rglob("*")]:
        if not path.is_dir() and path.name != "copyright":
            path.unlink()
    for folder in ("var/lib/apt/lists", "var/cache/apt", "var/log"):
        for path in (root / folder).rglob("*"):
            if path.is_file():
                path.unlink()
    excluded = [f"path-exclude /usr/share/{name}/*" for name in SLIM]
    settings = "\n".join([*excluded, "path-include /usr/share/doc/*/copyright", ""])
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(settings)
    security = mirror.rstrip("/").removesuffix("/debian") + "/debian-security"
    lines = [
        f"deb {mirror} {suite} main",
        f"deb {mirror} {suite}-updates main",
        f"deb {security} {suite}-security main",
    ]
    (root / "etc/apt/sources.list").write_text("\n".join([*lines, ""]))
    for name in ("resolv.conf", "hosts", "hostname"):
        (root / "etc" / name).write_text("")


def _numbers(user: str) -> str:
    if not all(part.isdecimal() for part in user.split(":")):
        raise UserError(f"USER {user}: name it by its number, as 10001:10001; Kubernetes asks for that too")
    return user if ":" in user else f"{user}:{user}"


def _run(words: Sequence[str], what: str) -> None:
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        output = done.stdout.decode(errors="replace").strip().splitlines()
        raise UserError(f"exit code {done.returncode} of: {what}\n" + "\n".join(output[-40:]))
