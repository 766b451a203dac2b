"""Where are the code blocks in a Markdown text?"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Quoted ("> "), in a list ("- ", "1. ") or indented; no backticks may follow a run of backticks.
OPENER = re.compile(
    r"(?P<lead>[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]+|>)*)(?P<marker>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)"
)
LANGUAGE = re.compile(r"\s*([\w+#.-]{1,20})(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Fence:
    """Offsets in order: `start` of the opening line, `opened` after its marker, `code`, `last`, `end`.

    The code is `text[code:last]`, and `end` is after the closing marker; where nothing closes it, `last` is
    `end`. `lead` is what stands before the marker, with list bullets blanked.
    """

    start: int
    opened: int
    code: int
    last: int
    end: int
    lead: str
    marker: str
    language: str

    @property
    def quoted(self) -> bool:
        return ">" in self.lead


def fences(text: str) -> list[Fence]:
    """In order. A fence that has no code yet and no end is none."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found: list[Fence] = []
    for number, line in enumerate(lines):
        start = starts[number]
        if (found and start < found[-1].end) or not (opener := OPENER.match(line)):
            continue
        quoted, marker = ">" in opener["lead"], opener["marker"]
        last, end = _close(lines, starts, number + 1, marker, quoted)
        if text[starts[number + 1] : end].strip():
            language = LANGUAGE.match(opener["info"])
            found.append(
                Fence(
                    start=start,
                    opened=start + opener.end("marker"),
                    code=starts[number + 1],
                    last=last,
                    end=end,
                    lead=re.sub(r"[^\s>]", " ", opener["lead"]),
                    marker=marker,
                    language=language[1] if language else "",
                )
            )
    return found


def _close(lines: list[str], starts: list[int], first: int, marker: str, quoted: bool) -> tuple[int, int]:
    """Where the code ends, and where the fence does."""
    in_line: tuple[int, int] | None = None
    for number in range(first, len(lines)):
        line = lines[number].rstrip()
        content = line.lstrip("> \t") if quoted else line.lstrip()
        if quoted and not line.lstrip().startswith(">"):
            return starts[number] - 1, starts[number] - 1
        if content.startswith(marker) and not content.strip(marker[0]):
            return starts[number], starts[number] + len(line)
        if in_line is None and line.endswith(marker):
            in_line = (starts[number] + len(line) - len(marker), starts[number] + len(line))
    # People close a block at the end of its last line; Markdown would not, so that comes second.
    whole = starts[len(lines)] - 1
    return in_line or (whole, whole)
