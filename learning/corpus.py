"""Which samples does the owner's footprint hold? Records -> a frozen snapshot for the trainers; no torch."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from brain.prompt import Persona, Turn, compose
from learning.duplicates import Duplicates, plain
from learning.names import PERSON, PLACEHOLDER, Names
from learning.rows import as_jsonl
from learning.settings import CorpusSettings
from storage.records import Kind, Record, stable_id

SPLITS = ("train", "validation", "test")
SPOKEN = {Kind.MESSAGE, Kind.COMMENT}  # kinds in which people answer one another
WRITTEN = {
    Kind.MESSAGE,
    Kind.COMMENT,
    Kind.NOTE,
    Kind.JOURNAL,
    Kind.POST,
}  # kinds that show how the owner writes
TAUGHT = "teach"  # source of what the owner answered when asked; for training only, being ever the newest
SHORT = 24  # characters: replies up to this length repeat by nature, so they are capped

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen corpus. The id is a hash of the samples: same samples, same id."""

    id: str
    path: Path
    counts: dict[str, Any]


@dataclass(slots=True)
class Burst:
    """What one author said in one go."""

    author_id: str
    by_owner: bool
    records: list[Record] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(record.text.strip() for record in self.records)


def build(
    records: Iterable[Record], persona: Persona, corpora_dir: Path, settings: CorpusSettings
) -> Snapshot:
    """Freeze these records as samples. The same records, persona and settings give the same bytes."""
    usable = [record for record in records if record.deleted_at is None and record.text.strip()]
    mentioned = chain.from_iterable(PERSON.findall(record.text) for record in usable)
    names = Names(
        chain(mentioned, (record.author_id for record in usable if PERSON.fullmatch(record.author_id)))
    )
    left_out: Counter[str] = Counter()

    dialogues: list[list[Row]] = []  # one list of rows for each session
    lessons: list[Row] = []
    styles: list[Row] = []
    for session in _sessions(usable, settings):
        if any(not record.by_owner for record in session):
            bursts = _bursts(session, settings)
            rows = list(_answers(bursts, persona, names, settings, left_out))
            if session[0].source == TAUGHT:
                lessons += rows
            elif rows:
                dialogues.append(rows)
        else:
            styles += _style_samples(session, persona, names, settings, left_out)

    splits = _split(dialogues, settings, left_out)
    opens = min((row["said_at"] for name in SPLITS[1:] for row in splits[name]), default=None)
    if opens:  # a style sample from the time of the test would tell what happened then
        early = [row for row in styles if row["said_at"] < opens]
        left_out["later than training"] += len(styles) - len(early)
        styles = early
    splits["train"] += sorted(lessons, key=lambda row: (row["said_at"], row["id"]))
    splits["train"] = _without_leaks(splits, left_out)
    splits["train"] = _without_refrains(splits["train"], settings, left_out)
    splits["train"] += _capped(styles, len(splits["train"]), settings, left_out)
    splits["train"].sort(key=lambda row: (row["said_at"], row["id"]))
    return _frozen(splits, left_out, persona, corpora_dir, settings)


def load(path: Path) -> Snapshot:
    card = json.loads((path / "card.json").read_text(encoding="utf-8"))
    return Snapshot(card["id"], path, card["counts"])


def _sessions(records: Sequence[Record], settings: CorpusSettings) -> Iterator[list[Record]]:
    """Conversations: a long silence ends one, unless somebody answers a message from before it."""
    gap = timedelta(minutes=settings.session_gap_minutes)
    threads: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        threads[record.source, record.thread_id].append(record)
    for _, thread in sorted(threads.items()):
        thread.sort(key=lambda record: (record.said_at, record.id))
        session: list[Record] = []
        for record in thread:
            silence = bool(session) and record.said_at - session[-1].said_at > gap
            if silence and record.reply_to not in {earlier.id for earlier in session}:
                yield session
                session = []
            session.append(record)
        yield session


