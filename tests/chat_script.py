"""A conversation that can be checked from outside: is every question answered, and answered once?

Every question carries a number, and the quick model's answers name the numbers they answer. What people see
in the chats at the end is all that counts.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from discord_server import DiscordServer
from discord_world import Channel
from discord_world import User as DiscordUser
from quick_model import NUMBER
from telegram_server import TelegramServer
from telegram_world import Chat
from telegram_world import User as TelegramUser


class Place(Protocol):
    """One chat, as people see it."""

    platform: str
    private: bool

    @property
    def chat_id(self) -> str: ...

    def say(self, text: str, person: int, *, to_twin: bool, reply_to: Any = None) -> str:
        """The message's id. `reply_to`: a message of `answers`."""

    def answers(self) -> list[tuple[Any, str]]:
        """What the twin has said there: the message, and its text."""

    def ids(self, message: Any) -> tuple[str, str | None]:
        """Of a message of `answers`: its own, and that of the message it refers to."""

    def react(self, message: Any, emoji: str) -> None: ...


@dataclass
class DiscordPlace:
    server: DiscordServer
    channel: Channel
    people: Sequence[DiscordUser]
    platform: str = "discord"

    @property
    def private(self) -> bool:
        return self.channel.guild is None

    @property
    def chat_id(self) -> str:
        return str(self.channel.id)

    def say(self, text: str, person: int, *, to_twin: bool, reply_to: Any = None) -> str:
        mention = f"<@{self.server.bot.id}> " if to_twin and not self.private else ""
        user = self.people[person % len(self.people)]
        return str(self.server.say(self.channel, user, mention + text, reply_to=reply_to)["id"])

    def ids(self, message: Any) -> tuple[str, str | None]:
        return message["id"], (message.get("message_reference") or {}).get("message_id")

    def answers(self) -> list[tuple[Any, str]]:
        ours = str(self.server.bot.id)
        said = self.server.messages(self.channel)
        return [(one, one["content"]) for one in said if one["author"]["id"] == ours]

    def react(self, message: Any, emoji: str) -> None:
        self.server.react(self.channel, message, self.people[0], emoji)


@dataclass
class TelegramPlace:
    server: TelegramServer
    chat: Chat
    people: Sequence[TelegramUser]
    platform: str = "telegram"

    @property
    def private(self) -> bool:
        return self.chat.type == "private"

    @property
    def chat_id(self) -> str:
        return str(self.chat.id)

    def say(self, text: str, person: int, *, to_twin: bool, reply_to: Any = None) -> str:
        user: TelegramUser = self.people[person % len(self.people)]
        more: dict[str, Any] = {"reply_to": reply_to["message_id"]} if reply_to else {}
        if to_twin and not self.private:
            mention = f"@{self.server.bot.username}"
            more["entities"] = [{"type": "mention", "offset": 0, "length": len(mention)}]
            text = f"{mention} {text}"
        return str(self.server.say(self.chat, user, text, **more))

    def ids(self, message: Any) -> tuple[str, str | None]:
        asked = message.get("reply_to_message", {}).get("message_id")
        return str(message["message_id"]), str(asked) if asked else None

    def answers(self) -> list[tuple[Any, str]]:
        ours, said = self.server.bot.id, self.server.messages(self.chat)
        return [(one, one.get("text", "")) for one in said if one.get("from", {}).get("id") == ours]

    def react(self, message: Any, emoji: str) -> None:
        self.server.react(self.people[0], self.chat, message["message_id"], emoji)


