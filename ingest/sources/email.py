"""What did the owner write by e-mail? Sent mail from mbox files, .eml files and Maildir folders.

Only mail from the owner's own addresses, only their own words in it; attachments are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesHeaderParser, BytesParser
from email.policy import EmailPolicy
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path
from typing import Any, cast

from ingest.clean import well_formed
from ingest.files import Export, decode, open_export
from ingest.html_text import html_text
from ingest.mail_text import own_words, unflowed
from ingest.rows import why
from ingest.source import OWNER, Owner, Person, Source, place
from ingest.values import texts
from storage.records import Kind, Record, Skipped, ZoneSource, stable_id

MAX_MAIL = 1 << 18  # bytes; words come before attachments, so what is beyond need not be held
_MAX_HEADER = 2_000  # the standard library takes for ever over longer ones, and anybody can send one
_MAX_LINE = 1 << 16
_SEPARATOR = re.compile(rb"From .{0,200}\d{1,2}:\d{2}")
_HEADER = re.compile(rb"^(?:[!-9;-~]+:[^\n]*\n|[ \t][^\n]*\n)+", re.MULTILINE)
_FROM = re.compile(rb"^From:", re.MULTILINE | re.IGNORECASE)
_DATE = re.compile(rb"^(?:Date|Message-ID|Received):", re.MULTILINE | re.IGNORECASE)
_MAILDIR = re.compile(r"(?:.*/)?(?:cur|new)/[^/]+")
_ID = re.compile(r"<[^<>\s]{1,400}>")
_MALFORMED = (  # all of these come out of the standard library when a mail is broken
    *(ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError),
    MessageError,
)


class _Bounded(EmailPolicy):
    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_MAX_HEADER]


_POLICY = _Bounded()


def recognise(path: Path) -> float:
    with open_export(path) as export:
        return 0.9 if any(_is_mail(export, name) for name in export.names) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Whoever mail came from or went to."""
    own, told = _own(owner), set[tuple[str, str]]()
    with open_export(path) as export:
        for item in _mails(export):
            if isinstance(item, Skipped):
                continue
            for name, address in _addresses(_header_of(item[1]), "from", "to", "cc", "reply-to"):
                if address not in own and (address, name) not in told:
                    told.add((address, name))
                    yield Person(f"email:{address}", texts(name.strip("'\" ")) if "@" not in name else ())


def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
    """One record for each mail the owner sent."""
    own = _own(owner)
    with open_export(path) as export:
        yield from export.refused
        if not own:
            yield Skipped(
                path.name, "which mail is yours is unknown: write your addresses in [owner] accounts.email"
            )
            return
        found = False
        for item in _mails(export):
            found = True
            yield item if isinstance(item, Skipped) else _record(*item, own, owner)
        if not found:
            yield Skipped(path.name, "no mbox, .eml or Maildir here")


def _record(where: str, data: bytes, own: set[str], owner: Owner) -> Record | Skipped:
    mail = _header_of(data)
    senders = [address for _, address in _addresses(mail, "from")]
    if not own & set(senders):
        return Skipped(where, "not sent by the owner" if senders else "no sender", failed=not senders)
    if reason := _left_out(mail):
        return Skipped(where, reason, failed=False)
    said_at, zone_source = _said_at(mail, owner)
    if said_at is None:
        return Skipped(where, "no time that can be read")
    text = own_words(_body(data))
    if not text:
        return Skipped(where, "no words in it", failed=False)
    number = next(iter(_ID.findall(_header(mail, "message-id"))), "")
    answered = next(iter(_ID.findall(_header(mail, "in-reply-to"))), "")
    earlier = _ID.findall(_header(mail, "references"))
    first = (earlier or [answered or number or f"{said_at.isoformat()} {text}"])[0]
    thread = f"email:{stable_id('email', first)[:16]}"
    return Record(
        id=stable_id("email", number or f"{said_at.isoformat()} {text}"),
        source="email",
        kind=Kind.MESSAGE,
        author_id=OWNER,
        by_owner=True,
        thread_id=thread,
        said_at=said_at,
        text=text,
        reply_to=stable_id("email", answered) if answered else None,
        audience=thread,
        origin=where,
        zone_source=zone_source,
    )


