"""Answers to label, drafts to approve, and what people said of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from api.shapes.chat import Message
from api.shapes.page import Asked, Shape
from storage.records import Role, Signal


class Feedback(Shape):
    id: str
    reply_key: str
    given_by: str
    role: Role
    kind: Signal
    given_at: datetime
    text: str | None = None
    withdrawn_at: datetime | None = None


class Reply(Shape):
    """One answer with what it answers and what was said of it."""

    message: Message
    question: Message | None = None
    adapter: str | None = None
    feedback: list[Feedback] = []


class NewFeedback(Asked):
    """`text`: the better words of a correction, choice or takeover; the complaint itself."""

    kind: Signal
    text: str | None = Field(default=None, max_length=20_000)


class Draft(Shape):
    """An answer that waits for the owner's word."""

    key: str
    draft: Message
    question: Message | None
    asked_at: datetime


class Approve(Asked):
    text: str | None = Field(
        default=None, max_length=20_000, description="other words instead of the draft's"
    )


class ExportKind(StrEnum):
    SIGNALS = "signals"  # every signal with its reply, as this API has it; can be imported again
    PREFERENCE = "preference"  # TRL: prompt, chosen, rejected
    UNPAIRED = "unpaired"  # TRL: prompt, completion, label


class FileKind(StrEnum):
    JSONL = "jsonl"
    PARQUET = "parquet"


class ImportReport(Shape):
    """Line by line: seen = added + known + failed."""

    seen: int
    added: int
    known: int
    failed: int
    problems: list[str] = Field(default=[], examples=[["line 3: there is no reply 'discord:~1'"]])


Label = Literal["any", "none", "some"]
