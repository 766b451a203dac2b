"""What is in a WhatsApp chat export? Text with both sides: "WhatsApp Chat with X.txt", or a zip.

No ids, no zone, on Android no seconds: a message's id is a hash of what it is, its clock the owner's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from ingest.clean import MAX_TEXT
from ingest.day_order import DayOrder, day, habit
from ingest.files import Export, open_export
from ingest.ordinals import Ordinals
from ingest.rows import text_lines
from ingest.source import OWNER, Owner, Person, Source, place
from ingest.whatsapp import Line, begins, is_phone, key_of, said
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

_TITLE = re.compile(
    r"(?:whatsapp[ -]?chat|(?:chat|conversa|discussion|чат)(?: de| do)? whatsapp)"
    r"(?: - | (?:with|mit|con|com|avec|met|с|z|de) )(?P<title>.+)",
    re.IGNORECASE,
)
_AGAIN = re.compile(r" \(\d{1,3}\)$")  # what a browser adds to a second download
_MAX_SENDERS = 10_000


@dataclass(slots=True)
class _Chat:
    """What one file's dates and senders say together, known before the first message is read."""

    name: str
    title: str
    order: DayOrder = field(default_factory=DayOrder)
    senders: set[str] = field(default_factory=set)
    lines: int = 0

    def owner_names(self, owner: Owner) -> set[str]:
        """The owner's own names; in a chat named after the other one of two, whoever is left."""
        own = {*owner.accounts.get("whatsapp", ()), owner.name, *owner.aliases, "You"}
        known = {key_of(name).casefold() for name in own if name}
        found = {sender for sender in self.senders if key_of(sender).casefold() in known}
        rest = {sender for sender in self.senders if sender.casefold() != self.title}
        return found or (rest if len(self.senders) == 2 and len(rest) == 1 else set())


@dataclass(slots=True)
class _Message:
    """A message still growing: it may run over several lines."""

    line: Line
    number: int
    text: list[str]
    size: int = 0

    def go_on(self, line: str) -> None:
        if self.size <= MAX_TEXT:  # no more than one line longer than what is kept
            self.text.append(line)
            self.size += len(line) + 1


def recognise(path: Path) -> float:
    with open_export(path) as export:
        return 0.9 if any(_looks_like_one(export, name) for name in _candidates(export)) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Everybody who wrote, by the name the owner's phone has for them."""
    with open_export(path) as export:
        for name in _candidates(export):
            chat = _survey(export, name, path)
            for sender in sorted(chat.senders - chat.owner_names(owner)):
                yield Person(f"whatsapp:{key_of(sender)}", () if is_phone(sender) else (sender,))


def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
    """Every chat, both sides, in the order of the file."""
    with open_export(path) as export:
        yield from export.refused
        if not (names := _candidates(export)):
            yield Skipped("_chat.txt", "no text file here; export the chat again, without media")
        for name in names:
            chat = _survey(export, name, path)
            if not chat.lines:
                yield Skipped(name, "no line of a WhatsApp chat in it", failed=False)
                continue
            yield from _chat(export, chat, owner)


def _chat(export: Export, chat: _Chat, owner: Owner) -> Iterator[Record | Skipped]:
    order, sure = chat.order.decide(habit(owner))
    own, ordinals = chat.owner_names(owner), Ordinals()
    message: _Message | None = None
    for number, line in text_lines(export, chat.name):
        if isinstance(line, Skipped):
            yield line
        elif found := begins(line):
            if message:
                yield _record(message, chat, owner, own, order, sure, ordinals)
            message = _Message(found, number, [found.text])
        elif message:
            message.go_on(line)
        elif line.strip():
            yield Skipped(place(chat.name, number), "no message begins on or before this line")
    if message:
        yield _record(message, chat, owner, own, order, sure, ordinals)


def _record(
    message: _Message, chat: _Chat, owner: Owner, own: set[str], order: str, sure: bool, ordinals: Ordinals
) -> Record | Skipped:
    line, where = message.line, place(chat.name, message.number)
    if not line.sender:
        return Skipped(where, "a system message", failed=False)
    content = said("\n".join(message.text), own)
    if content.reason:
        return Skipped(where, content.reason, failed=False)
    date = day(line.numbers, order)
    if date is None:
        return Skipped(where, "no time that can be read")
    local = datetime.combine(date, line.at)
    thread = f"whatsapp:{stable_id('whatsapp', chat.title)[:16]}"
    sender = key_of(line.sender)
    nth = ordinals.next(local.isoformat(), sender, content.words)
    by_owner = line.sender in own
    return Record(
        id=stable_id(thread, sender, local.isoformat(), content.words, nth),
        source="whatsapp",
        kind=Kind.MESSAGE,
        author_id=OWNER if by_owner else f"whatsapp:{sender}",
        by_owner=by_owner,
        thread_id=thread,
        said_at=owner.to_utc(local),
        text=content.words,
        attachments=content.attachments,
        audience=thread,
        origin=where,
        precision=Precision.SECOND if line.to_the_second else Precision.MINUTE,
        zone_source=ZoneSource.OWNER if sure else ZoneSource.INFERRED,
    )


def _survey(export: Export, name: str, path: Path) -> _Chat:
    chat = _Chat(name, _title(name, path))
    for _, line in text_lines(export, name):
        if isinstance(line, str) and (found := begins(line)):
            chat.lines += 1
            chat.order.see(found.numbers)
            if found.sender and not found.text.startswith("\u200e") and len(chat.senders) < _MAX_SENDERS:
                chat.senders.add(found.sender)
    return chat


def _title(name: str, path: Path) -> str:
    """Whom or which group the chat is with: the same for a later export, whatever the phone's language."""
    stem = PurePosixPath(name).stem
    if stem.strip("_").casefold() == "chat":  # an iPhone names the zip, and calls the file _chat.txt
        stem = PurePosixPath(name).parent.name or (path.parent.name if path.name == name else path.stem)
    stem = _AGAIN.sub("", unicodedata.normalize("NFC", stem))
    found = _TITLE.fullmatch(stem)
    return (found["title"] if found else stem).strip().casefold()


def _candidates(export: Export) -> list[str]:
    return [name for name in export.names if name.lower().endswith(".txt") and name.count("/") <= 2]


def _looks_like_one(export: Export, name: str) -> bool:
    """The first line that says anything begins a message or notice."""
    for number, line in text_lines(export, name):
        if isinstance(line, Skipped) or number > 20:
            return False
        if line.strip("\ufeff \t"):
            return begins(line) is not None
    return False


SOURCE = Source("whatsapp", recognise, read, people)