def _left_out(mail: EmailMessage) -> str | None:
    labels = _header(mail, "x-gmail-labels").casefold()
    if any(label in labels for label in ("draft", "entwürf", "brouillon", "borrador", "rascunho", "bozze")):
        return "a draft"
    if _header(mail, "auto-submitted").casefold() not in ("", "no"):
        return "an automatic reply"
    return None


def _said_at(mail: EmailMessage, owner: Owner) -> tuple[datetime | None, ZoneSource]:
    try:
        written = parsedate_to_datetime(_header(mail, "date"))
        if written.tzinfo is None:  # "-0000": in UTC, says the standard, by a clock of unknown zone
            return written.replace(tzinfo=UTC), ZoneSource.SCHEMA
        return written.astimezone(UTC), ZoneSource.EXPLICIT
    except (*_MALFORMED, OverflowError):
        return None, ZoneSource.EXPLICIT


def _body(data: bytes) -> str:
    """The plain part; the HTML one where there is no other."""
    try:
        mail = cast(EmailMessage, BytesParser(policy=_POLICY).parsebytes(data))
        part = mail.get_body(("plain", "html"))
        if part is None:
            return ""
        text = _decoded(part)
        if part.get_content_type() == "text/html":
            return html_text(text)
        if str(part.get_param("format", "")).casefold() == "flowed":
            return unflowed(text, str(part.get_param("delsp", "")).casefold() == "yes")
        return text
    except _MALFORMED:
        return ""


def _decoded(part: MIMEPart) -> str:
    """By the charset it names; by its bytes where that is missing, unknown or a lie."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = part.get_content_charset("utf-8")
    try:
        return well_formed(data.decode(charset))
    except (LookupError, ValueError):
        return well_formed(decode(data) or "")


def _header_of(data: bytes) -> EmailMessage:
    try:
        return cast(EmailMessage, BytesHeaderParser(policy=_POLICY).parsebytes(data))
    except _MALFORMED:
        return EmailMessage()


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return well_formed(str(mail.get(name) or "")).strip()
    except _MALFORMED:
        return ""


def _addresses(mail: EmailMessage, *names: str) -> list[tuple[str, str]]:
    """Display names and addresses, these in small letters."""
    found: list[tuple[str, str]] = []
    for name in names:
        try:
            pairs = getaddresses([well_formed(str(value)) for value in mail.get_all(name, [])])
        except _MALFORMED:
            continue
        found += [(shown, address.casefold()) for shown, address in pairs if "@" in address]
    return found


def _mails(export: Export) -> Iterator[tuple[str, bytes] | Skipped]:
    for name in export.names:
        if _is_mail(export, name):
            try:
                with export.open(name) as file:
                    if _SEPARATOR.match(export.head(name, 300)):
                        yield from _in_mbox(file, name)
                    else:
                        yield place(name, 1), file.read(MAX_MAIL)
            except OSError as error:
                yield Skipped(place(name, "end"), why(error))


def _in_mbox(file: Any, name: str) -> Iterator[tuple[str, bytes]]:
    """Each mail between two lines "From ..." of which the second follows an empty line."""
    number, size, lines = 0, 0, list[bytes]()
    blank = line_begins = True
    while line := file.readline(_MAX_LINE):
        if blank and line_begins and _SEPARATOR.match(line):
            if number:
                yield place(name, number), b"".join(lines)
            number, size, lines = number + 1, 0, []
        elif size < MAX_MAIL:
            lines.append(line[1:] if line_begins and line.startswith(b">From ") else line)
            size += len(line)
        blank = line_begins and not line.strip()
        line_begins = line.endswith(b"\n")
    if number:
        yield place(name, number), b"".join(lines)


def _is_mail(export: Export, name: str) -> bool:
    """An mbox by its first line; a single mail by its ending or folder, and by its header."""
    head = export.head(name, 1 << 14).replace(b"\r\n", b"\n")
    if _SEPARATOR.match(head):
        header = _HEADER.match(head.partition(b"\n")[2])
        return bool(header and _FROM.search(header[0]))
    if not (name.lower().endswith(".eml") or _MAILDIR.fullmatch(name)):
        return False
    header = _HEADER.match(head)
    return bool(header and _FROM.search(header[0]) and _DATE.search(header[0]))


def _own(owner: Owner) -> set[str]:
    return {address.casefold() for address in owner.accounts.get("email", ())}


SOURCE = Source("email", recognise, read, people)
