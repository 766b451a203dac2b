"""What does text fit to keep look like? The words as they were written, without what nobody typed."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 200_000  # characters of one record

# Control and direction marks go. What joins emoji stays, and so do curly quotes: they are style.
_UNTYPED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|\u2028|\u2029")
# Looked at from where they begin alone: from each of thousands of blanks it would take seconds.
_BLANKS = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]++(?=\n)|(?<=\n\n)\n+")


def clean(text: str) -> str:
    """Composed (NFC), well-formed, with plain line ends and at most one empty line in a row."""
    if text.isascii() and text.isprintable():  # one line of plain letters, as most are
        return text.strip()
    text = well_formed(text)
    text = _UNTYPED.sub("", _LINE_END.sub("\n", text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\n" in text:
        text = _BLANKS.sub("", text)
    return text.strip()


def well_formed(text: str) -> str:
    """Without half characters, which no database and no hash would take."""
    return text if text.isascii() else _SURROGATE.sub("", text)
