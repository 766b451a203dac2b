"""Which samples does the owner's footprint hold? Records -> a frozen snapshot for the trainers; no torch."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from brain.prompt import Persona
from learning.card import card_of
from learning.card_page import page
from learning.names import PERSON, Names
from learning.rows import as_jsonl
from learning.samples import CODE, Local, Row, SampleMaker
from learning.sessions import Thread, threads
from learning.settings import CorpusSettings
from learning.splits import (
    before_the_test,
    capped,
    drawn,
    in_order,
    room_for,
    split,
    without_leaks,
    without_refrains,
)
from learning.strata import Stratum, balanced
from storage.records import Record

TAUGHT = "teach"  # source of what the owner answered when asked; for training only, being ever the newest
SILENCES = "silences.jsonl"  # when nothing was said; for a model of when to speak


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen corpus. The id is a hash of the samples: same samples, same id."""

    id: str
    path: Path
    counts: dict[str, Any]


def build(
    records: Iterable[Record],
    persona: Persona,
    corpora_dir: Path,
    settings: CorpusSettings,
    local: Local | None = None,
) -> Snapshot:
    """Freeze these records as samples. The same records, persona and settings give the same bytes.

    `local`: prompts say when and where, as serving's do with model.situation.
    """
    given = list(records)
    usable = [record for record in given if record.deleted_at is None and record.text.strip()]
    maker = SampleMaker(persona, _names(usable), settings, _last_said(usable), local)
    found = list(threads(usable, settings))
    splits, strata = _samples(found, maker)
    silences = sorted(_silences(found, maker), key=in_order)
    card = card_of(given, usable, found, splits, silences, strata, maker.left_out, persona, settings)
    return _frozen({**splits, "silences": silences}, card, corpora_dir)


def load(path: Path) -> Snapshot:
    card = json.loads((path / "card.json").read_text(encoding="utf-8"))
    return Snapshot(card["id"], path, card["counts"])


def _samples(found: Sequence[Thread], maker: SampleMaker) -> tuple[dict[str, list[Row]], list[Stratum]]:
    """The rows of each split, and what balancing changed among those to train on."""
    settings, left_out = maker.settings, maker.left_out
    dialogues: list[list[Row]] = []  # one list of rows for each conversation
    lessons: list[Row] = []
    unasked: list[Row] = []
    styles: list[Row] = []
    for thread in found:
        for session in thread.sessions():
            rows = list(maker.answers(thread, session)) if thread.others else []
            answers = [row for row in rows if row["kind"] == "answer"]
            unasked += [row for row in rows if row["kind"] == "initiative"]
            if thread.source == TAUGHT:
                lessons += answers
            elif answers:
                dialogues.append(answers)
        for burst in thread.bursts:
            if burst.by_owner and not (thread.others and maker.speaks(burst)):
                styles += maker.styles(burst)

    splits = split(dialogues, settings, left_out)
    splits["validation"] = without_leaks(splits["validation"], splits["test"], left_out)
    train = splits["train"] + sorted(lessons, key=in_order)
    train = without_leaks(train, [*splits["validation"], *splits["test"]], left_out)
    train = without_refrains(train, settings, left_out)
    answers_alone = len(train)
    unasked, styles = (before_the_test(rows, splits, left_out) for rows in (unasked, styles))
    train += capped(unasked, answers_alone, settings.initiative_share, "initiatives", settings, left_out)
    prose = [row for row in styles if row["source"] != CODE]
    prose = capped(prose, answers_alone, settings.style_share, "style samples", settings, left_out)
    room = room_for(answers_alone, settings.style_share) - len(prose)  # what is written in code comes last
    code = [row for row in styles if row["source"] == CODE]
    train += prose + drawn(code, room, "comments in code", settings, left_out)
    train, strata = balanced(train, settings, left_out)
    splits["train"] = sorted(train, key=in_order)
    return splits, strata


def _silences(found: Sequence[Thread], maker: SampleMaker) -> Iterable[Row]:
    for thread in found:
        if thread.source != TAUGHT and any(burst.by_owner for burst in thread.bursts):
            for session in thread.sessions():
                if row := maker.silence(thread, session):
                    yield row


def _names(usable: Sequence[Record]) -> Names:
    mentioned = chain.from_iterable(PERSON.findall(record.text) for record in usable)
    return Names(
        chain(mentioned, (record.author_id for record in usable if PERSON.fullmatch(record.author_id)))
    )


def _last_said(usable: Sequence[Record]) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for record in usable:
        last[record.source] = max(last.get(record.source, record.said_at), record.said_at)
    return last


def _frozen(rows: dict[str, list[Row]], card: dict[str, Any], corpora_dir: Path) -> Snapshot:
    files = {f"{name}.jsonl": as_jsonl(found) for name, found in rows.items()}
    told = json.dumps([card["persona"], card["settings"]], sort_keys=True)
    digest = hashlib.blake2b("\x1f".join([told, *files.values()]).encode(), digest_size=8).hexdigest()
    card = {"id": digest, **card}
    files |= {"card.json": json.dumps(card, indent=2, ensure_ascii=False), "card.html": page(card)}
    final = corpora_dir / digest
    if not final.exists():
        unfinished = corpora_dir / f".{digest}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name, text in files.items():
            (unfinished / name).write_text(text, encoding="utf-8")
        try:
            unfinished.rename(final)
        except OSError:  # somebody else froze the very same samples meanwhile
            shutil.rmtree(unfinished)
    return load(final)
