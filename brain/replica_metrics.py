"""What do all the model servers tell a monitor? Fetched through us: nobody else can reach them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping

from brain.model_client import ModelUnavailable
from brain.replica import Replica
from brain.replicas import Replicas

TOO_MANY_LABELS = {"vllm:lora_requests_info"}  # a new series for every set of adapters that runs together
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S.*)$")


async def all_metrics(replicas: Replicas) -> str:
    """Every server's own figures with a label `replica`, and ours about each, in Prometheus' text format."""
    told = await asyncio.gather(*(_of(one) for one in replicas.replicas.values()))
    texts = {name: text for name, text in told if text}
    return merge(texts) + "".join(f"{line}\n" for line in _ours(replicas))


async def _of(replica: Replica) -> tuple[str, str]:
    try:
        async with asyncio.timeout(2.0):
            return replica.name, await replica.client.metrics()
    except (ModelUnavailable, TimeoutError):
        return replica.name, ""


def merge(texts: Mapping[str, str]) -> str:
    """The texts of several servers as one: each family once, with all its samples, as the format wants it."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for replica, text in texts.items():
        family = ""
        for line in text.splitlines():
            if line.startswith(("# HELP ", "# TYPE ")):
                family = line.split(" ", 3)[2]
                known = heads.setdefault(family, [])
                if not any(head.startswith(line[:7]) for head in known):
                    known.append(line)
            elif found := SAMPLE.match(line):
                name, labels, value = found.groups()
                if not (family and name.startswith(family)):
                    family = name
                labelled = ",".join(filter(None, (f'replica="{replica}"', labels)))
                samples.setdefault(family, []).append(f"{name}{{{labelled}}} {value}")
    lines = [
        line
        for family, own in samples.items()
        if family not in TOO_MANY_LABELS
        for line in (*heads.get(family, ()), *own)
    ]
    return "".join(f"{line}\n" for line in lines)


def _ours(replicas: Replicas) -> Iterable[str]:
    each = replicas.replicas.values()
    for name, kind, values in (
        ("up", "gauge", {one.name: int(one.health.admitted) for one in each}),
        ("in_flight", "gauge", {one.name: one.in_flight for one in each}),
        ("failures_total", "counter", {one.name: one.health.failures_in_all for one in each}),
        ("ejections_total", "counter", {one.name: one.health.ejections_in_all for one in each}),
    ):
        yield f"# TYPE twin_replica_{name} {kind}"
        yield from (f'twin_replica_{name}{{replica="{one}"}} {value}' for one, value in values.items())
    for name, kind, value in (
        ("retries_total", "counter", replicas.retries),
        ("turned_away_total", "counter", replicas.turned_away),
        ("waiting", "gauge", replicas.waiting),
    ):
        yield f"# TYPE twin_model_{name} {kind}"
        yield f"twin_model_{name} {value}"
