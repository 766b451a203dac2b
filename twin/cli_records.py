"""The commands about what was ingested, and about what of it would be recalled."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from storage.records import Memory
from twin import show
from twin.build import open_stores
from twin.console import AsJson, Limit, Since, Until, home, run, settings, wrote

records_app = typer.Typer(help="What was ingested.", no_args_is_help=True)
memory_app = typer.Typer(help="What the twin would recall, and for whom.", no_args_is_help=True)


@records_app.command("list")
def records_list(
    source: str | None = None,
    tag: str | None = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    json: AsJson = False,
) -> None:
    """What was ingested, newest last."""
    from twin.remember import find_records

    found = run(find_records(home(), settings(), source, tag, since, until, limit))
    if json:
        show.as_json(found)
        return
    rows = [
        (r.id[:12], r.source, f"{r.said_at:%Y-%m-%d %H:%M}", "owner" if r.by_owner else r.author_id, r.text)
        for r in found
    ]
    show.table(f"{len(found)} records", ("id", "source", "said (UTC)", "by", "text"), rows)


@records_app.command("show")
def records_show(
    record_id: Annotated[str, typer.Argument(help="The id, or how it begins.")], json: AsJson = False
) -> None:
    """Everything about one record."""
    from twin.remember import one_record

    record = run(one_record(home(), settings(), record_id))
    if json:
        show.as_json(record)
    else:
        show.table(record.id, ("what", "is"), list(structs.asdict(record).items()))


@records_app.command("tag")
def records_tag(
    record_id: Annotated[str, typer.Argument(help="The id, or how it begins.")],
    tags: Annotated[str, typer.Argument(help="What it is about: technical,personal,creative or your own.")],
    json: AsJson = False,
) -> None:
    """Say what a record is about; it is remembered, for texts that nearly say the same too."""
    from twin.remember import tag_record

    record, others = run(tag_record(home(), settings(), record_id, tags))
    if json:
        show.as_json({"id": record.id, "tags": record.tags, "others": others})
    else:
        follow = f"; {others} that nearly say the same follow it" if others else ""
        show.sentence(f"{record.id[:12]} is about {', '.join(record.tags)}{follow}")


@records_app.command("export")
def records_export(
    path: Annotated[Path, typer.Argument(help="Where to write JSONL.")],
    source: str | None = None,
    tag: str | None = None,
    since: Since = None,
    until: Until = None,
    json: AsJson = False,
) -> None:
    """Every record that fits, one JSON object a line."""
    from twin.remember import export_records

    count = run(export_records(home(), settings(), path, source, tag, since, until))
    wrote(count, "records", path, json)


@memory_app.command("search")
def memory_search(
    words: Annotated[list[str], typer.Argument(help="What somebody might ask.")],
    chat: Annotated[
        str | None, typer.Option("--for", help="The chat, platform:id, that would hear it; else your own.")
    ] = None,
    limit: Limit = 20,
    json: AsJson = False,
) -> None:
    """What would come back to whoever is there, the best first."""
    from twin.memory import search

    async def work() -> list[tuple[Memory, float]]:
        async with open_stores(home(), settings()) as stores:
            return await search(stores, settings(), " ".join(words), chat, limit)

    found = run(work())
    if json:
        show.as_json([asdict(memory) | {"good": round(good, 3)} for memory, good in found])
        return
    rows = [
        (
            f"{good:.2f}",
            f"{memory.said_at:%Y-%m-%d}",
            memory.speaker_name or memory.speaker,
            memory.audience,
            f"{memory.text} -> {memory.answer}" if memory.answer else memory.text,
        )
        for memory, good in found
    ]
    show.table(f"{len(found)} memories", ("good", "said", "by", "for", "text"), rows)


@memory_app.command("stats")
def memory_stats(json: AsJson = False) -> None:
    """How much there is to recall."""

    async def work() -> dict[str, int]:
        async with open_stores(home(), settings()) as stores:
            return await stores.memories.counts()

    counts = run(work())
    if json:
        show.as_json(counts)
    else:
        show.table("memories", ("kind", "how many"), sorted(counts.items()))
