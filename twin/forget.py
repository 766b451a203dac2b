"""What is left of a record, of a person, of everything? `twin forget` finds it all, and takes it out.

Weights are not taken apart: an adapter that learned from what is forgotten is named and marked, to be trained
anew. Names stay in the roster, so that the next export is pseudonymised with them, too.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ingest.corrections import Corrections
from ingest.roster import Roster
from learning.lineage import Taught, every_sample, samples_of, samples_of_signals, taught_by
from storage.records import Adapter, Message, Record, now
from twin.build import Stores
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings

EVERYTHING = "ALL"
MARK = "Learned from something that was forgotten: train anew."


@dataclass(frozen=True, slots=True)
class Traces:
    """Where it is found. With `everything`, all snapshots, preference sets, messages and facts are meant."""

    what: str
    records: Sequence[Record]
    messages: Sequence[Message] = ()  # said by the person
    heard: Sequence[Message] = ()  # replies to others whose prompt holds their words
    accounts: Sequence[str] = ()  # "platform:id" of the person
    snapshots: dict[str, list[str]] = field(default_factory=dict)
    preferences: dict[str, list[str]] = field(default_factory=dict)
    adapters: Sequence[Taught] = ()
    untraceable: Sequence[Adapter] = ()  # their snapshot is gone, so nobody can tell
    everything: bool = False

    def receipt(self, done: bool) -> dict[str, Any]:
        return {
            "what": self.what,
            "done": done,
            "records": len(self.records),
            "messages": len(self.messages),
            "answers_made_with_their_words_in_view": len(self.heard),
            "snapshots": {name: len(samples) for name, samples in self.snapshots.items()},
            "preferences": {name: len(samples) for name, samples in self.preferences.items()},
            "adapters": [
                {
                    "version": one.adapter.version,
                    "state": str(one.adapter.state),
                    "samples": one.samples,
                    "through": one.through,
                }
                for one in self.adapters
            ],
            "untraceable_adapters": [adapter.version for adapter in self.untraceable],
        }


def in_words(receipt: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows of a table for people."""
    sets = {place: receipt[place] for place in ("snapshots", "preferences")}
    adapters = [
        f"{one['version']} ({one['state']}, {one['samples'] or 'through ' + str(one['through'])})"
        for one in receipt["adapters"]
    ]
    return [
        ("records", str(receipt["records"])),
        ("messages they sent", str(receipt["messages"])),
        ("answers made with their words in view", str(receipt["answers_made_with_their_words_in_view"])),
        *(
            (place, ", ".join(f"{name} ({samples} samples)" for name, samples in found.items()) or "-")
            for place, found in sets.items()
        ),
        ("adapters that learned from it", ", ".join(adapters) or "-"),
        ("adapters whose snapshot is gone", ", ".join(receipt["untraceable_adapters"]) or "-"),
    ]


async def find_traces(home: Home, settings: Settings, stores: Stores, what: str) -> Traces:
    """Everything this record, this person (a placeholder, a name, platform:id) or ALL has left behind."""
    if what == EVERYTHING:
        records = await stores.records.find()
        messages = await stores.messages.get_all(await stores.messages.every_key())
        return await _followed(home, stores, Traces("everything", records, messages, everything=True))
    roster = Roster(home.pseudonym_key(), settings.owner.owner())
    await asyncio.to_thread(roster.load, home.root / "roster.json")
    placeholders, accounts = _person(what, roster)
    if placeholders or accounts:
        records = [
            record
            for record in await stores.records.find()
            if record.author_id in placeholders or any(one in record.text for one in placeholders)
        ]
        said, heard = [], []
        for account in accounts:
            platform, _, person_id = account.partition(":")
            said += await stores.messages.said_by(platform, person_id)
            heard += await stores.messages.heard(platform, person_id)
        if records or said or heard:
            name = ", ".join(placeholders) or what
            return await _followed(home, stores, Traces(name, records, said, heard, accounts))
    found = [one for one in await stores.records.beginning_with(what) if one.deleted_at is None]
    if len(found) != 1:
        many = "more than one record" if found else "no record and no person"
        raise Told(
            f"there is {many} that '{what}' could mean",
            "name a record's id ('twin records list'), a placeholder such as PERSON_3f2a, a name, or ALL",
            exit_code=2,
        )
    return await _followed(home, stores, Traces(f"record {found[0].id}", found))


async def forget(home: Home, stores: Stores, traces: Traces) -> None:
    """Take all of that out. What points at it goes first, so that a crash half-way can be made good."""
    for taught in traces.adapters:
        adapter = taught.adapter
        if MARK not in adapter.reasons:
            await stores.adapters.set_state(adapter.version, adapter.state, (*adapter.reasons, MARK))
    for folder, names in ((home.corpora, traces.snapshots), (home.preferences, traces.preferences)):
        for name in names:
            if await asyncio.to_thread((folder / name).exists):
                await asyncio.to_thread(shutil.rmtree, folder / name)
    await asyncio.to_thread(_forget_teachers, home)
    await stores.messages.erase([message.key for message in traces.messages])
    for account in traces.accounts:
        await stores.feedback.erase_given_by(*account.split(":", 1))
    for reply in traces.heard:
        await stores.messages.strip_prompt(reply.key)
    if traces.everything:
        await stores.facts.forget("")
    ids = [record.id for record in traces.records]
    await asyncio.to_thread(lambda: Corrections(home.corrections).forget(ids))
    await stores.records.mark_deleted(ids, now())


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
        samples = {sample for found in (snapshots, sets) for ids in found.values() for sample in ids}
    taught = taught_by(samples, adapters)
    known = {one.adapter.version for one in taught}
    return replace(
        traces,
        snapshots=snapshots,
        preferences=sets,
        adapters=taught,
        untraceable=[
            adapter
            for adapter in adapters
            if adapter.corpus
            and not (home.corpora / adapter.corpus).exists()
            and adapter.version not in known
            and MARK not in adapter.reasons
        ],
    )
