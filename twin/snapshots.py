"""The commands about snapshots of the corpus: build one, list them, look inside."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from learning import corpus
from learning.card_picture import add_picture
from learning.corpus import Snapshot
from learning.rows import read_rows
from twin import second_look, show
from twin.build import Stores, open_stores, persona, situated
from twin.errors import Told
from twin.home import Home
from twin.review import open_roster
from twin.second_look import build_checked
from twin.settings import Settings

TOLD = 10  # records named one by one


def corpora(home: Home) -> list[Snapshot]:
    """Oldest first."""
    cards = sorted(home.corpora.glob("*/card.json"), key=lambda card: card.stat().st_mtime)
    return [corpus.load(card.parent) for card in cards]


def newest_corpus(home: Home) -> Snapshot:
    if not (found := corpora(home)):
        raise Told("there is no snapshot to learn from", "'twin ingest' an export, then 'twin corpus build'")
    return found[-1]


async def build_corpus(home: Home, settings: Settings) -> Snapshot:
    async with open_stores(home, settings) as stores:
        return await build_corpus_in(home, settings, stores)


async def build_corpus_in(home: Home, settings: Settings, stores: Stores) -> Snapshot:
    records = await stores.records.find()
    if not records:
        raise Told("nothing was ingested yet", "'twin ingest auto PATH' reads an export")
    who = persona(settings)
    roster, _ = open_roster(home, settings)
    snapshot, left_out = await asyncio.to_thread(
        build_checked, records, who, home, settings.learning.corpus, roster, situated(settings)
    )
    for sentence in second_look.in_words(left_out)[:TOLD]:
        show.sentence(sentence)
    if len(left_out) > TOLD:
        show.sentence(f"... and more; {snapshot.path / second_look.REPORT} names them all")
    if not any(record.by_owner for record in records):
        show.sentence("nothing of it is by you: [owner] in twin.toml says who you are in your exports")
    await asyncio.to_thread(add_picture, snapshot.path)
    (snapshot.path / "card.json").touch()  # the same records again: it is the newest all the same
    return snapshot


def data_card(snapshot: Snapshot) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((snapshot.path / "card.json").read_text(encoding="utf-8"))
    return card


async def show_samples(home: Home, snapshot_id: str | None, limit: int) -> list[Any]:
    wanted = [snapshot for snapshot in corpora(home) if snapshot_id in (None, snapshot.id)]
    if not wanted:
        raise Told(f"there is no snapshot {snapshot_id or ''}".rstrip(), "'twin corpus stats' names them")
    return read_rows(wanted[-1].path / "train.jsonl")[:limit]
