"""Which adapters are there, and which one answers, now and before?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.records import Adapter, AdapterState, Promotion, now
from storage.tables import ANSWERS, AdapterRow, PromotionRow, columns, selecting, values


class UnknownAdapter(LookupError):
    """No adapter of this version was ever added."""

    def __init__(self, version: str) -> None:
        super().__init__(f"there is no adapter {version!r}; `twin adapters list` shows those there are")


class AdapterExists(ValueError):
    """An adapter never changes under its name."""

    def __init__(self, version: str) -> None:
        super().__init__(f"there is already another adapter {version!r}; give the new one its own version")


class NothingToRollBack(Exception):
    """The bare base model answers, and nothing did before it."""

    def __init__(self) -> None:
        super().__init__(
            "there is nothing to roll back: no adapter was promoted since the last one was taken back"
        )


TO_TELL = "to_tell"
"""In the report of a trial that the owner has not heard the end of: until when it is worth telling."""

# Made once: every answer asks this.
ANSWERING = select(AdapterRow.version, AdapterRow.path, AdapterRow.canary_share).where(text(ANSWERS))


@dataclass(frozen=True, slots=True)
class Answering:
    """One of the adapters that answer people now."""

    version: str
    path: str
    share: float | None  # of the chats; None: the live one, which has the others


class AdapterStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, adapter: Adapter) -> bool:
        """Keep it; False when it was already there. AdapterExists: other weights have its name."""
        if adapter.state is AdapterState.LIVE:
            raise ValueError("an adapter goes live through go_live")
        new = self._database.insert(AdapterRow).values(values(adapter))
        async with self._database.transaction() as session:
            once = new.on_conflict_do_nothing(index_elements=[AdapterRow.version])
            if await self._database.touched(session, once):
                return True
            known = await _one(session, adapter.version)
        if (known.sha256, known.path) != (adapter.sha256, adapter.path):
            raise AdapterExists(adapter.version)
        return False

    async def get(self, version: str) -> Adapter | None:
        return next(iter(await self._all(_select().filter_by(version=version))), None)

    async def all(self, state: AdapterState | None = None) -> list[Adapter]:
        """Oldest first."""
        query = _select().order_by(AdapterRow.created_at, AdapterRow.version)
        return await self._all(query.filter_by(state=state) if state else query)

    async def set_state(
        self,
        version: str,
        state: AdapterState,
        reasons: Sequence[str] = (),
        report: Mapping[str, Any] | None = None,
    ) -> None:
        """What the gate decided, and why. Raises UnknownAdapter. LIVE and CANARY have their own methods."""
        changes = {"state": state, "reasons": tuple(reasons)} | ({} if report is None else {"report": report})
        async with self._database.transaction() as session:
            await self._database.alone(session, "adapters")
            known = await _one(session, version)
            if {AdapterState.LIVE, AdapterState.CANARY} & {state, known.state} and state is not known.state:
                raise ValueError(
                    "an adapter goes live through go_live, becomes the canary through start_canary, "
                    "and stops being so through roll_back or settle_canary"
                )
            await session.execute(update(AdapterRow).filter_by(version=version).values(changes))

    async def set_report(self, version: str, report: Mapping[str, Any]) -> None:
        async with self._database.transaction() as session:
            await session.execute(update(AdapterRow).filter_by(version=version).values(report=report))

    async def live(self) -> Adapter | None:
        """The one that answers; None: the bare base model does."""
        return next(iter(await self._all(_select().filter_by(state=AdapterState.LIVE))), None)

    async def answering(self) -> tuple[Answering | None, Answering | None]:
        """The live one (None: the bare base model) and the canary, if any. Cheap: for every message."""
        found = [Answering(*row) for row in await self._database.rows(ANSWERING)]
        live = next((one for one in found if one.share is None), None)
        return live, next((one for one in found if one.share is not None), None)

    async def start_canary(self, version: str, share: float) -> None:
        """From now on this one answers that share of the chats, instead of any canary before it.

        Raises UnknownAdapter; ValueError for one that is live or was refused.
        """
        if not 0 < share < 1:
            raise ValueError(f"a canary's share lies between 0 and 1, not {share}")
        async with self._database.transaction() as session:
            await self._database.alone(session, "adapters")
            known = await _one(session, version)
            if known.state in (AdapterState.LIVE, AdapterState.REFUSED):
                raise ValueError(f"{version} is {known.state}, so it cannot be the canary")
            if known.state is not AdapterState.CANARY:
                await _end_canary(session, AdapterState.PASSED, ())
            changes = {"state": AdapterState.CANARY, "canary_share": share, "canary_since": now()}
            await session.execute(update(AdapterRow).filter_by(version=version).values(changes))

    async def settle_canary(
        self, version: str, *, promote: bool, why: str, report: Mapping[str, Any]
    ) -> bool:
        """How a trial ended, with its numbers: live now, or retired. False: it is the canary no more."""
        async with self._database.transaction() as session:
            await self._database.alone(session, "adapters")
            if (await _one(session, version)).state is not AdapterState.CANARY:
                return False
            await _end_canary(session, AdapterState.PASSED if promote else AdapterState.RETIRED, [why])
            await session.execute(update(AdapterRow).filter_by(version=version).values(report=report))
            if promote:
                await _switch(session, version, why, is_rollback=False)
        return True

    async def go_live(self, version: str | None, why: str) -> Promotion:
        """From now on this one answers, and no other, no canary either; nothing happens when it did."""
        async with self._database.transaction() as session:
            await self._database.alone(session, "adapters")
            await _end_canary(session, AdapterState.PASSED, ())
            history = await _history(session)
            if history and history[-1].version == version:
                return history[-1]
            return await _switch(session, version, why, is_rollback=False)

    async def roll_back(self, why: str) -> Promotion:
        """End the canary; when there is none, back to what answered before, and to what did before that.

        Returns who answers now, and who did before. Raises NothingToRollBack.
        """
        async with self._database.transaction() as session:
            await self._database.alone(session, "adapters")
            history = await _history(session)
            if canary := await _end_canary(session, AdapterState.RETIRED, [why]):
                live = history[-1].version if history else None
                return Promotion(id=0, version=live, previous=canary, at=now(), why=why)
            if not history:
                raise NothingToRollBack
            return await _switch(session, history[-1].previous, why, is_rollback=True)

    async def take_back(self, version: str, why: str) -> Promotion | None:
        """End what was promoted last, if it is this one; None: another answers, or it does not any more.

        Unlike roll_back, it goes back one step however often it is asked for, canary or not.
        """
        async with self._database.transaction() as session:
            await self._database.alone(session, "adapters")
            history = await _history(session)
            if not history or history[-1].version != version:
                return None
            await _end_canary(session, AdapterState.PASSED, ())  # it was tried beside what goes now
            return await _switch(session, history[-1].previous, why, is_rollback=True)

    async def told_of_trial(self, version: str) -> None:
        """The owner knows how it ended: see TO_TELL."""
        async with self._database.transaction() as session:
            await self._database.alone(session, "adapters")
            report = (await _one(session, version)).report
            trial = {key: value for key, value in report.get("trial", {}).items() if key != TO_TELL}
            changed = update(AdapterRow).filter_by(version=version).values(report={**report, "trial": trial})
            await session.execute(changed)

    async def retire(self, versions: Collection[str], why: str) -> Promotion | None:
        """These never answer again, nor does any rollback lead to them; None: none of them was live.

        The last one before them that is not among them answers instead, or the bare base model. What was
        promoted stays in the history: it is taken back row by row, and the others are promoted again.
        """
        async with self._database.transaction() as session:
            await self._database.alone(session, "adapters")
            canary = select(AdapterRow.version).filter_by(state=AdapterState.CANARY)
            if (await session.execute(canary)).scalar() in versions:
                await _end_canary(session, AdapterState.RETIRED, [why])
            history, switched = await _history(session), None
            if any(one.version in versions for one in history):
                for one in reversed(history):
                    switched = await _switch(session, one.previous, why, is_rollback=True)
                for version in (one.version for one in history if one.version not in versions):
                    switched = await _switch(session, version, why, is_rollback=False)
            never = update(AdapterRow).where(AdapterRow.version.in_(versions))
            never = never.where(AdapterRow.state != AdapterState.REFUSED)
            await session.execute(never.values(state=AdapterState.RETIRED))
            for version in versions:
                known = await _one(session, version)
                if why not in known.reasons:
                    told = update(AdapterRow).filter_by(version=version)
                    await session.execute(told.values(reasons=(*known.reasons, why)))
            was = history[-1].version if history else None
        return switched if was in versions else None

    async def promotions(self) -> list[Promotion]:
        """Every change, rollbacks too, newest first."""
        query = selecting(PromotionRow, Promotion).order_by(PromotionRow.id.desc())
        async with self._database.reading() as session:
            return [Promotion(*row) for row in await session.execute(query)]

    async def standing(self) -> list[Promotion]:
        """The changes that were not taken back, oldest first: the last one is what a rollback takes back."""
        async with self._database.reading() as session:
            return await _history(session)

    async def _all(self, query: Select[Any]) -> list[Adapter]:
        async with self._database.reading() as session:
            return [Adapter(*row) for row in await session.execute(query)]


async def _switch(session: AsyncSession, version: str | None, why: str, is_rollback: bool) -> Promotion:
    previous = (await session.execute(select(AdapterRow.version).filter_by(state=AdapterState.LIVE))).scalar()
    if previous is not None:
        await session.execute(
            update(AdapterRow).filter_by(version=previous).values(state=AdapterState.RETIRED)
        )
    if version is not None:
        await _one(session, version)
        await session.execute(update(AdapterRow).filter_by(version=version).values(state=AdapterState.LIVE))
    promotion = Promotion(id=0, version=version, previous=previous, at=now(), why=why)
    fields = values(promotion) | {"is_rollback": is_rollback}
    del fields["id"]  # the database numbers them
    row = insert(PromotionRow).values(fields).returning(PromotionRow.id)
    return replace(promotion, id=(await session.execute(row)).scalar_one())


async def _end_canary(session: AsyncSession, state: AdapterState, reasons: Sequence[str]) -> str | None:
    changes: dict[str, Any] = {"state": state, "canary_share": None, "canary_since": None}
    if reasons:
        changes["reasons"] = tuple(reasons)
    ended = update(AdapterRow).filter_by(state=AdapterState.CANARY).values(changes)
    return (await session.execute(ended.returning(AdapterRow.version))).scalar()


async def _history(session: AsyncSession) -> list[Promotion]:
    """The promotions that were not taken back, oldest first: the last one tells what is live."""
    query = select(*columns(PromotionRow, Promotion), PromotionRow.is_rollback).order_by(PromotionRow.id)
    standing: list[Promotion] = []
    for *fields, is_rollback in await session.execute(query):
        if is_rollback:
            standing.pop()
        else:
            standing.append(Promotion(*fields))
    return standing


async def _one(session: AsyncSession, version: str) -> Adapter:
    row = (await session.execute(_select().filter_by(version=version))).one_or_none()
    if row is None:
        raise UnknownAdapter(version)
    return Adapter(*row)


def _select() -> Select[Any]:
    return selecting(AdapterRow, Adapter)