def places_on_discord(server: DiscordServer, private: int, groups: int) -> list[Place]:
    people = [server.user(f"Friend {letter}") for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    places: list[Place] = [DiscordPlace(server, server.dm(people[at]), [people[at]]) for at in range(private)]
    for at in range(groups):
        places.append(DiscordPlace(server, server.channel(f"room-{at}"), people[at : at + 3]))
    return places


def places_on_telegram(server: TelegramServer, private: int, groups: int) -> list[Place]:
    people = [server.user(f"Friend {letter}") for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    places: list[Place] = [
        TelegramPlace(server, server.chats[people[at].id], [people[at]]) for at in range(private)
    ]
    for at in range(groups):
        places.append(TelegramPlace(server, server.group(f"Room {at}"), people[at : at + 3]))
    return places


@dataclass
class Tally:
    """What became of the questions of one platform."""

    sent: int = 0
    answered_once: int = 0
    answered_twice: int = 0
    lost: int = 0
    uninvited: int = 0  # answers to what nobody asked the twin
    unfinished: int = 0  # answers whose final text never came

    @property
    def done(self) -> bool:
        return self.lost == 0 and self.unfinished == 0

    @property
    def perfect(self) -> bool:
        return (self.answered_once, self.answered_twice, self.lost) == (self.sent, 0, 0) and not (
            self.uninvited or self.unfinished
        )


@dataclass
class Script:
    """Who said what so far."""

    places: Sequence[Place]
    seed: int = 0
    burst_share: float = 0.2
    idle_share: float = 0.1  # of what is said in groups: to nobody in particular
    asked: dict[int, Place] = field(default_factory=dict)
    thumbs: Counter[str] = field(default_factory=Counter)  # given, by platform
    _numbers: int = 100
    _thumbed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def greet(self) -> None:
        """One question in each chat; from then on the twin knows them all."""
        for place in self.places:
            self._ask(place, 0)

    async def go_on(self, messages: int, pause: float, *, alive: Callable[[], bool] = lambda: True) -> None:
        """So many questions more, about `pause` seconds apart. Thumbs are given while it is `alive`."""
        end = len(self.asked) + messages
        while len(self.asked) < end:
            place = self.random.choice(self.places)
            person = self.random.randrange(3)
            if not place.private and self.random.random() < self.idle_share:
                place.say("nobody in particular is meant by this", person, to_twin=False)
            elif self.random.random() < self.burst_share:
                for _ in range(min(2, end - len(self.asked))):
                    self._ask(place, person)
                    await asyncio.sleep(0.05)
            else:
                self._ask(place, person)
            if alive():
                self._react()
            await asyncio.sleep(self.random.uniform(0.0, 2 * pause))

    def tally(self, platform: str) -> Tally:
        tally = Tally()
        for place in self.places:
            if place.platform != platform:
                continue
            told = [text for _, text in place.answers()]
            found = Counter(int(number) for text in told for number in NUMBER.findall(text))
            for number in (number for number, where in self.asked.items() if where is place):
                tally.sent += 1
                tally.answered_once += found[number] == 1
                tally.answered_twice += found[number] > 1
                tally.lost += found[number] == 0
            tally.uninvited += sum(not NUMBER.search(text) for text in told)
            tally.unfinished += sum(not text.endswith("to say") for text in told)
        return tally

    async def until_done(self, seconds: float) -> None:
        """Every question has an answer that is whole, or the time is up."""
        platforms = {place.platform for place in self.places}
        for _ in range(int(seconds / 0.1)):
            if all(self.tally(platform).done for platform in platforms):
                return
            await asyncio.sleep(0.1)

    def _ask(self, place: Place, person: int) -> None:
        self._numbers += 1
        self.asked[self._numbers] = place
        place.say(f"what about #{self._numbers} then", person, to_twin=True)

    def _react(self) -> None:
        """Sometimes, to an answer that nobody has reacted to."""
        if self.random.random() > 0.3:
            return
        place = self.random.choice(self.places)
        fresh = [one for one, text in place.answers() if id(one) not in self._thumbed and text]
        if fresh:
            self._thumbed.append(id(fresh[-1]))
            place.react(fresh[-1], self.random.choice("👍👎"))
            self.thumbs[place.platform] += 1
