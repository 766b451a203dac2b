"""Made-up records: one line of talk each, and whole chats of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from brain.prompt import Persona
from storage.records import Kind, Record

START = datetime(2025, 3, 1, 9, 0, tzinfo=UTC)
MIRA = Persona("Mira", ("She bakes.",))
FRIEND = "<PERSON_3f2a>"
OTHER = "<PERSON_77b0>"


def said(number, author, text, minutes, thread="kitchen", **more):
    return Record(
        id=f"r{number}",
        source=more.pop("source", "telegram"),
        kind=more.pop("kind", Kind.MESSAGE),
        author_id=author,
        by_owner=author == "owner",
        thread_id=thread,
        said_at=START + timedelta(minutes=minutes),
        text=text,
        **more,
    )


def years_of_chat(sessions=60, seed=0):
    """Sessions a day apart: a question, an answer, another question, another answer."""
    order = random.Random(seed)
    records = []
    for day in range(sessions):
        for turn in range(2):
            word, other = (
                "".join(order.choices("abcdefghijklmnopqrstuvwxyz", k=9)),
                "".join(order.choices("abcdefghijklmnopqrstuvwxyz", k=9)),
            )
            at = day * 1440 + turn * 5
            records.append(said(f"{day}-{turn}-q", FRIEND, f"what about {word} and the {other} thing?", at))
            records.append(said(f"{day}-{turn}-a", "owner", f"{other} again, as every {word} knows", at + 1))
    return records
