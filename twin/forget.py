"""What is left of a record, of a person, of everything? `twin forget` finds it all, and takes it out.

Weights are not taken apart: an adapter that learned from what is forgotten is retired and removed, and a run
that learns anew is queued. Names stay in the roster, so that the next export is pseudonymised with them, too.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.on_message import Unlearn
from brain.cached import ANSWERS, RECALL
from ingest.corrections import Corrections
from ingest.roster import Roster
from ingest.source import Person
from learning.lineage import TELLING
from learning.withdraw import withdraw
from storage.forgetting import clean_rows, drop_shelves, erase_person, rename_thread
from storage.records import now
from twin.backup import backups, folder_of
from twin.build import Stores
from twin.find_traces import find_said
from twin.forget_files import Disk, clean_disk, forget_contexts, remove_adapters, remove_rewards
from twin.forgotten_words import ForgottenWords
from twin.home import Home
from twin.receipts import not_reached, write_receipt
from twin.review import open_vault
from twin.settings import Settings
from twin.traces import MARK, Traces


def unlearning(home: Home, settings: Settings, stores: Stores) -> Unlearn:
    """`forget` of this home, for a conversation: all that one person said. Returns how many entries went."""

    async def of_person(platform: str, person_id: str) -> int:
        traces = await find_said(home, settings, stores, platform, person_id)
        receipt = await forget(home, settings, stores, traces, by=f"/forget on {platform}")
        return sum(receipt["rows"].values())

    return of_person


async def forget(
    home: Home,
    settings: Settings,
    stores: Stores,
    traces: Traces,
    *,
    by: str = "twin forget",
    with_backups: bool = False,
) -> dict[str, Any]:
    """Take all of that out, and keep a receipt, which is returned. The one way, for the command and the chat.

    What points at it goes first, and its words before its rows: a crash half-way can be made good by doing it
    again.
    """
    words = await asyncio.to_thread(_words, home, settings, traces)
    disk = Disk()
    copies, copies_left = await stores.database.forget_copies()
    answers, stopped = await _unlearn(home, stores, traces, disk)
    rewritten = await _out_of_what_is_frozen(home, traces, disk)
    # What is said in a chat is in no export yet, and looking through those takes long.
    apart = ("records",) if traces.only_said else ()
    cleaned = {} if traces.everything else await clean_rows(stores.database, words.clean, apart)
    if traces.snapshots or traces.preferences:
        await _empty_reports(stores)
    swept = await asyncio.to_thread(_sweep, home, settings, traces, words)
    rows = await _out_of_the_database(home, stores, traces, words)
    vault = await asyncio.to_thread(_out_of_the_vault, home, settings, traces)
    kept, deleted = await asyncio.to_thread(_in_backups, home, settings, with_backups)
    receipt = traces.receipt(True, rewritten) | {
        "by": by,
        "rows": {table: count for table, count in rows.items() if count},
        "texts_cleaned": cleaned,
        "answers_now": answers,
        "stopped_runs": stopped,
        "retrain": await _retrain(settings, stores, traces),
        "files_removed": [*copies, *disk.removed, *swept.removed],
        "files_rewritten": swept.rewritten,
        "vault": vault,
        "backups": kept,
        "backups_removed": deleted,
        "database_scrubbed": await stores.database.scrub(),
        "not_reached": not_reached(home, words, copies_left),
    }
    return await asyncio.to_thread(write_receipt, home, receipt)


async def _unlearn(home: Home, stores: Stores, traces: Traces, disk: Disk) -> tuple[str | None, list[str]]:
    """Retire what learned from it, weights and all; returns who answers now, and the runs it stopped."""
    versions = [one.adapter.version for one in traces.adapters]
    stopped = []
    if traces.snapshots or traces.preferences:  # what trains now may be learning from it this very moment
        for run in await stores.runs.unfinished(exclusive=True):
            stopped.append((await stores.runs.cancel(run.id, "forgetting")).id)
    await stores.adapters.retire(versions, MARK)
    await asyncio.to_thread(remove_adapters, home, versions, disk)
    live = await stores.adapters.live()
    return live.version if live else None, stopped


async def _out_of_what_is_frozen(home: Home, traces: Traces, disk: Disk) -> dict[str, str | None]:
    """Snapshots go, preference sets are frozen anew; what was made of them goes, too."""
    for name in traces.snapshots:
        if await asyncio.to_thread((home.corpora / name).exists):
            await asyncio.to_thread(disk.remove, home, home.corpora / name)
    if traces.snapshots or traces.preferences:  # a cut-off training would go on from what it had learned
        await asyncio.to_thread(shutil.rmtree, home.runs / "work", ignore_errors=True)
    await asyncio.to_thread(_forget_teachers, home)
    samples = {id for ids in traces.preferences.values() for id in ids}
    if samples:
        await asyncio.to_thread(remove_rewards, home, samples, disk)
    return await asyncio.to_thread(withdraw, home.preferences, traces.preferences)


async def _out_of_the_database(
    home: Home, stores: Stores, traces: Traces, words: ForgottenWords
) -> dict[str, int]:
    """The rows that are theirs; how many, by table."""
    gone: Counter[str] = Counter()
    gone["messages"] = await stores.messages.erase([message.key for message in traces.messages])
    await stores.cached.forget(ANSWERS, RECALL)
    for account in traces.accounts:
        platform, _, person_id = account.partition(":")
        await stores.usage.forget(platform, person_id)
        gone["feedback"] += await stores.feedback.erase_given_by(platform, person_id)
        chats = [place.partition(":")[2] for place in traces.places if place.startswith(f"{platform}:")]
        gone.update(await erase_person(stores.database, platform, person_id, chats))
    for reply in traces.heard:
        gone["prompts"] += await stores.messages.strip_prompt(reply.key)
    for fact in await stores.facts.all():
        if traces.everything or words.are_in(fact.text):
            gone["facts"] += await stores.facts.forget(fact.text)
    ids = [record.id for record in traces.records]
    await asyncio.to_thread(lambda: Corrections(home.corrections).forget(ids))
    gone["records"] = await stores.records.forget(ids, now())
    if not traces.only_said:
        for account, placeholder in traces.stands_for.items():
            platform = account.partition(":")[0]
            renamed = f"{platform}:{placeholder.strip('<>')}"
            gone["threads renamed"] += await rename_thread(stores.database, account, renamed)
    await drop_shelves(stores.database, [*traces.accounts, *traces.places])
    await stores.memories.scrub()  # the memories themselves went with what they were of
    return dict(gone)


async def _empty_reports(stores: Stores) -> None:
    """A report shows what the models were asked: only its figures stay."""
    for adapter in await stores.adapters.all():
        await stores.adapters.set_report(adapter.version, figures_only(adapter.report))


async def _retrain(settings: Settings, stores: Stores, traces: Traces) -> str | None:
    """A run that learns anew without it: its id, or that one waits already."""
    if not traces.adapters or traces.everything:
        return None
    run = await stores.runs.enqueue(
        "retrain",
        exclusive=True,
        key="retrain",
        requested_by="forget",
        target=settings.runs.target,
        tell="owner",
    )
    return run.id if run else "one is queued already"


def figures_only(report: Any) -> Any:
    """The same without lists of texts and long texts."""
    if isinstance(report, Mapping):
        return {key: figures_only(value) for key, value in report.items()}
    if isinstance(report, list | tuple):
        return [figures_only(value) for value in report if not isinstance(value, str)]
    return "" if isinstance(report, str) and len(report) >= TELLING else report


def _words(home: Home, settings: Settings, traces: Traces) -> ForgottenWords:
    roster = Roster(home.pseudonym_key(), settings.owner.owner())
    roster.load(home.root / "roster.json")
    called = {message.author_name for message in traces.messages}
    for account in traces.accounts:
        roster.learn(Person(account, tuple(called)))
    return ForgottenWords(roster, () if traces.only_said else traces.placeholders, traces.words)


def _sweep(home: Home, settings: Settings, traces: Traces, words: ForgottenWords) -> Disk:
    forget_contexts(home, [record.id for record in traces.records], words)
    reports = bool(traces.snapshots or traces.preferences)
    ids = {*traces.accounts, *traces.places}
    told = ids | traces.lines
    return clean_disk(home, words, told, ids, reports=reports, apart=_apart(home, settings))


def _apart(home: Home, settings: Settings) -> list[Path]:
    """Whole twins of another day."""
    return [folder_of(home, settings), *home.root.glob("before-restore-*")]


def _out_of_the_vault(home: Home, settings: Settings, traces: Traces) -> str:
    if traces.only_said or not (home.root / "vault.bin").exists() or not traces.placeholders:
        return "nothing to do"
    vault = open_vault(home, settings)
    if vault is None:
        return "locked: set TWIN_VAULT__KEY and do it again"
    for placeholder in traces.placeholders:
        vault.forget(placeholder)
    vault.save()
    return "forgotten"


def _in_backups(home: Home, settings: Settings, remove: bool) -> tuple[dict[str, str], list[str]]:
    """Those that may still hold it, by when rotation has removed them; with `remove`, what went instead."""
    found = {one.path: f"{one.gone_by(settings):%Y-%m-%d}" for one in backups(home, settings)}
    found |= dict.fromkeys(home.root.glob("before-restore-*"), "never by itself: delete it")
    if not remove:
        return {path.name: by for path, by in found.items()}, []
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return {}, [path.name for path in found]


def _forget_teachers(home: Home) -> None:
    """Remove what teachers said of snapshots that are gone, half-asked ones too."""
    for scores in home.teacher.glob("*"):
        corpus = scores.name.removeprefix(".").rpartition("-")[0]
        if not (home.corpora / corpus).exists():
            shutil.rmtree(scores)
