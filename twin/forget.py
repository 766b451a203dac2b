"""What is left of a record, of a person, of everything? `twin forget` finds it all, and takes it out.

Weights are not taken apart: an adapter that learned from what is forgotten is named and marked, to be trained
anew. Names stay in the roster, so that the next export is pseudonymised with them, too.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace

from bot.on_message import Unlearn
from ingest.corrections import Corrections
from ingest.roster import Roster
from learning.lineage import (
    TELLING,
    every_sample,
    samples_of,
    samples_of_signals,
    samples_saying,
    taught_by,
)
from learning.withdraw import withdraw
from storage.records import Message, Record, now
from storage.records_store import FORGOTTEN
from twin.build import Stores
from twin.errors import Told
from twin.home import Home
from twin.logs import wipe_logs
from twin.settings import Settings
from twin.traces import Traces

EVERYTHING = "ALL"
MARK = "Learned from something that was forgotten: train anew."


async def find_traces(home: Home, settings: Settings, stores: Stores, what: str) -> Traces:
    """Everything this record, this person (a placeholder, a name, platform:id) or ALL has left behind."""
    if what == EVERYTHING:
        records = await _not_forgotten(stores)
        messages = await stores.messages.get_all(await stores.messages.every_key())
        return await _followed(home, stores, Traces("everything", records, messages, everything=True))
    roster = Roster(home.pseudonym_key(), settings.owner.owner())
    await asyncio.to_thread(roster.load, home.root / "roster.json")
    placeholders, accounts = _person(what, roster)
    if placeholders or accounts:
        records = [
            record
            for record in await _not_forgotten(stores)
            if record.author_id in placeholders or any(one in record.text for one in placeholders)
        ]
        said, heard = [], []
        for account in accounts:
            platform, _, person_id = account.partition(":")
            said += await stores.messages.said_by(platform, person_id)
            heard += await stores.messages.heard(platform, person_id)
        heard = _each_once([*heard, *await _recalling(stores, records)])
        if records or said or heard:
            name = ", ".join(placeholders) or what
            return await _followed(home, stores, Traces(name, records, said, heard, accounts))
    found = [one for one in await stores.records.beginning_with(what) if one.origin != FORGOTTEN]
    if len(found) != 1:
        many = "more than one record" if found else "no record and no person"
        raise Told(
            f"there is {many} that '{what}' could mean",
            "name a record's id ('twin records list'), a placeholder such as PERSON_3f2a, a name, or ALL",
            exit_code=2,
        )
    heard = await _recalling(stores, found)
    return await _followed(home, stores, Traces(f"record {found[0].id}", found, heard=heard))


async def find_said(home: Home, stores: Stores, platform: str, person_id: str) -> Traces:
    """What this person said to the twin, and what learned from it: what is theirs to take back in a chat."""
    said = await stores.messages.said_by(platform, person_id)
    heard = await stores.messages.heard(platform, person_id)
    account = f"{platform}:{person_id}"
    return await _followed(home, stores, Traces(account, (), said, heard, [account]))


async def unlearn(home: Home, stores: Stores, traces: Traces) -> dict[str, str | None]:
    """Mark the adapters, and take it out of what is on disk: snapshots, preference sets, logs of runs.

    The one way for `twin forget` and for /forget in a chat. Returns what became of each preference set.
    """
    for taught in traces.adapters:
        adapter = taught.adapter
        if MARK not in adapter.reasons:
            await stores.adapters.set_state(adapter.version, adapter.state, (*adapter.reasons, MARK))
    for name in traces.snapshots:
        if await asyncio.to_thread((home.corpora / name).exists):
            await asyncio.to_thread(shutil.rmtree, home.corpora / name)
    if traces.snapshots:  # a training that was cut off would go on from what it had learned
        await asyncio.to_thread(shutil.rmtree, home.runs / "work", ignore_errors=True)
    await asyncio.to_thread(_forget_teachers, home)
    rewritten = await asyncio.to_thread(withdraw, home.preferences, traces.preferences)
    lines = {line.strip() for text in traces.words for line in text.splitlines()}
    told = {*traces.accounts, *(line for line in lines if len(line) >= TELLING)}
    await asyncio.to_thread(wipe_logs, (home.runs, home.logs), told)
    await asyncio.to_thread(stores.database.forget_copies)
    return rewritten


def unlearning(home: Home, stores: Stores) -> Unlearn:
    """`unlearn` of this home, for a conversation."""

    async def of_person(platform: str, person_id: str) -> None:
        await unlearn(home, stores, await find_said(home, stores, platform, person_id))

    return of_person


async def forget(home: Home, stores: Stores, traces: Traces) -> dict[str, str | None]:
    """Take all of that out. What points at it goes first, so that a crash half-way can be made good.

    Returns what became of each preference set: its new id, None where nothing was left.
    """
    rewritten = await unlearn(home, stores, traces)
    await stores.messages.erase([message.key for message in traces.messages])
    for account in traces.accounts:
        await stores.feedback.erase_given_by(*account.split(":", 1))
    for reply in traces.heard:
        await stores.messages.strip_prompt(reply.key)
    if traces.everything:
        await stores.facts.forget("")
    ids = [record.id for record in traces.records]
    await asyncio.to_thread(lambda: Corrections(home.corrections).forget(ids))
    await stores.records.forget(ids, now())
    await stores.memories.scrub()  # the memories themselves went with what they were of
    return rewritten


async def _recalling(stores: Stores, records: Sequence[Record]) -> list[Message]:
    return await stores.messages.recalling([record.id for record in records])


def _each_once(messages: Sequence[Message]) -> list[Message]:
    return list({message.key: message for message in messages}.values())


async def _not_forgotten(stores: Stores) -> list[Record]:
    """What was deleted where it came from is in it: it may come back from there."""
    return [record for record in await stores.records.find(deleted=True) if record.origin != FORGOTTEN]


def _forget_teachers(home: Home) -> None:
    """Remove what teachers said of snapshots that are gone, half-asked ones too."""
    for scores in home.teacher.glob("*"):
        corpus = scores.name.removeprefix(".").rpartition("-")[0]
        if not (home.corpora / corpus).exists():
            shutil.rmtree(scores)


def _person(what: str, roster: Roster) -> tuple[list[str], list[str]]:
    """The placeholders and the accounts that this may mean; none where it is nobody we know."""
    bare = what.strip("<> ")
    if bare.startswith("PERSON_"):
        placeholders = [f"<{bare}>"]
    elif ":" in bare and " " not in bare:
        return [roster.placeholder(bare)], [bare]
    else:
        placeholders = roster.find(what)
    return placeholders, [account for one in placeholders for account in roster.accounts(one)]


async def _followed(home: Home, stores: Stores, traces: Traces) -> Traces:
    """From the records and messages on: snapshots, preference sets, adapters."""
    adapters = await stores.adapters.all()
    if traces.everything:
        snapshots, sets = every_sample(home.corpora), every_sample(home.preferences)
        samples = {sample for adapter in adapters for sample in adapter.lineage}
    else:
        signals = [one for reply in traces.heard for one in await stores.feedback.about(reply.key)]
        for account in traces.accounts:
            signals += await stores.feedback.given_by(*account.split(":", 1))
        records = [record.id for record in traces.records]
        snapshots = await asyncio.to_thread(samples_of, records, home.corpora)
        sets = await asyncio.to_thread(samples_of_signals, [one.id for one in signals], home.preferences)
        for name, ids in (await asyncio.to_thread(samples_saying, traces.words, home.preferences)).items():
            sets[name] = list(dict.fromkeys([*sets.get(name, ()), *ids]))
        samples = {sample for found in (snapshots, sets) for ids in found.values() for sample in ids}
    said = [*(record.id for record in traces.records), *(message.key for message in traces.messages)]
    taught = taught_by(samples, adapters)
    known = {one.adapter.version for one in taught}
    return replace(
        traces,
        snapshots=snapshots,
        preferences=sets,
        adapters=taught,
        memories=sum((await stores.memories.counts()).values())
        if traces.everything
        else await stores.memories.of(said),
        untraceable=[
            adapter
            for adapter in adapters
            if adapter.corpus
            and not (home.corpora / adapter.corpus).exists()
            and adapter.version not in known
            and MARK not in adapter.reasons
        ],
    )
