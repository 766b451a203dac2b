"""The commands about one adapter: show it, merge it, hand it to the model servers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from brain.live_adapter import served_name
from brain.model_client import ModelRefused
from brain.replicas import Replicas
from learning.adapter_folder import other_base
from learning.gate import judge
from learning.promote import ServerRefused
from learning.promote import promote as promote_checked
from learning.rows import read_rows
from learning.settings import GateSettings
from storage.records import Adapter, AdapterState
from twin import show
from twin.build import Model, Stores, find_base, open_model, open_stores
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings
from twin.snapshots import newest_corpus

LIVE_ALREADY = "{} is live already"
MERGED = 0.2  # of an export, by then


class ServingFace:
    """The model servers as promotion sees them: adapters go by version; what one refuses, is refused."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
        self._names: dict[str, str] = {}  # on the servers, by version

    async def load_adapter(self, name: str, path: str) -> None:
        self._names[name] = served_name(name, path)
        try:
            refusals = await self._replicas.load_adapter(self._names[name], path)
        except ModelRefused as refusal:
            raise ServerRefused(str(refusal)) from refusal
        if refusals:
            raise ServerRefused("; ".join(f"{server}: {why}" for server, why in refusals.items()))

    async def unload_adapter(self, name: str) -> None:
        await self._replicas.unload_adapter(self._names[name])

    async def score(self, model: str, token_ids: Sequence[int]) -> Mapping[str, Sequence[float | None]]:
        try:
            return await self._replicas.score(self._names.get(model, model), list(token_ids))
        except ModelRefused as refusal:
            raise ServerRefused(str(refusal)) from refusal


async def merge_adapter(home: Home, settings: Settings, version: str, final: Path, kind: str | None) -> Path:
    """Base and adapter as one model in `final`; in fewer bits where a format is named."""
    from learning.export import CALIBRATED, FORMATS, export, finished, must_be_installed
    from learning.merge import merge

    if kind not in (None, *FORMATS):
        raise Told(f"there is no format {kind}", f"formats: {', '.join(FORMATS)}", exit_code=2)
    async with open_stores(home, settings) as stores:
        adapter = await known_adapter(stores, version)
    if kind is not None:
        must_be_installed(kind)
    rows = read_rows(newest_corpus(home).path / "train.jsonl") if kind in CALIBRATED else []
    base = await find_base(settings)
    with show.progress(f"merging {version}") as on_progress:
        if kind is None:
            return await finished(merge, base.weights, Path(adapter.path), final)
        with _room_beside(final) as room:
            whole = await finished(merge, base.weights, Path(adapter.path), room)

            def tell(done: float, note: str) -> None:
                on_progress(MERGED + (1 - MERGED) * done, f"{kind}: {note}")

            tell(0, "starting")
            return await export(whole, final, kind, rows, log=home.logs / "export.log", on_progress=tell)


@contextmanager
def _room_beside(final: Path) -> Iterator[Path]:
    """A folder for what is needed on the way, on the same disk; what a killed one left there is removed."""
    room = final.with_name(f".{final.name}.merged")
    shutil.rmtree(room, ignore_errors=True)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


async def one_adapter(home: Home, settings: Settings, version: str) -> Adapter:
    async with open_stores(home, settings) as stores:
        return await known_adapter(stores, version)


async def promote_adapter(home: Home, settings: Settings, version: str) -> str:
    return await _promote_alone(home, settings, version, None)


async def promote(
    stores: Stores, model: Model, gate: GateSettings, version: str, share: float | None = None
) -> str:
    """Judge, check, load, probe, make live, or the canary for that share. A refused one keeps its reasons.

    Returns what to tell the person.
    """
    adapter = await known_adapter(stores, version)
    if adapter.state is AdapterState.LIVE:
        return LIVE_ALREADY.format(version)
    await _must_pass(stores, model.base.weights, gate, adapter)
    problems = await promote_checked(
        adapter,
        base=model.base.weights,
        adapters=stores.adapters,
        server=ServingFace(model.client),
        why="asked for by the owner",
        share=share,
    )
    if problems:
        raise Told(f"{version} is refused: {' '.join(problems)}", "the live one goes on answering")
    if share is None:
        return f"{version} answers from the next message on"
    return f"{version} answers {share:.0%} of the chats from their next message on"


async def canary_adapter(home: Home, settings: Settings, version: str, share: float | None) -> str:
    share = settings.learning.canary.share if share is None else share
    if not 0 < share < 1:
        raise Told(f"a canary's share lies between 0 and 1, not {share}", "--share 0.1", exit_code=2)
    return await _promote_alone(home, settings, version, share)


async def _promote_alone(home: Home, settings: Settings, version: str, share: float | None) -> str:
    gate = settings.learning.gate
    async with open_stores(home, settings) as stores:
        adapter, base = await known_adapter(stores, version), await find_base(settings)
        if adapter.state is AdapterState.LIVE:
            return LIVE_ALREADY.format(version)
        await _must_pass(stores, base.weights, gate, adapter)  # before a model is loaded to no purpose
        async with open_model(home, settings) as model:
            return await promote(stores, model, gate, version, share)


async def _must_pass(stores: Stores, base: str | Path, gate: GateSettings, adapter: Adapter) -> None:
    """Nobody serves unjudged: what no cycle let through is held against the one it would replace, now."""
    if adapter.state is AdapterState.REFUSED:
        why = " ".join(adapter.reasons)
        raise Told(f"{adapter.version} was refused: {why}", "a refused adapter never serves")
    if adapter.state in (AdapterState.PASSED, AdapterState.CANARY):
        return
    if any(change.version == adapter.version for change in await stores.adapters.promotions()):
        return  # it has answered before
    live = await live_on(stores, base)
    report = adapter.report or {}
    models = report.get("models", {})
    ours, theirs = models.get("candidate"), models.get(report.get("against", "base"))
    if not ours or not theirs or (live and theirs["adapter"] != live.version):
        other = live.version if live else "the base model"
        raise Told(
            f"{adapter.version} was not measured beside {other}, which answers now",
            f"'twin evaluate {adapter.version}' does that, and then it may",
        )
    friends = ours.get("friends") or {}
    if friends.get("against") != theirs["adapter"]:  # they compared it with another one
        ours = {**ours, "friends": None}
    try:
        verdict = judge(ours, theirs, [], gate)
    except (KeyError, TypeError):  # kept by a version of the program that measured otherwise
        raise Told(
            f"{adapter.version} was measured by another version of this program",
            f"'twin evaluate {adapter.version}' does it again",
        ) from None
    if not verdict.passed:
        raise Told(
            f"{adapter.version} does not pass the gate: {' '.join(verdict.reasons)}",
            "the one before goes on answering; [learning.gate] in twin.toml holds the limits",
        )


async def live_on(stores: Stores, base: str | Path) -> Adapter | None:
    """The live one, if it is of the base model that is served now: beside another nothing can be measured."""
    live = await stores.adapters.live()
    try:
        return live if live and not await asyncio.to_thread(other_base, Path(live.path), base) else None
    except (OSError, ValueError):  # its folder is gone, or no adapter's any more
        return None


async def known_adapter(stores: Stores, version: str) -> Adapter:
    adapter = await stores.adapters.get(version)
    if adapter is None:
        raise Told(f"there is no adapter {version}", "'twin adapters list' names them", exit_code=2)
    return adapter
