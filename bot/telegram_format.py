"""How does Markdown look on Telegram? As plain text and entities, which its parser cannot refuse.

Blocks are found line by line, so that whatever is no markup stays as it was typed; markdown-it reads inside
the lines. Offsets count UTF-16 units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from telegram import MessageEntity

FENCE = re.compile(r" {0,3}(`{3,}|~{3,}) *([^\s`]*)[^`]*")
HEADING = re.compile(r"#{1,6} +(.*?)(?: +#+)? *")
QUOTE = re.compile(r">+(?: |$)")
BULLET = re.compile(r"(\s*)[-*] +(?=\S)")
SPOILER = re.compile(r"\|\|(?=\S)(.+?)(?<=\S)\|\|", re.DOTALL)
LINK = re.compile(r"(?:https?|tg)://|mailto:")
STYLES = {
    "strong": MessageEntity.BOLD,
    "em": MessageEntity.ITALIC,
    "s": MessageEntity.STRIKETHROUGH,
    "spoiler": MessageEntity.SPOILER,
}


def units(text: str) -> int:
    """How long Telegram finds it."""
    return len(text.encode("utf-16-le", "replace")) // 2


def convert(markdown: str) -> tuple[str, list[MessageEntity]]:
    markdown = markdown.encode("utf-8", "replace").decode()  # half an emoji cannot be sent
    text = _Text()
    lines = markdown.split("\n")
    plain: list[str] = []
    at = 0
    while at < len(lines):
        block = _block(lines, at)
        if block is None:
            plain.append(lines[at])
            at += 1
            continue
        _flush(text, plain)
        block.write(text)
        at = block.end
        if at < len(lines):
            text.add("\n")
    _flush(text, plain, last=True)
    if not text.so_far.strip():
        return markdown.strip(), []
    return text.trimmed()


def pieces(markdown: str, limit: int) -> Iterator[str]:
    """Cut at the ends of lines where possible; each piece fits."""
    rest = markdown
    while units(convert(rest)[0]) > limit:
        end = limit
        while units(convert(rest[:end])[0]) > limit:
            end -= max(1, end // 20)
        line_end = rest.rfind("\n", end // 2, end)
        cut = line_end if line_end > 0 else end
        yield rest[:cut]
        rest = rest[cut:].lstrip("\n")
    if rest.strip():
        yield rest


class _Text:
    """Text that grows, and the entities in it."""

    def __init__(self) -> None:
        self.so_far = ""
        self.length = 0
        self._entities: list[MessageEntity] = []

    def add(self, text: str) -> None:
        self.so_far += text
        self.length += units(text)

    def mark(self, kind: str, since: int, *, url: str | None = None, language: str | None = None) -> None:
        if self.length > since:
            length = self.length - since
            self._entities.append(MessageEntity(kind, since, length, url=url, language=language))

    def trimmed(self) -> tuple[str, list[MessageEntity]]:
        """As Telegram will keep it: no space around it, no entity that reaches beyond."""
        left = units(self.so_far) - units(self.so_far.lstrip())
        text = self.so_far.strip()
        end = units(text)
        kept = []
        for entity in self._entities:
            start = max(entity.offset - left, 0)
            length = min(entity.offset + entity.length - left, end) - start
            if length > 0:
                kept.append(
                    MessageEntity(entity.type, start, length, url=entity.url, language=entity.language)
                )
        return text, sorted(kept, key=lambda entity: (entity.offset, -entity.length))


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together."""

    end: int  # the first line that is no part of it
    content: str
    style: str | None
    language: str | None = None

    def write(self, text: _Text) -> None:
        start = text.length
        if self.style == MessageEntity.PRE:
            text.add(self.content)
        else:
            _inline(text, self.content)
        if self.style:
            text.mark(self.style, start, language=self.language)


