"""What does the twin have of somebody? /mydata: all of it, as one JSON file for them alone."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bot.on_message import Conversation
from bot.platform import Invocation, Said
from storage.records import Message, now

ELSEWHERE = "Others could read it here: ask me in our private chat."


async def my_data(invocation: Invocation, talk: Conversation) -> Said:
    if not invocation.private:
        return Said(ELSEWHERE)
    by, kept = invocation.by, talk.kept
    said = await kept.messages.said_by(by.platform, by.id)
    told = await kept.messages.said_to(by.platform, by.id)
    found = {
        "platform": by.platform,
        "id": by.id,
        "made_at": now(),
        "consent": await kept.people.consent(by.platform, by.id),
        "messages": [_message(one) for one in said],
        "answers": [_message(one) for one in told],
        "feedback": [asdict(one) for one in await kept.feedback.given_by(by.platform, by.id)],
        "answers_made_with_your_words_in_view": len(await kept.messages.heard(by.platform, by.id)),
    }
    text = json.dumps(found, indent=2, ensure_ascii=False, default=str)
    return Said(f"{len(said)} messages, {len(told)} answers.", file=("my-data.json", text.encode()))


def _message(message: Message) -> dict[str, Any]:
    """Without its stamp: a prompt holds what other people said."""
    fields = asdict(message)
    del fields["stamp"]
    return fields