def _bursts(session: Sequence[Record], settings: CorpusSettings) -> list[Burst]:
    gap = timedelta(minutes=settings.burst_gap_minutes)
    bursts: list[Burst] = []
    for record in session:
        last = bursts[-1] if bursts else None
        if (
            last is None
            or last.author_id != record.author_id
            or last.by_owner != record.by_owner
            or record.said_at - last.records[-1].said_at > gap
        ):
            last = Burst(record.author_id, record.by_owner)
            bursts.append(last)
        last.records.append(record)
    return bursts


def _answers(
    bursts: Sequence[Burst], persona: Persona, names: Names, settings: CorpusSettings, left_out: Counter[str]
) -> Iterator[Row]:
    """A row for each thing the owner said after somebody else did, with what went before it."""
    for index, burst in enumerate(bursts):
        if not burst.by_owner or burst.records[0].kind not in SPOKEN:
            continue
        context = _context(bursts[:index], names, settings)
        prompt = compose(persona, context)
        if not prompt:
            continue
        if row := _row(burst.records, prompt, burst.text, names, settings, left_out, context="thread"):
            yield row


def _context(before: Sequence[Burst], names: Names, settings: CorpusSettings) -> list[Turn]:
    turns: list[Turn] = []
    room = settings.max_characters
    for burst in reversed(before[-settings.max_turns :]):
        text = names.spelled_out(burst.text)
        if turns and len(text) > room:
            break
        text = text[-settings.max_characters :]
        room -= len(text)
        turns.insert(0, Turn(names.of(burst.author_id), text, ours=burst.by_owner))
    return turns


def _style_samples(
    session: Sequence[Record],
    persona: Persona,
    names: Names,
    settings: CorpusSettings,
    left_out: Counter[str],
) -> Iterator[Row]:
    """What the owner wrote where we know nobody else's words. The prompt says where, and invents nothing."""
    for record in session:
        if record.kind not in WRITTEN:
            continue
        request = Turn("", f"(a {record.kind} on {record.source})", ours=False)
        for number, paragraph in enumerate(_paragraphs(record, settings)):
            row = _row(
                [record], compose(persona, [request]), paragraph, names, settings, left_out, context="none"
            )
            if row:
                yield row | {"id": stable_id(row["id"], str(number))}


def _paragraphs(record: Record, settings: CorpusSettings) -> list[str]:
    if len(record.text) <= settings.max_reply_characters:
        return [record.text]
    return [part.strip() for part in record.text.split("\n\n") if part.strip()]


def _row(
    records: Sequence[Record],
    prompt: Sequence[Any],
    text: str,
    names: Names,
    settings: CorpusSettings,
    left_out: Counter[str],
    context: str,
) -> Row | None:
    reply = names.spelled_out(text).strip()
    if PLACEHOLDER.search(reply):  # a number, an address: nothing to imitate in it
        left_out["placeholder in the reply"] += 1
        return None
    if len(reply) > settings.max_reply_characters:
        left_out["reply too long"] += 1
        return None
    first = records[0]
    return {
        "id": stable_id("row", *(record.id for record in records)),
        "thread": first.thread_id,
        "said_at": first.said_at.isoformat(),
        "ended_at": records[-1].said_at.isoformat(),
        "source": first.source,
        "tags": sorted({tag for record in records for tag in record.tags}),
        "record_ids": [record.id for record in records],
        "context": context,
        "prompt": [dict(turn) for turn in prompt],
        "completion": [{"role": "assistant", "content": reply}],
    }


def _split(
    sessions: list[list[Row]], settings: CorpusSettings, left_out: Counter[str]
) -> dict[str, list[Row]]:
    """Oldest sessions train, newest test, none is cut in two, and a gap lies before each later split."""
    sessions.sort(key=lambda rows: (rows[0]["said_at"], rows[0]["id"]))
    total = sum(map(len, sessions))
    embargo = _embargo(sessions, settings)
    splits: dict[str, list[Row]] = {name: [] for name in SPLITS}
    wanted = {"test": settings.test_share * total, "validation": settings.validation_share * total}
    later: datetime | None = None  # when the split after the one being filled begins
    opens: datetime | None = None
    name = "test"
    for rows in reversed(sessions):
        while name != "train" and len(splits[name]) >= wanted[name]:
            name, later = ("validation" if name == "test" else "train"), opens
        if later and datetime.fromisoformat(rows[-1]["ended_at"]) > later - embargo:
            left_out["embargo"] += len(rows)
            continue
        opens = datetime.fromisoformat(rows[0]["said_at"])
        splits[name] = rows + splits[name]
    return splits


