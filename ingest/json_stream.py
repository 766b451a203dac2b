"""How is a JSON file of any size, possibly damaged, read piece by piece in bounded memory?"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from msgspec.json import Decoder

CHUNK = 1 << 18
TOGETHER = 1 << 15  # bytes of objects that are decoded in one go
MAX_VALUE = 8 << 20  # bytes; the longest message any chat allows is a thousandth of it

ANYTHING: Decoder[list[Any]] = Decoder(list[Any])
_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[ \t\r\n]*+")
_COMMA = re.compile(r"[ \t\r\n]*+,[ \t\r\n]*+")
_MARK = re.compile(r'["{}\[\]]')
_STRING_REST = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_SCALAR = re.compile(r'[^\s,\]}:"{\[]*+', re.ASCII)


class Broken(ValueError):
    """Nothing after this point can be read: the file breaks off or is not JSON."""


class BadValue(ValueError):
    """This one value is bad; the next can be read."""


class JsonStream:
    """A cursor over a JSON file.

    After each step of `members` or `items` the caller takes the one value that follows, with `value`, `skip`,
    `members` or `items`; `in_sight` may go on from there. `repair` may mend the text of a value that does not
    parse.

    A character of `_text` is one byte of UTF-8, as if it were Latin-1: all that holds JSON together is ASCII,
    and what stands between is turned into letters value by value, most of it by msgspec, which takes bytes.
    """

    def __init__(self, file: BinaryIO, repair: Callable[[str], str] = lambda text: text) -> None:
        self._file = file
        self._repair = repair
        self._text = ""
        self._at = 0
        self._ended = False
        self._why_ended = "the file breaks off here"
        start = self._read(4)
        wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        self._wide = codecs.getincrementaldecoder("utf-16")(errors="replace") if wide else None
        self._text = self._as_bytes(start.removeprefix(codecs.BOM_UTF8))

    def peek(self) -> str:
        """The next character that is not white space, without moving past it."""
        if self._at < len(self._text) and (mark := self._text[self._at]) > " ":
            return mark
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            self._more()

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here."""
        self._take("{")
        while self.peek() != "}":
            try:
                key = self.value()
            except BadValue as error:
                raise Broken("a key is damaged here") from error
            if not isinstance(key, str):
                raise Broken("a key is missing here")
            self._take(":")
            yield key
            if self.peek() not in ",}":
                raise Broken("this is not JSON")
            if self.peek() == ",":
                self._at += 1
        self._at += 1

    def items(self) -> Iterator[None]:
        """One step for each element of the array that begins here."""
        self._take("[")
        while self.peek() != "]":
            yield
            if self.peek() not in ",]":
                raise Broken("this is not JSON")
            if self.peek() == ",":
                self._at += 1
        self._at += 1

    def in_sight(self, decoder: Decoder[list[Any]] = ANYTHING) -> Iterator[Any]:
        """The elements after this one, as long as they are nothing special: the quick way, if any.

        `decoder` may leave out what its caller has no use for.
        """
        return chain.from_iterable(self.together(decoder))

    def together(self, decoder: Decoder[list[Any]] = ANYTHING) -> Iterator[list[Any]]:
        """The same in lists of as many as were decoded in one go."""
        one_by_one = 0  # up to here
        while comma := _COMMA.match(self._text, self._at):
            if len(self._text) - self._at < TOGETHER and not self._ended:
                self._fill()
                one_by_one = 0
                continue
            if comma.end() > one_by_one:
                if values := self._many(comma, decoder):
                    yield values
                    continue
                one_by_one = comma.end() + TOGETHER
            try:
                value, end = self._decoded(comma.end())
            except (ValueError, RecursionError):
                return
            if end == len(self._text):
                return
            self._at = end
            yield [value]

    def _many(self, comma: re.Match[str], decoder: Decoder[list[Any]]) -> list[Any]:
        """As many objects as come after this comma in one go, and past them; none when that is not to be had.

        Where one ends is guessed by how this one begins. That they are an array says the guess was right.
        """
        text, start = self._text, comma.end()
        end = text.rfind(f"}}{comma[0]}{text[start : start + 12]}", start, start + TOGETHER) + 1
        if not end or text[start] != "{":
            return []
        try:
            values = decoder.decode(f"[{text[start:end]}]".encode("latin-1"))
        except (ValueError, RecursionError):  # what it is stricter about: NaN, half an emoji, a bare tab
            return []
        self._at = end
        return values

    def _decoded(self, at: int) -> tuple[Any, int]:
        """The value that begins there and where it ends. Raises ValueError, RecursionError."""
        value, end = _DECODER.raw_decode(self._text, at)
        written = self._text[at:end]
        return value if written.isascii() else _DECODER.decode(_letters(written)), end

    def value(self) -> Any:
        """The whole value that begins here. Raises BadValue when it alone is bad, Broken when all is over."""
        while True:
            self.peek()
            try:
                value, end = self._decoded(self._at)
            except (ValueError, RecursionError):
                found = self._end_of_value()
            else:
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
                self._fill()  # a number may go on in the next chunk
                continue
            if found is not None:
                damaged, self._at = self._text[self._at : found], found
                return self._mended(damaged)
            if len(self._text) - self._at > MAX_VALUE:
                self.skip()
                raise BadValue("too large for one item")
            self._more()

    def skip(self) -> None:
        """Move past the value that begins here without ever holding all of it."""
        if self.peek() not in '"{[':
            end = self._end_of_value()
            while end is None:
                if len(self._text) - self._at > MAX_VALUE:
                    raise Broken("this is not JSON")
                self._more()
                end = self._end_of_value()
            self._at = end
            return
        depth, in_string = 0, False
        while True:
            if in_string:
                rest = _STRING_REST.match(self._text, self._at)
                assert rest is not None  # it matches the empty string
                self._at, in_string = rest.end(), not rest[1]
                if in_string:
                    self._more()
            elif mark := _MARK.search(self._text, self._at):
                self._at = mark.end()
                in_string = mark[0] == '"'
                depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark[0], 0)
            else:
                self._at = len(self._text)
                self._more()
            if depth <= 0 and not in_string:
                return

    def _end_of_value(self) -> int | None:
        """Where the value ends that begins here, by its brackets and quotes; None: not in sight yet."""
        text, at, depth = self._text, self._at, 0
        if text[at] not in '"{[':
            end = _SCALAR.match(text, at).end()  # type: ignore[union-attr]
            if end == at:
                raise Broken("this is not JSON")
            return end if end < len(text) else None
        while mark := _MARK.search(text, at):
            at = mark.end()
            if mark[0] == '"':
                rest = _STRING_REST.match(text, at)
                assert rest is not None  # it matches the empty string
                if not rest[1]:
                    return None
                at = rest.end()
            else:
                depth += 1 if mark[0] in "{[" else -1
            if depth <= 0:
                return at
        return None

    def _mended(self, damaged: str) -> Any:
        try:
            return json.loads(self._repair(_letters(damaged)), strict=False)
        except RecursionError as error:
            raise BadValue("nested too deeply") from error
        except ValueError as error:
            raise BadValue("not valid JSON") from error

    def _take(self, mark: str) -> None:
        if self.peek() != mark:
            raise Broken("this is not the JSON that was expected")
        self._at += 1

    def _more(self) -> None:
        if not self._fill():
            raise Broken(self._why_ended)

    def _fill(self) -> bool:
        """Let go of what was read and bring in more; False at the end of the file."""
        if self._ended:
            return False
        rest = self._text[self._at :]
        data = self._read(max(CHUNK, len(rest)))  # doubling, so that a long value is not copied over and over
        self._text, self._at = rest + self._as_bytes(data), 0
        return len(self._text) > len(rest) or not self._ended

    def _as_bytes(self, data: bytes) -> str:
        if self._wide:
            data = self._wide.decode(data, final=not data).encode()
        return data.decode("latin-1")

    def _read(self, size: int) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            data, self._why_ended = b"", f"the file cannot be read any further ({error})"
        self._ended = self._ended or not data
        return data


def _letters(written: str) -> str:
    """What bytes that were taken for Latin-1 say."""
    return written.encode("latin-1").decode(errors="replace")
