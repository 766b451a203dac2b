"""What does the twin look like at a glance? `python deploy/monitoring/dashboards.py` writes Grafana's files.

A dashboard is a list of panels here and a file there, so that a change of one can be read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "grafana/dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT = 8, 8  # three panels to a row


@dataclass(frozen=True)
class Panel:
    """One graph: what it shows, in which unit, and each line's query by its legend."""

    title: str
    unit: str
    lines: dict[str, str]
    limit: float | None = None  # where it turns red


def slow(share: float, metric: str, by: str = "") -> str:
    """So many of the answers take no longer than that; `by` a label that every server has."""
    merged = f"max by ({by}, le)" if by else "sum by (le)"
    return f"histogram_quantile({share:g}, {merged} (rate({metric}_bucket[$__rate_interval])))"


def each(metric: str) -> str:
    """Every copy of the service passes on every server's figures: the largest, not the sum."""
    return f"max by (replica) ({metric})"


TWIN = [
    Panel(
        "Answers later than 10 s (allowed: 0.5 %)",
        "percentunit",
        {"last hour": "twin:slow_replies:ratio_rate1h"},
        0.005,
    ),
    Panel(
        "Time to answer",
        "s",
        {"half": slow(0.5, "twin_reply_seconds"), "95 %": slow(0.95, "twin_reply_seconds")},
        10,
    ),
    Panel("Time to the first token", "s", {"95 %": slow(0.95, "twin_reply_first_token_seconds")}, 2),
    Panel(
        "Answers",
        "ops",
        {"{{twin}} {{adapter}}": "sum by (twin, adapter) (rate(twin_replies_total[$__rate_interval]))"},
    ),
    Panel(
        "Tokens said",
        "ops",
        {"{{twin}} {{adapter}}": "sum by (twin, adapter) (rate(twin_reply_tokens_total[$__rate_interval]))"},
    ),
    Panel(
        "Messages that wait for an answer",
        "short",
        {"waiting {{twin}}": "max by (twin) (twin_messages_waiting)"},
    ),
    Panel(
        "Answers not given",
        "ops",
        {"{{reason}}": "sum by (reason) (rate(twin_reply_failures_total[$__rate_interval]))"},
    ),
    Panel(
        "Share of the chats",
        "percentunit",
        {"{{twin}} {{adapter}}": "max by (twin, adapter) (twin_adapter_share)"},
    ),
    Panel("Answers that wait for a place", "short", {"{{instance}}": "twin_model_waiting"}, 10),
    Panel("Model servers in use", "short", {"in use": f"sum({each('twin_replica_up')})"}),
    Panel(
        "Tried again, turned away",
        "ops",
        {
            "tried again": "sum(rate(twin_model_retries_total[$__rate_interval]))",
            "turned away": "sum(rate(twin_model_turned_away_total[$__rate_interval]))",
        },
    ),
    Panel(
        "Since the schedule's last sign of life",
        "s",
        {"schedule {{twin}}": "time() - max by (twin) (twin_schedule_heartbeat_timestamp_seconds)"},
        300,
    ),
]
MODEL_SERVERS = [
    Panel("Running", "short", {"{{replica}}": each("vllm:num_requests_running")}),
    Panel("Waiting", "short", {"{{replica}}": each("vllm:num_requests_waiting")}, 10),
    Panel(
        "Cache for conversations in use",
        "percentunit",
        {"{{replica}}": each("vllm:kv_cache_usage_perc")},
        0.95,
    ),
    Panel(
        "Time to the first token, 95 %",
        "s",
        {"{{replica}}": slow(0.95, "vllm:time_to_first_token_seconds", "replica")},
        2,
    ),
    Panel(
        "Between tokens, 95 %",
        "s",
        {"{{replica}}": slow(0.95, "vllm:inter_token_latency_seconds", "replica")},
        0.2,
    ),
    Panel(
        "In the queue, 95 %",
        "s",
        {"{{replica}}": slow(0.95, "vllm:request_queue_time_seconds", "replica")},
        2,
    ),
    Panel(
        "Tokens",
        "ops",
        {
            "read by {{replica}}": each("rate(vllm:prompt_tokens_total[$__rate_interval])"),
            "written by {{replica}}": each("rate(vllm:generation_tokens_total[$__rate_interval])"),
        },
    ),
    Panel(
        "Of the prompts, known already",
        "percentunit",
        {
            "{{replica}}": each("rate(vllm:prefix_cache_hits_total[$__rate_interval])")
            + " / on (replica) "
            + each("rate(vllm:prefix_cache_queries_total[$__rate_interval])")
        },
    ),
    Panel(
        "Put off, failed, ejected",
        "ops",
        {
            "put off by {{replica}}": each("rate(vllm:num_preemptions_total[$__rate_interval])"),
            "failed on {{replica}}": "sum by (replica) (rate(twin_replica_failures_total[$__rate_interval]))",
            "ejected {{replica}}": "sum by (replica) (rate(twin_replica_ejections_total[$__rate_interval]))",
        },
    ),
]
DASHBOARDS = {"twin": ("The twin", TWIN), "model-servers": ("Its model servers", MODEL_SERVERS)}


def dashboard(name: str) -> dict[str, Any]:
    title, panels = DASHBOARDS[name]
    return {
        "uid": f"twin-{name}",
        "title": title,
        "tags": ["twin"],
        "timezone": "utc",
        "schemaVersion": 41,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "editable": False,
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    return {
        "id": number + 1,
        "title": panel.title,
        "type": "timeseries",
        "datasource": SOURCE,
        "gridPos": {"w": WIDTH, "h": HEIGHT, "x": number % 3 * WIDTH, "y": number // 3 * HEIGHT},
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {"thresholdsStyle": {"mode": "off" if panel.limit is None else "line"}},
            },
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for at, (legend, query) in enumerate(panel.lines.items())
        ],
    }


def as_text(name: str) -> str:
    return json.dumps(dashboard(name), indent=2) + "\n"


if __name__ == "__main__":
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(as_text(name), encoding="utf-8")
