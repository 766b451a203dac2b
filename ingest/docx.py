"""What does a .docx say? Its words with tracked insertions and without deletions; comments are elsewhere."""

from __future__ import annotations

import io
from datetime import datetime

from ingest.files import Export, ExportUnreadable, open_document
from ingest.xml_stream import BrokenXml, steps

MAX_DOCUMENT = 64 << 20  # a document with its pictures
_MAX_WORDS = 4 << 20
_BODY, _NOTES, _ABOUT = "word/document.xml", "word/footnotes.xml", "docProps/core.xml"
_UNSEEN = {"moveFrom", "del", "Fallback", "instrText"}  # Fallback repeats what is in a text box


class DocxUnreadable(Exception):
    """Not a document, or a damaged one; the message says which."""


def read_docx(data: bytes) -> tuple[str, datetime | None]:
    """The words, and when the document was made where it says so."""
    try:
        with open_document(io.BytesIO(data)) as document:
            if _BODY not in document.names:
                raise DocxUnreadable("no document inside it")
            text = _words(document, _BODY)
            if _NOTES in document.names:
                text = f"{text}\n{_words(document, _NOTES)}".strip()
            return text, _created(document)
    except (ExportUnreadable, BrokenXml, OSError) as error:
        raise DocxUnreadable(f"a damaged document ({error})") from error


def is_docx(data: bytes) -> bool:
    try:
        with open_document(io.BytesIO(data)) as document:
            return _BODY in document.names
    except ExportUnreadable:
        return False


def _words(document: Export, name: str) -> str:
    """Paragraph by paragraph; cells of a table stand side by side, items of a list have a dash."""
    lines: list[str] = []
    line: list[str] = []
    size, unseen, in_text, listed, cells = 0, 0, False, False, 0
    with document.open(name) as file:
        for step, what, _ in steps(file):
            if what in _UNSEEN and step != "text":
                unseen += 1 if step == "start" else -1
            elif unseen:
                continue
            elif step == "text":
                if in_text and size < _MAX_WORDS:
                    line.append(what)
                    size += len(what)
            elif what == "t":
                in_text = step == "start"
            elif step == "start":
                line += {"tab": ["\t"], "br": ["\n"], "cr": ["\n"], "noBreakHyphen": ["-"]}.get(what, [])
                listed |= what == "numPr"
                cells += what == "tc"
            elif what == "p":
                text = "".join(line).strip()
                if cells:
                    line = [text, "  "] if text else []
                    continue
                lines.append(f"- {text}" if listed and text else text)
                line, listed = [], False
            elif what == "tc":
                cells -= 1
            elif what == "tr" and not cells:
                lines.append("".join(line).strip())
                line, listed = [], False
    return "\n".join(lines).strip()


def _created(document: Export) -> datetime | None:
    if _ABOUT not in document.names:
        return None
    inside = False
    try:
        with document.open(_ABOUT) as file:
            for step, what, _ in steps(file):
                if inside and step == "text":
                    at = datetime.fromisoformat(what.strip())
                    return at if at.tzinfo else None
                inside = step == "start" and what == "created"
    except (BrokenXml, OSError, ValueError):
        pass
    return None