def _embargo(sessions: list[list[Row]], settings: CorpusSettings) -> timedelta:
    """Never more than a twentieth of the whole time, so that one day of chat still leaves some."""
    if not sessions:
        return timedelta()
    ends = max(datetime.fromisoformat(rows[-1]["ended_at"]) for rows in sessions)
    span = ends - datetime.fromisoformat(sessions[0][0]["said_at"])
    return min(timedelta(hours=settings.embargo_hours), span / 20)


def _without_leaks(splits: dict[str, list[Row]], left_out: Counter[str]) -> list[Row]:
    held_out = Duplicates(exchange(row) for name in SPLITS[1:] for row in splits[name])
    kept = [row for row in splits["train"] if exchange(row) not in held_out]
    left_out["also in a later split"] += len(splits["train"]) - len(kept)
    return kept


def _without_refrains(rows: list[Row], settings: CorpusSettings, left_out: Counter[str]) -> list[Row]:
    said: Counter[str] = Counter()
    kept = []
    for row in reversed(rows):  # the newest ones stay
        reply = plain(row["completion"][0]["content"])
        said[reply] += len(reply) <= SHORT
        if said[reply] <= settings.repeat_cap:
            kept.append(row)
    left_out["repeated short reply"] += len(rows) - len(kept)
    return kept[::-1]


def _capped(styles: list[Row], dialogues: int, settings: CorpusSettings, left_out: Counter[str]) -> list[Row]:
    """At most the set share of training. Where there are no conversations at all, style is all there is."""
    room = int(dialogues * settings.style_share / (1 - settings.style_share)) if dialogues else len(styles)
    styles = sorted(styles, key=lambda row: (row["said_at"], row["id"]))
    kept = styles if len(styles) <= room else random.Random(settings.seed).sample(styles, room)
    left_out["more style samples than their share"] += len(styles) - len(kept)
    return kept


def exchange(row: Row) -> str:
    """What makes two rows the same: the last words heard and the answer to them."""
    return f"{row['prompt'][-1]['content']}\n{row['completion'][0]['content']}"


def _frozen(
    splits: dict[str, list[Row]],
    left_out: Counter[str],
    persona: Persona,
    corpora_dir: Path,
    settings: CorpusSettings,
) -> Snapshot:
    files = {f"{name}.jsonl": as_jsonl(splits[name]) for name in SPLITS}
    told = json.dumps([persona.card(), settings.model_dump(mode="json")], sort_keys=True)
    digest = hashlib.blake2b("\x1f".join([told, *files.values()]).encode(), digest_size=8).hexdigest()
    card = {
        "id": digest,
        "persona": persona.card(),
        "settings": settings.model_dump(mode="json"),
        "counts": {name: len(splits[name]) for name in SPLITS}
        | {"style": sum(row["context"] == "none" for row in splits["train"])},
        "left_out": {why: count for why, count in sorted(left_out.items()) if count},
        "tags": {
            name: dict(sorted(Counter(tag for row in splits[name] for tag in row["tags"]).items()))
            for name in SPLITS
        },
        "sources": dict(sorted(Counter(row["source"] for name in SPLITS for row in splits[name]).items())),
        "opens": {name: min((row["said_at"] for row in splits[name]), default=None) for name in SPLITS},
    }
    final = corpora_dir / digest
    if not final.exists():
        unfinished = corpora_dir / f".{digest}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name, text in (files | {"card.json": json.dumps(card, indent=2, ensure_ascii=False)}).items():
            (unfinished / name).write_text(text, encoding="utf-8")
        try:
            unfinished.rename(final)
        except OSError:  # somebody else froze the very same samples meanwhile
            shutil.rmtree(unfinished)
    return load(final)
