"""Where has a record, a person, everything left its traces? Looked for, and nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from ingest.roster import Roster
from learning.lineage import every_sample, samples_of, samples_of_signals, samples_saying, taught_by
from storage.forgetting import private_chats
from storage.records import Message, Record
from storage.records_store import FORGOTTEN
from twin.build import Stores
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings
from twin.traces import MARK, Traces

EVERYTHING = "ALL"


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
        places = await _private_chats(stores, accounts)
        if records or said or heard or places:
            name = ", ".join(placeholders)
            stands_for = {account: roster.placeholder(account) for account in accounts}
            traces = Traces(name, records, said, heard, stands_for, places, tuple(placeholders))
            return await _followed(home, stores, traces)
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


async def find_said(home: Home, settings: Settings, stores: Stores, platform: str, person_id: str) -> Traces:
    """What this person said to the twin, and what learned from it: what is theirs to take back in a chat."""
    account = f"{platform}:{person_id}"
    said = await stores.messages.said_by(platform, person_id)
    heard = await stores.messages.heard(platform, person_id)
    placeholder = Roster(home.pseudonym_key(), settings.owner.owner()).placeholder(account)
    return await _followed(
        home,
        stores,
        Traces(
            placeholder,
            (),
            said,
            heard,
            {account: placeholder},
            await _private_chats(stores, [account]),
            only_said=True,
        ),
    )


async def _recalling(stores: Stores, records: Sequence[Record]) -> list[Message]:
    return await stores.messages.recalling([record.id for record in records])


async def _private_chats(stores: Stores, accounts: Sequence[str]) -> list[str]:
    """As "platform:chat"."""
    found = []
    for platform, _, person_id in (account.partition(":") for account in accounts):
        chats = await private_chats(stores.database, platform, person_id)
        found += [f"{platform}:{chat}" for chat in chats]
    return found


def _each_once(messages: Sequence[Message]) -> list[Message]:
    return list({message.key: message for message in messages}.values())


async def _not_forgotten(stores: Stores) -> list[Record]:
    """What was deleted where it came from is in it: it may come back from there."""
    return [record for record in await stores.records.find(deleted=True) if record.origin != FORGOTTEN]


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
