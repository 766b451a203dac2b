"""What does the server tell a monitor? The names are vLLM's, so that one dashboard reads both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

BUCKETS = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)


@dataclass(slots=True)
class Histogram:
    """Seconds, counted into buckets."""

    counts: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))
    count: int = 0
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        self.count += 1
        self.total += seconds
        for at, bound in enumerate(BUCKETS):
            self.counts[at] += seconds <= bound

    def lines(self, name: str, labels: str) -> Iterator[str]:
        yield f"# TYPE {name} histogram"
        for bound, count in zip(BUCKETS, self.counts, strict=True):
            yield f'{name}_bucket{{{labels},le="{bound}"}} {count}'
        yield f'{name}_bucket{{{labels},le="+Inf"}} {self.count}'
        yield f"{name}_count{{{labels}}} {self.count}"
        yield f"{name}_sum{{{labels}}} {self.total}"


@dataclass(slots=True)
class Metrics:
    """Written by the engine and the HTTP side, each its own fields."""

    running: int = 0
    waiting: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    finished: Counter[str] = field(default_factory=Counter)
    first_token: Histogram = field(default_factory=Histogram)
    whole_request: Histogram = field(default_factory=Histogram)

    def as_text(self, model_name: str) -> str:
        """In Prometheus' text format."""
        escaped = model_name.replace("\\", "\\\\").replace('"', '\\"')
        labels = f'engine="0",model_name="{escaped}"'
        lines: list[str] = []
        for name, kind, value in (
            ("num_requests_running", "gauge", self.running),
            ("num_requests_waiting", "gauge", self.waiting),
            ("prompt_tokens_total", "counter", self.prompt_tokens),
            ("generation_tokens_total", "counter", self.generation_tokens),
        ):
            lines += [f"# TYPE vllm:{name} {kind}", f"vllm:{name}{{{labels}}} {float(value)}"]
        lines.append("# TYPE vllm:request_success_total counter")
        for reason in ("stop", "length", "abort", "error"):
            count = float(self.finished[reason])
            lines.append(f'vllm:request_success_total{{{labels},finished_reason="{reason}"}} {count}')
        lines += self.first_token.lines("vllm:time_to_first_token_seconds", labels)
        lines += self.whole_request.lines("vllm:e2e_request_latency_seconds", labels)
        return "\n".join([*lines, ""])
