"""How well may one cut a Markdown text before each of its characters?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from wcwidth import iter_graphemes

from bot.fences import Fence


class Cut(IntEnum):
    """How well one may cut before a character."""

    NEVER = 0  # inside what people see as one character, or inside a marker; only when nothing else fits
    ANYWHERE = 1
    INSIDE = 2  # a space in a link, in bold text, in a line of code
    SPACE = 3
    SENTENCE = 4
    CODE_LINE = 5
    LINE = 6
    PARAGRAPH = 7


GOOD = (Cut.PARAGRAPH, Cut.LINE, Cut.CODE_LINE, Cut.SENTENCE, Cut.SPACE)
BAD = (Cut.INSIDE, Cut.ANYWHERE, Cut.NEVER)

SENTENCE_END = re.compile(r"(?:[.!?…]|[.!?…][\"'”’»)\]*_~|]{1,3})$")
SENTENCE_END_CJK = re.compile(r"[。！？]+[」』”）]*")
# Code, bold, italic, struck or hidden text, and links. Bounded: stray asterisks must not cost a pass each.
SPAN = re.compile(
    r"(?P<mark>(?<!`)`{1,4}(?!`)|\*{1,3}|__|~~|\|\|)(?=\S)(?:(?!(?P=mark))[^\n]|\n(?!\s*\n)){1,400}?(?P=mark)"
    r"|\[[^\]\n]{1,400}\]\([^)\s]{1,400}[^)\n]{0,100}\)"
)
BULLET = re.compile(r"^[ \t>]*(?:[-*+]|#{1,6}|\d{1,9}[.)])[ \t]+(?=\S)", re.MULTILINE)


def cuts_of(text: str, blocks: Sequence[Fence], kept_whole: Sequence[Fence] = ()) -> bytearray:
    """For each character, a Cut: how well one may cut before it."""
    cuts = bytearray(len(text) + 1)
    at = 0
    for grapheme in iter_graphemes(text):
        cuts[at] = Cut.ANYWHERE
        at += len(grapheme)
    cuts[at] = Cut.ANYWHERE

    def mark(at: int, kind: Cut) -> None:
        if cuts[at] != Cut.NEVER:
            cuts[at] = kind

    for found in SENTENCE_END_CJK.finditer(text):
        mark(found.end(), Cut.SENTENCE)
    for found in re.finditer(r"\s+", text):
        newlines = found.group().count("\n")
        ends = SENTENCE_END.search(text[max(0, found.start() - 4) : found.start()])
        kind = (Cut.SENTENCE if ends else Cut.SPACE, Cut.LINE, Cut.PARAGRAPH)[min(newlines, 2)]
        mark(found.end(), kind)
    edges = [0, *(edge for fence in blocks for edge in (fence.start, fence.end)), len(text)]
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        for found in SPAN.finditer(text, begin, end):
            for at in range(found.start() + 1, found.end()):
                mark(at, min(Cut(cuts[at]), Cut.INSIDE))
    for found in BULLET.finditer(text):
        mark(found.end(), Cut.ANYWHERE)
    for fence in blocks:
        _mark_fence(text, fence, cuts, Cut.INSIDE if fence in kept_whole else Cut.CODE_LINE)
    return cuts


def _mark_fence(text: str, fence: Fence, cuts: bytearray, line_end: Cut) -> None:
    cuts[fence.start] = Cut.PARAGRAPH
    for never in (range(fence.start + 1, fence.code + 1), range(fence.last + 1, fence.end)):
        for at in never:  # in the middle of a marker, or so that no code is left beside it
            cuts[at] = Cut.NEVER
    for at in range(fence.code + 1, fence.last + 1):
        cuts[at] = min(cuts[at], Cut.INSIDE)
    for line in re.compile(r"\n").finditer(text, fence.code, fence.last):
        cuts[line.end()] = line_end
