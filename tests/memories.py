"""People, chats and secrets, made up: who wrote what for whom, and whether anybody else gets to hear it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import Feedback, Kind, Message, Record, Role, Signal, Stamp, message_key, with_changes
from storage.records_store import RecordStore

MAY = datetime(2026, 5, 4, 12, tzinfo=UTC)
_minutes = itertools.count()


def wrote(id: str, text: str, audience: str, **more: object) -> Record:
    """Something the owner wrote, in an export."""
    record = Record(
        id=id,
        source="telegram",
        kind=Kind.MESSAGE,
        author_id="owner",
        by_owner=True,
        thread_id=audience,
        said_at=MAY - timedelta(days=30),
        text=text,
        audience=audience,
    )
    return with_changes(record, **more)  # type: ignore[arg-type]


def typed(number: int | str, text: str, chat: str, by: str = "ana", **more: object) -> Message:
    """Something somebody types in a live chat, "platform:id"; the owner is "sam"."""
    platform, _, chat_id = chat.partition(":")
    message = Message(
        key=message_key(platform, chat_id, number),
        platform=platform,
        chat_id=chat_id,
        author_id=by,
        author_name=by.title(),
        text=text,
        sent_at=MAY + timedelta(minutes=next(_minutes)),
        by_owner=by == "sam",
    )
    return replace(message, **more)  # type: ignore[arg-type]


async def corrected(
    messages: MessageStore, feedback: FeedbackStore, question: Message, better: str
) -> Feedback:
    """The twin answers that badly, and the owner says how it should have been said."""
    await messages.add(question)
    stamp = Stamp(None, "pocket", "hash", (), {})
    reply = replace(
        question, key=f"{question.key}~r", author_id="twin", by_twin=True, by_owner=False, text="well...",
        reply_to=question.key, stamp=stamp,
    )  # fmt: skip
    await messages.add(reply)
    signal = Feedback(reply.key, "sam", Role.OWNER, Signal.CORRECTION, question.sent_at, better)
    await feedback.record(signal)
    return signal


@dataclass(frozen=True, slots=True)
class Secret:
    """Something said in one place, with a word that is said nowhere else, and a chat that asks about it."""

    kind: str  # which way it might leak
    word: str
    place: str  # where it was said: an audience, or a live chat
    asker: Message
    may_know: bool
    how: str  # record, message, owner's message, correction

    def text(self) -> str:
        return f"the {self.word} is under the third step of the kitchen"


FRIENDS = tuple(f"telegram:{100 + n}" for n in range(6))
GROUPS = tuple(f"telegram:-{900 + n}" for n in range(6))
SERVERS = tuple(f"discord:{7000 + n}" for n in range(6))
OWNERS = ("telegram:77", "discord:77", "terminal:home")
PLACES = (*FRIENDS, *GROUPS, *SERVERS)


def asks(chat: str, word: str, number: int) -> Message:
    """Whoever is in that chat asks about it: the owner in their own, a friend elsewhere."""
    by_owner = chat in OWNERS
    private = by_owner or chat in FRIENDS
    by = "sam" if by_owner else chat.partition(":")[2] if private else "bo"
    return typed(f"q{number}", f"where is the {word} again, third step?", chat, by, private=private)


def secrets() -> Iterator[Secret]:
    """Every way out of every kind of place, and the ways that are none."""
    ways = [
        ("a friend's words to a group", FRIENDS, GROUPS),
        ("one friend's words to another", FRIENDS, FRIENDS),
        ("a group's words to another", GROUPS, GROUPS),
        ("a server's words to another", SERVERS, SERVERS),
        ("a friend's words to a server", FRIENDS, SERVERS),
        ("a group's words to a friend", GROUPS, FRIENDS),
        ("a journal to a friend", ("owner",), FRIENDS),
        ("a journal to a group", ("owner",), GROUPS),
        ("a journal to a server", ("owner",), SERVERS),
        ("a journal to the owner", ("owner",), OWNERS),
        ("a post to anybody", ("public",), (*FRIENDS[:3], *GROUPS[:3], *SERVERS[:3], *OWNERS)),
        ("a friend's words to the owner's own chat", FRIENDS, OWNERS),
    ]
    number = itertools.count()
    for kind, places, askers in ways:
        for place, asker in itertools.product(places, askers):
            n = next(number)
            hows = ("record",) if ":" not in place else ("record", "message", "owner's message", "correction")
            yield _secret(kind, place, asker, hows[n % len(hows)], n)
    for how, place in itertools.product(("record", "message", "owner's message", "correction"), PLACES):
        yield _secret("back to where it was said", place, place, how, next(number))


def _secret(kind: str, place: str, asker: str, how: str, number: int) -> Secret:
    word = "zu" + "".join("bdfgklmnprstv"[int(digit)] + "aeiou"[number % 5] for digit in str(number)) + "x"
    may = place in ("public", asker) or (place == "owner" and asker in OWNERS)
    return Secret(kind, word, place, asks(asker, word, number), may, how)


async def keep(secret: Secret, number: int, stores: tuple[RecordStore, MessageStore, FeedbackStore]) -> str:
    """Let it be said where it was said; returns its key."""
    records, messages, feedback = stores
    private = secret.place in FRIENDS
    if secret.how == "record":
        await records.add_all([wrote(f"secret-{number}", secret.text(), secret.place)])
        return f"secret-{number}"
    if secret.how == "correction":
        question = typed(
            f"c{number}", f"where is the {secret.word}, third step?", secret.place, private=private
        )
        return (await corrected(messages, feedback, question, "under the third step")).id
    # In the chat of a friend the owner writes from their own account, or their words were the twin's alone.
    own = secret.how == "owner's message"
    said = typed(
        f"s{number}", secret.text(), secret.place, "sam" if own else "ana", private=private, as_owner=own
    )
    await messages.add(said)
    return said.key
