"""May this adapter answer people? Only after the server has shown that it really uses it."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from learning.adapter_folder import check
from storage import tracing
from storage.records import Adapter, AdapterState, Promotion


class Adapters(Protocol):
    async def set_state(
        self,
        version: str,
        state: AdapterState,
        reasons: Sequence[str] = (),
        report: Mapping[str, Any] | None = None,
    ) -> object: ...

    async def go_live(self, version: str | None, why: str) -> Promotion: ...

    async def start_canary(self, version: str, share: float) -> None: ...


class Server(Protocol):
    """What promotion needs of the model servers behind one face: each does what is asked of all."""

    async def load_adapter(self, name: str, path: str) -> object: ...

    async def unload_adapter(self, name: str) -> object: ...

    async def score(self, model: str, token_ids: list[int]) -> Mapping[str, Sequence[float | None]]:
        """The logprob of each token, by server."""
        ...


class ServerRefused(Exception):
    """A server would not load or score the adapter, in one sentence. A Server raises it."""


async def promote(
    adapter: Adapter,
    *,
    base: str | Path,
    adapters: Adapters,
    server: Server,
    why: str,
    share: float | None = None,
) -> list[str]:
    """Check the folder, load it, probe it, and make it live. Returns why not; an empty list: it is live.

    With a `share`, it becomes the canary for that share of the chats instead.

    A refused adapter is unloaded again and its reasons are kept. Other errors of the server, its being down
    for one, pass through: they say nothing about the adapter, which keeps its state.
    """
    with tracing.span(tracing.PUBLISH, adapter=adapter.version):
        problems = await asyncio.to_thread(check, Path(adapter.path), base)
        if not problems:
            problems = await _served(adapter, server)
        tracing.note(problems=len(problems))
        if problems:
            await adapters.set_state(adapter.version, AdapterState.REFUSED, problems)
        elif share is None:
            await adapters.go_live(adapter.version, why)
        else:
            await adapters.start_canary(adapter.version, share)
    return problems


async def _served(adapter: Adapter, server: Server) -> list[str]:
    try:
        with tracing.span(tracing.LOAD, adapter=adapter.version):
            await server.load_adapter(adapter.version, adapter.path)
    except ServerRefused as refused:
        return [f"The server would not load it: {refused}"]
    try:
        with tracing.span(tracing.PROBE, adapter=adapter.version):
            problems = await probe(adapter, server)
    except BaseException:
        await server.unload_adapter(adapter.version)
        raise
    if problems:
        await server.unload_adapter(adapter.version)
    return problems


async def probe(adapter: Adapter, server: Server) -> list[str]:
    """Does each server compute with this adapter what the trainer computed, and not what the bare base does?

    An adapter whose keys fit nothing loads without a word and changes nothing: only numbers tell.
    """
    told = json.loads((Path(adapter.path) / "probe.json").read_text(encoding="utf-8"))
    if not told["probes"]:
        return ["It came without probes, so no server can be checked with it."]
    served: dict[str, list[Sequence[float | None]]] = {}
    for one in told["probes"]:
        try:
            for name, scores in (await server.score(adapter.version, one["token_ids"])).items():
                served.setdefault(name, []).append(scores[one["start"] :])
        except ServerRefused as refused:
            return [f"A server would not score with it: {refused}"]
    found = {name: _compare(told, scores) for name, scores in served.items()}
    return [
        problem if len(found) == 1 else f"{name}: {problem}" for name, problem in found.items() if problem
    ]


def _compare(told: Mapping[str, Any], served: Sequence[Sequence[float | None]]) -> str | None:
    """What is wrong with the figures of one server."""
    worst = to_adapter = to_base = 0.0
    for one, scores in zip(told["probes"], served, strict=False):  # it may have gone away between them
        if len(scores) != len(one["adapter_logprobs"]):
            return "The server did not score every token of a probe."
        for got, ours, bare in zip(scores, one["adapter_logprobs"], one["base_logprobs"], strict=True):
            if got is None or not math.isfinite(got):
                return "The server's figures for a probe are not numbers."
            worst = max(worst, abs(got - ours))
            to_adapter += abs(got - ours)
            to_base += abs(got - bare)
    if not to_adapter < to_base:
        return "The server answers as if the adapter were not there: its figures are the base model's."
    if worst > told["tolerance"]:
        return f"The server's figures are off by {worst:.3f}; at most {told['tolerance']} was expected."
    return None
