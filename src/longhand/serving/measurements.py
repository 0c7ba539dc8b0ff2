"""What Prometheus is told of a server."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Measurements:
    """Counters, histograms and gauges of one server, in a registry of their own."""

    def __init__(self, depth: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "longhand_requests", "Requests by route and status", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "longhand_request_seconds",
            "Time from a request to its response",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batch = Histogram(
            "longhand_batch_size", "Prompts answered at once", buckets=_SIZES, registry=self.registry
        )
        self.batch_seconds = Histogram(
            "longhand_batch_seconds", "Time to answer a batch", buckets=_SECONDS, registry=self.registry
        )
        self.tokens = Counter("longhand_tokens", "Tokens read and written", ["kind"], registry=self.registry)
        self.verdicts = Counter("longhand_verdicts", "Answers by verdict", ["verdict"], registry=self.registry)
        self.model = Gauge(
            "longhand_model_info", "1 for the version that answers now", ["name", "version"], registry=self.registry
        )
        self.switches = Counter("longhand_model_switches", "Versions begun to serve", registry=self.registry)
        Gauge("longhand_queue_depth", "Requests that wait", registry=self.registry).set_function(depth)
        # Labels are looked up once: they cost more than the counting.
        self._of_route: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._of_verdict: dict[str, Counter] = {}
        self._written = self.tokens.labels("written")

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """One response more."""
        known = self._of_route.get((route, status))
        if known is None:
            known = (self.requests.labels(route, str(status)), self.seconds.labels(route))
            self._of_route[route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def count_answer(self, n_tokens: int, verdict: str) -> None:
        """One answer more, of so many tokens."""
        known = self._of_verdict.get(verdict)
        if known is None:
            known = self._of_verdict[verdict] = self.verdicts.labels(verdict)
        known.inc()
        self._written.inc(n_tokens)

    def count_batch(self, size: int, seconds: float) -> None:
        """One batch more."""
        self.batch.observe(size)
        self.batch_seconds.observe(seconds)

    def serve(self, name: str, version: str) -> None:
        """Name the version that answers from now on."""
        self.model.clear()
        self.model.labels(name, version).set(1)
        self.switches.inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
