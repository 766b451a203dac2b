"""What does a second process do to our database? Keeps COUNT messages, and says each one's key when kept."""

import asyncio
import sys
from datetime import UTC, datetime

from storage.database import Database
from storage.messages import MessageStore
from storage.records import Message, message_key


async def main(url: str, name: str, count: int) -> None:
    store = MessageStore(await Database.open(url))
    for number in range(count):
        key = message_key("terminal", name, number)
        await store.add(
            Message(key, "terminal", name, name, name, f"words {number}", datetime(2026, 1, 1, tzinfo=UTC))
        )
        print(key, flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
