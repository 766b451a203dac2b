"""Which comments and docstrings are in a file of code, and which of them are words a person wrote?"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, String

from ingest.code_files import language_of

_LICENCE = re.compile(r"copyright|licen[sc]e|spdx|all rights reserved|without warrant", re.IGNORECASE)
_DIRECTIVE = re.compile(
    r"(?:noqa|type:|pylint|pyright|mypy|eslint|tslint|jshint|prettier|pragma|fmt:|ruff|isort|nosec|vim?:|-\*-"
    r"|coding[:=]|#?region|endregion|sourceMappingURL|istanbul|clang-format|nolint|go:|\+build|rubocop|@ts-|!/)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:if|for|while|return|import|from|def|class|var|let|const|public|private)\b.*[(:=;]"
    r"|\w\([^)]*\)\s*$|^\s*[\w.]+\s*[-+*/]?=\s*\S"
)
_OPENING = re.compile(
    r"^[ \t]*(?:[rRuUbBfF]{0,2}(?:\"\"\"|''')|/\*+!?|/{2,}!?|#+!?|--\[\[|-{2,}|;+|%+|<!--|\(\*+|\{-\|?"
    r"|\*(?!/))[ \t]?"
)
_CLOSING = re.compile(r"[ \t]*(?:\*+/|\"\"\"|'''|-->|\*+\)|\]\]|-\})[ \t]*$")
_NO_WORDS = (Comment.Preproc, Comment.PreprocFile, Comment.Hashbang)
_RULE = re.compile(r"[\W_]*")
_MAX_SECONDS = 5.0  # for one file
_MAX_LINE = 2_000
_FIRST_LINES = 40


@dataclass(frozen=True, slots=True)
class CodeComment:
    """Words on the lines `first` to `last`, counted from 1; `why_not` when nobody wrote them as words."""

    first: int
    last: int
    text: str
    why_not: str | None = None


def comments(path: str, code: str) -> Iterator[CodeComment]:
    """Every comment and docstring; those on neighbouring lines are one."""
    ends = [at for at, letter in enumerate(code) if letter == "\n"]
    for start, end in _spans(path, code):
        first = bisect_right(ends, start - 1) + 1
        last = bisect_right(ends, max(start, end - 1) - 1) + 1
        text = _words(code[start:end])
        yield CodeComment(first, last, text, _why_not(text, first))


def _spans(path: str, code: str) -> Iterator[tuple[int, int]]:
    lexer = _lexer(language_of(path))  # made when a language is first met, which is not this code's fault
    until = time.monotonic() + _MAX_SECONDS
    open_at = open_to = -1
    for at, kind, value in lexer.get_tokens_unprocessed(code):
        if time.monotonic() > until:
            break
        if kind not in Comment and kind not in String.Doc:
            continue
        if any(kind in no_words for no_words in _NO_WORDS):
            continue
        end = at + len(value.rstrip("\n"))
        between = code[open_to:at] if open_at >= 0 else ""
        if open_at >= 0 and not between.strip() and between.count("\n") <= 1:
            open_to = end
            continue
        if open_at >= 0:
            yield open_at, open_to
        open_at, open_to = at, end
    if open_at >= 0:
        yield open_at, open_to


def _words(comment: str) -> str:
    lines = [_CLOSING.sub("", _OPENING.sub("", line)).rstrip() for line in comment.split("\n")]
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    cut = min(indents, default=0)
    lines = [lines[0].strip(), *(line[cut:] for line in lines[1:])]
    return "\n".join("" if _RULE.fullmatch(line) else line for line in lines).strip()


def _why_not(text: str, first: int) -> str | None:
    if first <= _FIRST_LINES and _LICENCE.search(text):
        return "a licence"
    if _DIRECTIVE.match(text):
        return "an instruction to a tool"
    if len(re.findall(r"[^\W\d_]{2,}", text)) < 2:
        return "no words in it"
    lines = [line for line in text.split("\n") if line.strip()]
    if sum(bool(_CODE.search(line)) for line in lines) * 2 > len(lines):
        return "commented-out code"
    return None


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)
