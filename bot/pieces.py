"""How is a long answer cut so that a chat app takes it, and into which bubbles does it fall?"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from bot.cuts import BAD, GOOD, Cut, cuts_of
from bot.fences import Fence, fences


def pieces(text: str, limit: int, length: Callable[[str], int] = len) -> list[str]:
    """Each comes to `limit` at most, as `length` measures it; nothing but whitespace is lost at the cuts.

    A code block that is cut is closed in the one piece and opened again in the next.
    """
    cutter = _Cutter(text, limit, length)
    found = []
    start = cutter.after(0)
    while start < len(text):
        end, piece = cutter.cut(start)
        if not text[start:end].isspace():
            found.append(piece)
        start = cutter.after(end)
    return found


class _Cutter:
    def __init__(self, text: str, limit: int, length: Callable[[str], int]) -> None:
        self._text, self._limit, self._length = text, limit, length
        self._fences = fences(text)
        short = [fence for fence in self._fences if length(text[fence.start : fence.end]) <= limit]
        self._cuts = cuts_of(text, self._fences, kept_whole=short)

    def cut(self, start: int) -> tuple[int, str]:
        """The end of the piece that starts here, and how it reads."""
        for fenced, language in ((True, True), (True, False), (False, False)):
            reads = partial(self._piece, start, fenced=fenced, language=language)
            if end := self._end(start, reads):
                return end, reads(end)
        return start + 1, self._text[start]  # not even one character fits: better too long than lost

    def after(self, cut: int) -> int:
        """Where the next piece starts: whitespace at a cut is dropped, but not the indentation of code."""
        text = self._text
        if fence := self._fence_at(cut):
            if text[cut : fence.last].strip("> \t\r\n" if fence.quoted else None):
                blank = r"(?:[^\S\n]*(?:>[^\S\n]*)?\n)*" if fence.quoted else r"(?:[^\S\n]*\n)*"
                return _past(blank, text, cut)
            cut = fence.end
        start = _past(r"\s*", text, cut)
        while start > cut and self._cuts[start] == Cut.NEVER:  # a mark on a space, or an indented fence
            start -= 1
        return start

    def _end(self, start: int, reads: Callable[[int], str]) -> int | None:
        """The best cut that fits; None if none does."""

        def measure(end: int) -> int:
            return self._length(reads(end))

        whole = len(self._text)
        step = max(1, self._limit)
        while start + step < whole and measure(start + step) <= self._limit:
            step *= 2
        if start + 4 * step >= whole and measure(whole) <= self._limit:
            return whole
        ends = range(start + 1, min(start + step, whole))
        reach = start + bisect_right(ends, self._limit, key=measure)
        # A good place that would leave most of the message empty is not so good.
        for floor, wanted in ((start + (reach - start) // 3, GOOD), (start, GOOD + BAD)):
            for kind in wanted:
                end = reach + 1
                while (end := self._cuts.rfind(kind, floor + 1, end)) != -1:
                    if measure(end) <= self._limit:
                        return end
        return None

    def _piece(self, start: int, end: int, fenced: bool, language: bool) -> str:
        opening, closing = self._fence_at(start), self._fence_at(end)
        first = opening or next((fence for fence in self._fences if fence.start == start), None)
        body = self._text[start:end]
        moved = first and not first.quoted and (opening or self._text.startswith(first.lead, start))
        if first and moved:
            # Its list stays behind, and without it the indentation would make something else of the code.
            code_end = min(end, first.end)
            body = _moved_left(self._text, start, code_end, len(first.lead)) + self._text[code_end:end]
        body = body.rstrip()
        if fenced and opening:
            lead = opening.lead if opening.quoted else ""
            info = opening.language if language else ""
            midway = lead if self._text[start - 1] != "\n" else ""
            body = f"{lead}{opening.marker}{info}\n{midway}{body}"
        if fenced and closing:
            lead = "" if moved and closing is first else closing.lead
            body += f"\n{lead}{closing.marker}"
        return body

    def _fence_at(self, at: int) -> Fence | None:
        return next((fence for fence in self._fences if fence.opened <= at <= fence.last), None)


def _past(pattern: str, text: str, at: int) -> int:
    found = re.compile(pattern).match(text, at)
    return found.end() if found else at


def _moved_left(text: str, start: int, end: int, width: int) -> str:
    at_line_start = start == 0 or text[start - 1] == "\n"
    where = r"(?m:^)" if at_line_start else r"(?<=\n)"
    return re.sub(rf"{where}[ \t]{{0,{width}}}", "", text[start:end])


LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S")
TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*")


def bubbles(text: str, most: int) -> list[str]:
    """The owner's messages in a row: one for each line; code, lists, quotes and tables stay whole.

    A line that ends with a colon stays with its list. Where there are more than `most`, the shortest
    neighbours are put together.
    """
    blocks = [(kind == "line", text[start:end].strip("\n").rstrip()) for kind, start, end in _blocks(text)]
    blocks = [(plain, block.strip() if plain else block) for plain, block in blocks]
    while len(blocks) > max(most, 1):
        sizes = [len(one) + len(other) for (_, one), (_, other) in pairwise(blocks)]
        at = sizes.index(min(sizes))
        (plain, one), (also_plain, other) = blocks[at : at + 2]
        both = plain and also_plain  # Markdown takes a line right after a list or a quote for a part of it
        blocks[at : at + 2] = [(both, f"{one}\n{other}" if both else f"{one}\n\n{other}")]
    return [block for _, block in blocks]


def _blocks(text: str) -> list[tuple[str, int, int]]:
    """What kind of block it is, where it starts and ends."""
    found: list[tuple[str, int, int]] = []
    code = {fence.start: fence for fence in fences(text)}
    lines = [(line.start(), line.end()) for line in re.finditer(r"[^\n]+", text)]
    done = 0
    for number, (start, end) in enumerate(lines):
        line = text[start:end]
        if start < done or not line.strip():
            continue
        kind, before, before_end = found[-1] if found else ("", 0, 0)
        touching = before_end == start - 1
        indented = line.startswith(("  ", "\t"))
        if kind == "list" and (indented or LIST_ITEM.match(line)):
            new, joins = "list", True
        elif start in code and not LIST_ITEM.match(line):
            new, joins = "code", False
        elif LIST_ITEM.match(line):
            new, joins = "list", kind == "line" and text[before:before_end].rstrip().endswith(":")
        elif line.lstrip().startswith(">"):
            new, joins = "quote", kind == "quote" and touching
        elif "|" in line and (_opens_table(text, lines[number + 1 :][:1]) or (kind == "table" and touching)):
            new, joins = "table", kind == "table" and touching
        else:
            new, joins = "line", False
        if start in code:
            end = done = code[start].end
        if joins:
            start = found.pop()[1]
        found.append((new, start, end))
    return found


def _opens_table(text: str, below: list[tuple[int, int]]) -> bool:
    return any(TABLE_RULE.fullmatch(text[start:end]) for start, end in below)
