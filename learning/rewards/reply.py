"""What is rewarded? One reply, with everything that was to be seen before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brain.prompt import heard


@dataclass(frozen=True, slots=True)
class Reply:
    """`heard` is what was answered, `told` the rest of the prompt, `before` our own earlier turns in it."""

    text: str
    heard: str = ""
    told: str = ""
    before: tuple[str, ...] = ()
    source: str = ""
    thread: str = ""


def reply_to(prompt: Sequence[Mapping[str, Any]], text: str, source: str = "", thread: str = "") -> Reply:
    """This text as the answer to a composed prompt, whose last turn is somebody else's."""
    earlier = prompt[:-1]
    return Reply(
        text=text.strip(),
        heard=heard(prompt),
        told="\n".join(turn["content"] for turn in earlier),
        before=tuple(turn["content"] for turn in earlier if turn["role"] == "assistant"),
        source=source,
        thread=thread,
    )


def owner_reply(row: Mapping[str, Any]) -> Reply:
    """What the owner really said, from a row of a corpus."""
    text = row["completion"][0]["content"]
    return reply_to(row["prompt"], text, row.get("source", ""), row.get("thread", ""))


def place_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Source and thread of a row of a corpus, or of a preference set ("conversation" is "source:chat")."""
    source, _, thread = row.get("conversation", "").partition(":")
    return row.get("source", "") if "thread" in row else source, row.get("thread", thread)
