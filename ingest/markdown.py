"""What does a page of Markdown say to a reader? Its words, without the marks; code keeps every character.

Every pattern is bounded or stops where it could begin again, so that no page takes longer than its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_KEPT = re.compile("\ue002([0-9]{1,9})\ue003")
_BLOCKS = re.compile(
    r"(?P<code>^[ \t]*(?P<fence>```|~~~).*?(?:^[ \t]*(?P=fence)[^\n]*$|\Z)|`[^`\n]++`)"
    r"|\\(?P<escaped>[\\`*_{}\[\]()#+.!>~|=-])|<!--.*?(?:-->|\Z)|%%.*?%%",
    re.DOTALL | re.MULTILINE,
)
_QUERY = re.compile(r"[ \t]*(?:```|~~~)[ \t]*(?:dataview(?:js)?|tasks|query|mermaid|button)\b", re.IGNORECASE)
_TAGS = "a|abbr|aside|b|big|br|center|cite|code|del|details|div|em|figure|font|h[1-6]|hr|i|iframe|img|ins"
_TAGS += "|kbd|li|mark|ol|p|small|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|u|ul|video"
_MARKS = [
    (re.compile(r"\]\(<?data:[^()\s]*+\)"), "]()"),  # pictures written out in letters
    (re.compile(r"^[ \t]*\[[^\[\]\n]++\]:[ \t]*<?(?:data|https?):[^\n]*$", re.MULTILINE), ""),
    (re.compile(r"!\[\[[^\[\]\n]*+\]\]|!\[[^\[\]\n]*+\]\[[^\[\]\n]*+\]"), ""),
    (re.compile(r"!\[[^\[\]\n]*+\]\((?:[^()\n]|\([^()\n]*+\))*+\)"), ""),
    (re.compile(r"\[\[(?:[^\[\]|\n]*+\|)?([^\[\]|\n]*+)\]\]"), r"\1"),
    (re.compile(r"\[\^[^\[\]\n]{1,40}\](?::[ \t]?)?"), ""),
    (re.compile(r"\[([^\[\]\n]++)\]\((?:[^()\n]|\([^()\n]*+\))*+\)"), r"\1"),
    (re.compile(r"<(https?://[^<>\s]++)>"), r"\1"),
    (re.compile(r"<br[ /]{0,3}>", re.IGNORECASE), "\n"),
    (re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*+)?/?>", re.IGNORECASE), ""),
    (re.compile(r"(?<![\w*])(\*\*|__|==|~~)(?=\S)([^\n]{1,500}?)(?<=\S)\1(?![\w*])"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,300})(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w])_(?=[^\s_])([^_\n]{1,300})(?<=\S)_(?![\w])"), r"\1"),
    (re.compile(r"^#{1,6}[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^([ \t]*)[-*+][ \t]\[.\][ \t]", re.MULTILINE), r"\1- "),
    (re.compile(r"^([ \t]*(?:>[ \t]?)++)\[![\w-]{1,30}[^\[\]\n]{0,30}\][+-]?[ \t]*", re.MULTILINE), r"\1"),
    (re.compile(r"^[ \t]*(?:\|[ \t:|-]++|-{3,}|\*{3,}|_{3,})[ \t]*$", re.MULTILINE), ""),
]  # fmt: skip


def plain(text: str, more: Callable[[str], str] = lambda text: text) -> str:
    """The words of a page. What nobody would see of it goes: comments, embeds, queries, link addresses.

    `more` may change what is left, while its code is out of the way.
    """
    code: list[str] = []

    def keep(block: re.Match[str]) -> str:
        kept = block["escaped"] or block["code"]
        if kept is None or _QUERY.match(kept):
            return ""
        code.append(kept)
        return f"\ue002{len(code) - 1}\ue003"

    text = _BLOCKS.sub(keep, text.replace("\ue002", "").replace("\ue003", ""))
    for pattern, into in _MARKS:
        text = pattern.sub(into, text)
    return _KEPT.sub(lambda found: code[int(found[1])], more(text))
