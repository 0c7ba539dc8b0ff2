"""Build the image of the Dockerfile without a container engine, start it, and ask it.

    python -m deploy.clean_root            # as root on Debian or Ubuntu, with debootstrap; some minutes, 4 GB of disk

The steps are read from the Dockerfile and executed one by one, each stage in a root of its own that debootstrap made:
what is checked is that file, not a list beside it. Then what the image would start is started as process 1 of the last
root, as the image's user, with everything but /tmp read-only and with no network but its own; its HEALTHCHECK has to
succeed, curl asks it, SIGTERM has to end it with exit code 0, and its layers may not hold more than `--limit-mb`.
pip has the indexes, proxies and certificates in there that it has out here.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

from deploy.build import Build, Image
from deploy.chroot import beside_words, first_process, start_words
from deploy.dockerfile import parse
from deploy.pip_settings import settings_here

from longhand.atomic import write_json
from longhand.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "container.json"
NEEDED = {"debootstrap": "debootstrap", "unshare": "util-linux", "nsenter": "util-linux", "curl": "curl"}
_VERSIONS = """
import json, platform, longhand, torch
from longhand.native.library import status
print(json.dumps({"python": platform.python_version(), "torch": torch.__version__, "longhand": longhand.__version__,
                  "kernels": status()}))
"""


def check(image: Image, patience: float = 120.0) -> dict[str, Any]:
    """Start the server of an image, ask it, end it; returns what was measured, `UserError` if anything is wrong."""
    with tempfile.TemporaryFile("w+") as said:
        try:
            return _start_ask_and_end(image, patience, said)
        except UserError as error:
            said.seek(0)
            raise UserError(f"{error}\nThe server said:\n{said.read()}") from error


def _start_ask_and_end(image: Image, patience: float, said: IO[str]) -> dict[str, Any]:
    command = start_words(image.root, image.server(), serving=True)
    started = monotonic()
    with subprocess.Popen(command, stdout=said, stderr=said) as server:
        try:
            seconds = _wait_until_healthy(image, server, started + patience) - started
            facts = _ask(image, _process(server))
            os.kill(_process(server), signal.SIGTERM)
            try:
                code = server.wait(30)
            except subprocess.TimeoutExpired as error:
                raise UserError("30 seconds after SIGTERM the server still runs") from error
        except BaseException:
            process = first_process(server.pid)
            if process is not None:
                os.kill(process, signal.SIGKILL)
            server.kill()
            raise
    if code:
        raise UserError(f"after SIGTERM the server ended with exit code {code}")
    return {"healthy_after_seconds": round(seconds, 1), **facts}


def _process(server: subprocess.Popen[bytes]) -> int:
    """The process that is number 1 in the root."""
    process = first_process(server.pid) if server.poll() is None else None
    if process is None:
        raise UserError(f"the server ended with exit code {server.wait(5)}")
    return process


def _wait_until_healthy(image: Image, server: subprocess.Popen[bytes], end: float) -> float:
    healthcheck = image.program(image.commands["HEALTHCHECK"].command())
    while True:
        sleep(0.2)
        done = subprocess.run(beside_words(_process(server), healthcheck), capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return monotonic()
        if monotonic() > end:
            raise UserError(f"the HEALTHCHECK does not succeed: {done.stdout}{done.stderr}")


def _ask(image: Image, process: int) -> dict[str, Any]:
    def curl(route: str, *options: str) -> Any:
        words = ["curl", "--silent", "--show-error", "--fail-with-body", f"http://127.0.0.1:8000{route}", *options]
        # curl of this machine, in the network of the server: nothing is installed in the image to ask it.
        done = subprocess.run(
            ["nsenter", f"--target={process}", "--net", *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UserError(f"{' '.join(words)}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout)

    posted = ("--header", "content-type: application/json", "--data", '{"equation": "951+11="}')
    answers = {
        "/health": curl("/health"),
        "/predict": curl("/predict", *posted),
        "/v1/models": curl("/v1/models"),
    }
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    uid = fields["Uid"].split()[0]
    if uid == "0" or not answers["/health"]["model_loaded"] or answers["/predict"]["predicted_answer"] != "962":
        raise UserError(f"user {uid}, and these answers: {answers}")
    versions = subprocess.run(
        beside_words(process, image.program(["python", "-c", _VERSIONS])), capture_output=True, text=True, check=True
    )
    served = [model["id"] for model in answers["/v1/models"]["data"]]
    peak = 1024 * int(fields["VmHWM"].split()[0])
    return {"user": int(uid), "peak_memory_bytes": peak, "models": served, **json.loads(versions.stdout)}


def build_and_check(arguments: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Everything the command does, in an empty folder; returns what goes into `--record`."""
    settings, outside = settings_here()
    stages = parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    given = dict(value.split("=", 1) for value in arguments.build_arg)
    build = Build(ROOT, work, arguments.mirror, given, settings, outside, lambda line: print(line, flush=True))
    image = build.image(stages)
    print("\n".join(f"{n / 1e6:8.1f} MB  {step}" for step, n in image.layers))
    print(f"{image.n_bytes / 1e6:8.1f} MB  in all, of {arguments.limit_mb} allowed", flush=True)
    facts = check(image)
    print(json.dumps(facts), flush=True)
    if image.n_bytes > arguments.limit_mb * 1e6:
        raise UserError(f"the layers hold {image.n_bytes / 1e6:.1f} MB, more than {arguments.limit_mb}")
    layers = [{"step": step, "bytes": n} for step, n in image.layers]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "layers": layers,
        "limit_bytes": arguments.limit_mb * 10**6,
        **facts,
    }


def main(words: Sequence[str] | None = None) -> int:
    """The command; 0 if the image is as it should be, else 1 and the reason on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.clean_root", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE", help="value of an ARG")
    parser.add_argument(
        "--mirror", default="http://deb.debian.org/debian", help="where Debian comes from (%(default)s)"
    )
    parser.add_argument("--limit-mb", type=int, default=1200, metavar="N", help="megabytes the layers may hold (1200)")
    parser.add_argument("--work", type=Path, metavar="DIR", help="folder for the roots, which are removed (a new one)")
    parser.add_argument("--record", action="store_true", help="write docs/results/container.json")
    arguments = parser.parse_args(words)
    missing = [f"{name} (apt-get install {package})" for name, package in NEEDED.items() if not shutil.which(name)]
    try:
        if os.geteuid() != 0 or missing:
            raise UserError(f"this needs root{''.join(f', {name}' for name in missing)}")
        with tempfile.TemporaryDirectory(prefix="clean-root-", dir=arguments.work) as work:
            facts = build_and_check(arguments, Path(work))
            if arguments.record:
                write_json(FACTS, facts)
    except UserError as error:
        print(f"clean_root: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