def _block(lines: list[str], at: int) -> _Block | None:
    line = lines[at]
    if fence := FENCE.fullmatch(line):
        end = _end_of_code(lines, at, fence[1])
        if any(code.strip() for code in lines[at + 1 : end]):
            code = "\n".join(lines[at + 1 : end])
            return _Block(min(end + 1, len(lines)), code, MessageEntity.PRE, fence[2] or None)
    if (heading := HEADING.fullmatch(line)) and heading[1]:
        return _Block(at + 1, heading[1], MessageEntity.BOLD)
    if QUOTE.match(line):
        end = at
        while end < len(lines) and QUOTE.match(lines[end]):
            end += 1
        quoted = [QUOTE.sub("", one, count=1) for one in lines[at:end]]
        if any(one.strip() for one in quoted):
            return _Block(end, "\n".join(quoted), MessageEntity.BLOCKQUOTE)
    if bullet := BULLET.match(line):
        return _Block(at + 1, f"{bullet[1]}• {line[bullet.end() :]}", None)
    return None


def _end_of_code(lines: list[str], at: int, opened_by: str) -> int:
    for number in range(at + 1, len(lines)):
        mark = lines[number].strip()
        if len(mark) >= len(opened_by) and set(mark) == {opened_by[0]}:
            return number
    return len(lines)  # a fence that is still open, as in half an answer


def _flush(text: _Text, plain: list[str], *, last: bool = False) -> None:
    if plain:
        _inline(text, "\n".join(plain) + ("" if last else "\n"))
        plain.clear()


def _inline(text: _Text, source: str) -> None:
    opened: list[tuple[int, str | None]] = []
    for token in MARKDOWN.parseInline(source)[0].children or []:
        if token.nesting == 1:
            opened.append((text.length, _url(token)))
        elif token.nesting == -1:
            start, url = opened.pop()
            style = STYLES.get(token.type.removesuffix("_close"))
            text.mark(style or MessageEntity.TEXT_LINK, start, url=None if style else url)
        elif token.type == "image":
            start = text.length
            text.add(token.content or str(token.attrs["src"]))
            text.mark(MessageEntity.TEXT_LINK, start, url=str(token.attrs["src"]))
        else:
            start = text.length
            text.add(token.content)
            if token.type == "code_inline":
                text.mark(MessageEntity.CODE, start)


def _url(token: Token) -> str | None:
    return str(token.attrs["href"]) if "href" in token.attrs else None


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        """Others, as in "call table[i](event)", stay text."""
        return LINK.match(url) is not None


def _emphasis(state: StateInline, silent: bool) -> bool:
    """As markdown-it does it, but a single star inside a word is a star: 2*3*4, f*ck this sh*t."""
    marker = state.src[state.pos]
    if silent or marker not in "_*":
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    if scanned.length == 1:
        scanned = state.scanDelims(state.pos, False)
    for _ in range(scanned.length):
        token = state.push("text", "", 0)
        token.content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=scanned.length,
                token=len(state.tokens) - 1,
                end=-1,
                open=scanned.can_open,
                close=scanned.can_close,
            )
        )
    state.pos += scanned.length
    return True


def _spoiler(state: StateInline, silent: bool) -> bool:
    found = SPOILER.match(state.src, state.pos, state.posMax)
    if silent or not found:
        return False
    end = state.posMax
    state.push("spoiler_open", "", 1)
    state.pos, state.posMax = found.start(1), found.end(1)
    state.md.inline.tokenize(state)
    state.push("spoiler_close", "", -1)
    state.pos, state.posMax = found.end(), end
    return True


def _markdown() -> MarkdownIt:
    markdown = _Markdown("zero")
    markdown.enable(["backticks", "emphasis", "strikethrough", "link", "image", "escape"])
    markdown.inline.ruler.at("emphasis", _emphasis)
    markdown.inline.ruler.before("link", "spoiler", _spoiler)
    markdown.inline.add_terminator_char("|")
    return markdown


MARKDOWN = _markdown()
