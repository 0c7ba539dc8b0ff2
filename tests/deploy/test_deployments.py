"""compose.yaml and the manifest for Kubernetes: as the page says, with words that `longhand serve` understands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.dockerfile import parse

from longhand.cli.main import build_parser
from longhand.serving.settings import KEYS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DEPLOYMENT, SERVICE = yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
PORT = 8000


def defaults(text: str) -> str:
    """A value of compose.yaml where no variable is set."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text)


def arguments_of(words: list[str]) -> Any:
    return build_parser().parse_args(words)


def test_compose_serves_what_it_says_and_waits_longer_than_its_server() -> None:
    server, proxy = COMPOSE["services"]["server"], COMPOSE["services"]["proxy"]
    arguments = arguments_of([defaults(word) for word in server["command"]])
    assert (arguments.verb, arguments.model, arguments.host, arguments.port) == ("serve", "add-sub-3", "0.0.0.0", PORT)
    assert arguments.not_ready_seconds + arguments.drain_seconds < int(server["stop_grace_period"].removesuffix("s"))
    assert server["expose"] == [str(PORT)]
    assert "ports" not in server, "who reaches a server past the proxy can say it comes from anywhere"
    assert KEYS in server["environment"]
    assert int(defaults(server["deploy"]["replicas"])) > 1
    assert server["read_only"]
    assert server["tmpfs"] == ["/tmp"]
    assert proxy["depends_on"] == {"server": {"condition": "service_healthy"}}
    mounted = [volume.split(":") for service in (server, proxy) for volume in service["volumes"]]
    assert {source for source, *_ in mounted if not source.startswith("./")} == set(COMPOSE["volumes"])
    assert all((ROOT / source).is_file() for source, *_ in mounted if source.startswith("./"))


def test_the_registry_of_compose_is_where_the_image_looks_for_it() -> None:
    image = parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
    environment = {
        name: value for step in image.instructions if step.name == "ENV" for name, value in step.pairs({}).items()
    }
    assert f"registry:{environment['LONGHAND_REGISTRY']}" in COMPOSE["services"]["server"]["volumes"]
    assert environment["LONGHAND_CACHE"].startswith(f"{COMPOSE['services']['server']['tmpfs'][0]}/")
    (tmp,) = CONTAINER["volumeMounts"]
    assert environment["LONGHAND_CACHE"].startswith(f"{tmp['mountPath']}/")


def test_the_proxy_asks_the_service_that_there_is() -> None:
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    found = re.search(r"dynamic a (\w+) (\d+)", caddyfile)
    assert found is not None
    assert found[1] in COMPOSE["services"]
    assert COMPOSE["services"][found[1]]["expose"] == [found[2]]


def test_the_manifest_serves_where_its_probes_and_its_service_ask() -> None:
    arguments = arguments_of(CONTAINER["args"])
    assert (arguments.verb, arguments.host, arguments.port) == ("serve", "0.0.0.0", PORT)
    (port,) = CONTAINER["ports"]
    assert port["containerPort"] == arguments.port
    probes = {name: CONTAINER[f"{name}Probe"] for name in ("startup", "liveness", "readiness")}
    assert all(probe["httpGet"]["port"] == port["name"] for probe in probes.values())
    asked = {name: probe["httpGet"]["path"] for name, probe in probes.items()}
    assert asked == {"startup": "/health", "liveness": "/health", "readiness": "/ready"}
    assert SERVICE["spec"]["ports"][0]["targetPort"] == port["name"]
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert SERVICE["spec"]["selector"] == DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels


def test_a_pod_is_asked_twice_whether_it_is_ready_before_it_stops_taking_requests() -> None:
    arguments = arguments_of(CONTAINER["args"])
    assert arguments.not_ready_seconds > 2 * CONTAINER["readinessProbe"]["periodSeconds"]
    assert POD["terminationGracePeriodSeconds"] > arguments.not_ready_seconds + arguments.drain_seconds
    assert DEPLOYMENT["spec"]["replicas"] > 1
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_a_pod_may_do_nothing_that_it_need_not() -> None:
    assert POD["securityContext"]["runAsNonRoot"]
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {"cpu", "memory"} <= set(CONTAINER["resources"]["requests"])
    (key,) = CONTAINER["env"]
    assert key["name"] == KEYS
    assert "value" not in key


@pytest.mark.parametrize("file", ["deploy/kubernetes.yaml"])
def test_the_page_shows_the_file(file: str) -> None:
    assert (ROOT / file).read_text(encoding="utf-8") in PAGE
