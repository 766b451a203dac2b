"""What the API asks others to do: promote, ingest, forget, send a draft, look after the parts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.problems import Refused
from api.shapes import data, inbox, pulse, training
from bot.on_message import Conversation
from bot.on_press import on_press
from bot.platform import Person, Press
from ingest.sources import SOURCES
from learning.recipes import for_base
from learning.rows import read_rows
from learning.settings import RECIPES
from storage.records import Run, now
from twin import review
from twin.api_runs import ApiRuns
from twin.build import Model, Stores
from twin.errors import Told
from twin.home import Home
from twin.schedule_status import status_of
from twin.settings import Settings
from twin.snapshots import corpora, data_card
from twin.sync import usable

ACTIONS = {"send": "draft-send", "edit": "ask-draft-edit", "skip": "draft-skip"}
EXAMINE_SECONDS = 10.0


class Workshop:
    """`model` and `talk` are None in a process that has no model server, or no chat apps."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        stores: Stores,
        model: Model | None = None,
        talk: Conversation | None = None,
    ) -> None:
        self._home, self._settings, self._stores = home, settings, stores
        self._model, self._talk = model, talk
        self.runs = ApiRuns(home, settings, stores, model)

    # training

    def kinds(self) -> Sequence[training.RunKind]:
        return self.runs.kinds()

    async def start(self, kind: str, parameters: Mapping[str, Any], by: str) -> Run:
        return await self.runs.start(kind, parameters, by)

    async def cancel(self, run_id: str, by: str) -> Run:
        return await self.runs.cancel(run_id, by)

    async def recipes(self) -> Sequence[training.Recipe]:
        weights = self._model.base.weights if self._model else self._settings.model.base
        found = []
        for method, shape in RECIPES.items():
            overrides = self._settings.learning.recipes.get(method, {})  # type: ignore[call-overload]
            values = for_base(shape, weights, **overrides).model_dump(mode="json")
            what = (shape.__doc__ or "").strip().splitlines()[0]
            schema = shape.model_json_schema()
            found.append(training.Recipe(method=method, what=what, values=values, parameters=schema))
        return found

    # models

    async def promote(self, version: str, share: float | None, by: str) -> str:
        from twin.adapters import promote

        if self._model is None:
            raise Refused("this process has no model server to probe it on", "run 'twin up'", status=503)
        try:
            return await promote(self._stores, nullcontext(self._model), version, share)
        except Told as told:
            raise refused(told) from told

    # data

    def source_kinds(self) -> Sequence[str]:
        return list(SOURCES)

    async def configured_sources(self) -> Sequence[str]:
        apis, _ = usable(self._settings)
        return [*(one.name for one in apis), *(one.source for one in self._settings.sync.files)]

    async def ingest(self, source: str, path: Path, by: str) -> Run:
        return await self.runs.ingest(source, path, by)

    async def corpora(self) -> Sequence[data.Corpus]:
        return await asyncio.to_thread(self._corpora)

    def _corpora(self) -> list[data.Corpus]:
        return [
            data.Corpus(
                id=one.id,
                made_at=datetime.fromtimestamp((one.path / "card.json").stat().st_mtime, UTC),
                counts=one.counts,
            )
            for one in corpora(self._home)
        ]

    async def data_card(self, id: str) -> Mapping[str, Any]:
        found = [one for one in await asyncio.to_thread(corpora, self._home) if one.id == id]
        if not found:
            raise Refused(f"there is no snapshot {id!r}", status=404)
        return await asyncio.to_thread(data_card, found[-1])

    async def strangers(self) -> Sequence[data.Stranger]:
        waiting = await asyncio.to_thread(review.waiting, self._home)
        return [data.Stranger(name=one.name, count=one.count, contexts=one.contexts) for one in waiting]

    async def decide(self, name: str, verdict: str) -> str:
        try:
            done = await review.decide(self._home, self._settings, name, verdict)
        except Told as told:
            raise refused(told) from told
        if done.placeholder:
            return f"{name} is {done.placeholder} from now on; {done.records_changed} records were changed"
        return "asked again another time" if verdict == "later" else f"{name} is nobody"

    async def tag(self, record_id: str, tags: Sequence[str]) -> str:
        from twin.remember import tag_record

        try:
            record, others = await tag_record(self._home, self._settings, record_id, ",".join(tags))
        except Told as told:
            raise refused(told) from told
        return f"it is about {', '.join(record.tags)}; {others} that nearly say the same follow it"

    # people

    async def forget(self, what: str, *, really: bool) -> Mapping[str, Any]:
        from twin.find_traces import find_traces
        from twin.forget import forget

        home, settings, stores = self._home, self._settings, self._stores
        try:
            traces = await find_traces(home, settings, stores, what)
            if really:
                return await forget(home, settings, stores, traces, by="the dashboard")
        except Told as told:
            raise refused(told) from told
        return traces.receipt(False, None)

    # inbox

    async def export(self, kind: str) -> Sequence[Mapping[str, Any]]:
        if kind == "signals":
            signals = await self._stores.feedback.effective()
            return [inbox.Feedback.model_validate(one).model_dump(mode="json") for one in signals]
        wanted = "chosen" if kind == "preference" else "label"
        return [row for row in await self._rows() if wanted in row]

    async def _rows(self) -> list[dict[str, Any]]:
        from learning import preferences
        from twin.feedback import collect

        everything = self._settings.learning.model_copy(update={"heldout_share": 1e-9})
        judged, _ = await collect(self._home, self._stores, self._settings, everything)
        if not judged:
            return []
        pool = await preferences.freeze(judged, self._home.preferences, everything, None)
        return [row for name in preferences.FILES for row in read_rows(pool.path / name)]

    async def decide_draft(self, key: str, verdict: str, text: str | None) -> str:
        draft = await self._stores.messages.get(key)
        if draft is None:
            raise Refused(f"there is no draft {key!r}", status=404)
        platform = self._talk.news.platforms.get(draft.platform) if self._talk else None
        if self._talk is None or platform is None:
            raise Refused(
                f"nothing here speaks on {draft.platform}", "decide it in 'twin up', or in that chat"
            )
        owners = self._talk.authority.owner_ids(draft.platform)
        if not owners:
            raise Refused(f"it is not known who you are on {draft.platform}", "see [owner.accounts]")
        owner = Person(draft.platform, owners[0], self._settings.owner.name)
        press = Press(f"{ACTIONS[verdict]}:{key}", owner, draft.chat_id, "", now(), text)
        said = await on_press(press, platform, talk=self._talk)
        return getattr(said, "text", "") or "done"

    # pulse

    async def examine(self) -> Sequence[pulse.Component]:
        from twin.doctor import examine

        try:
            async with asyncio.timeout(EXAMINE_SECONDS):
                found = await examine(self._home, self._settings)
        except TimeoutError:
            found = await examine(self._home, self._settings, quick=True)
        return [
            pulse.Component(name=one.what, well=one.well, found=one.found, advice=one.advice) for one in found
        ]

    async def schedule(self) -> Sequence[pulse.Scheduled]:
        status = await status_of(self._home, self._settings, self._stores)
        why = {"learn": status.learning()}
        return [
            pulse.Scheduled(
                name=line.job,
                what=why.get(line.job, ""),
                next_at=line.next_at,
                last_at=line.last_at,
                last_outcome=" ".join(filter(None, (line.last_state, line.last_words))),
            )
            for line in status.lines
        ]

    def settings(self) -> pulse.Settings:
        return pulse.Settings(
            file=str(self._home.settings_file), values=self._settings.model_dump(mode="json")
        )


def refused(told: Told) -> Refused:
    """What the command line would say."""
    return Refused(told.what, told.advice, status=422 if told.exit_code == 2 else 409)
