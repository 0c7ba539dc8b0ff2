"""Start a program in the root of another system as a container engine does: process 1 of its own, its own mounts.

Whatever is mounted is mounted in the namespace of the program alone and goes with it: a root can be measured and
removed without anything of this machine in it. Needs root on Linux and `unshare`, `nsenter` and `chroot`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

OUTSIDE = "/mnt"
"""Below it lie, by number, the folders and files of this machine that a program is given to read."""

_ENTER = """
set -e
root=$1 read_only=$2 network=$3 python=$4; shift 4
if [ "$read_only" = yes ]; then mount --bind "$root" "$root"; fi
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev/shm"
if [ "$network" = yes ]; then
  for file in /etc/resolv.conf /etc/hosts; do mount --bind "$file" "$root$file"; done
else
  "$python" -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))'  # the loopback device, up
fi
mount -t tmpfs -o mode=755 tmpfs "$root/mnt"
number=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$root/mnt/$number"; else touch "$root/mnt/$number"; fi
  mount --bind -o ro "$1" "$root/mnt/$number"
  number=$((number + 1)); shift
done
shift
if [ "$read_only" = yes ]; then
  mount -t tmpfs -o mode=1777,noexec,nosuid,nodev tmpfs "$root/tmp"
  mount -o remount,bind,ro "$root"
fi
exec chroot "$@"
"""


class Program(NamedTuple):
    """What is started in a root: words, environment, folder, and `USER[:GROUP]` by number."""

    words: Sequence[str]
    environment: Mapping[str, str]
    folder: str = "/"
    user: str = "0:0"

    @property
    def entry(self) -> list[str]:
        """The words after which it runs in a root that has been entered, with this environment and no other."""
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        return ["/usr/bin/env", "-i", f"--chdir={self.folder}", *settings, *self.words]


def start_words(root: Path, program: Program, *, outside: Sequence[Path] = (), serving: bool = False) -> list[str]:
    """The command that starts a program as process 1 of `root` and ends with its exit code.

    While an image is built a program has this machine's network; where it is `serving` it has a loopback device and
    nothing else, and the root is read-only but for /tmp.
    """
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *(["--net"] if serving else [])]
    switches = ["yes" if serving else "no", "no" if serving else "yes"]
    enter = ["sh", "-c", _ENTER, "sh", str(root), *switches, sys.executable, *map(str, outside), "--"]
    return [*namespaces, *enter, f"--userspec={program.user}", "--groups=", str(root), *program.entry]


def beside_words(process: int, program: Program) -> list[str]:
    """The command that starts a program where process 1 of a root lives, as `docker exec` does."""
    user, _, group = program.user.partition(":")
    return [
        *("nsenter", f"--target={process}", "--mount", "--pid", "--net", "--root", f"--setuid={user}"),
        *(f"--setgid={group or user}", *program.entry),
    ]


def first_process(unshare: int) -> int | None:
    """The process that is number 1 in its root, as this machine numbers it, given that of `unshare`; None if none."""
    try:
        children = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
    except FileNotFoundError:
        return None
    return int(children[0]) if children else None


class Files(dict[str, tuple[int, ...]]):
    """Every regular file of a root at a moment, with its size and what changes when it does."""

    @classmethod
    def of(cls, root: Path) -> Files:
        """Look at all of them; links to one file count once."""
        found = cls()
        inodes: set[int] = set()
        for parent, folders, files in os.walk(root):
            folders.sort()
            for name in sorted(files):
                path = Path(parent) / name
                status = path.lstat()
                if path.is_symlink() or not path.is_file() or status.st_ino in inodes:
                    continue
                inodes.add(status.st_ino)
                found[str(path.relative_to(root))] = (
                    status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns,
                )  # fmt: skip
        return found

    def added_since(self, before: Files) -> int:
        """Bytes of the files that are new or changed: the contents of a layer."""
        return sum(state[0] for path, state in self.items() if before.get(path) != state)
