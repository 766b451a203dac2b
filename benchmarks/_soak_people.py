"""Who talks to the twin in benchmarks/soak.py, and what became of what they said? Counted as people see it.

Each chat has one open question at a time, so that whatever the twin says there can be matched with what was
asked: in groups by the message it refers to, in private by its place between two questions.

When a model server dies in the middle of an answer, people see half of it, take it for whole and ask on. The
twin then answers both questions at once, as it does whenever one person says two things in a row: such a
question counts as answered if the twin's database says by which answer, and that one is in the chat, once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chat_script import DiscordPlace, Place, TelegramPlace
from chat_world import PLATFORMS, World

SCRIPT = Path(__file__).parents[1] / "examples" / "mira" / "feedback.json"
LOOK_SECONDS = 0.1
SETTLED_SECONDS = 1.5  # without a change until people take an answer for whole
NOTHING: Mapping[str, str] = {}
Judge = Callable[["Chat", Any, str], None]


@dataclass(frozen=True, slots=True)
class Given:
    """A judgement that has reached the chat app, by the message it is about."""

    platform: str
    message_id: str
    kind: str


@dataclass
class Tally:
    messages: int = 0
    answered_once: int = 0
    doubled: int = 0
    lost: int = 0
    uninvited: int = 0  # answers to what nobody asked
    together: int = 0  # of those answered once: asked around half an answer, and answered with the other one


@dataclass
class Chat:
    """One chat, and the one person in it who asks."""

    place: Place
    lines: Iterator[Any]  # what they are going to say
    judge: Judge
    pause: float
    order: random.Random
    asked: list[str] = field(default_factory=list)  # ids
    boundaries: list[int] = field(default_factory=list)  # how much the twin had said before each question
    taken: dict[int, tuple[str, str]] = field(default_factory=dict)  # for whole: its id and text

    async def talk(self, over: asyncio.Event) -> None:
        """One question after the other, until it is over; the last one is not waited for."""
        await asyncio.sleep(self.order.uniform(0, self.pause))
        while not over.is_set() and (line := next(self.lines, None)):
            said = line if isinstance(line, str) else line["say"]
            self.boundaries.append(len(self.place.answers()))
            self.asked.append(self.place.say(said, 0, to_twin=True))
            answer = await self._answer(over)
            if answer is None:
                return
            self.taken[len(self.asked) - 1] = self._keyed((answer, self._text_of(answer)))
            self.judge(self, line, answer)
            await asyncio.sleep(self.order.uniform(0.5 * self.pause, 1.5 * self.pause))

    def answered(self) -> bool:
        return not self.asked or len(self._to(len(self.asked) - 1)) > 0

    def tally(self, tally: Tally, answered: Mapping[str, str] = NOTHING) -> None:
        """`answered`: what the database says, by which reply each question was answered; by their keys."""
        found = [len(self._to(number)) for number in range(len(self.asked))]
        tally.uninvited += len(self.place.answers()) - sum(found)
        together = [number for number in range(len(found)) if self._is_together(number, found, answered)]
        for number in together:
            found[number] = 1
        tally.together += len(together)
        tally.messages += len(found)
        tally.answered_once += found.count(1)
        tally.lost += found.count(0)
        tally.doubled += sum(count > 1 for count in found)

    def _is_together(self, number: int, found: Sequence[int], answered: Mapping[str, str]) -> bool:
        around_a_half = self._was_half(number) or self._was_half(number - 1)
        if found[number] or not around_a_half or not (reply := answered.get(self._key(number))):
            return False
        same = [other for other in range(len(found)) if answered.get(self._key(other)) == reply]
        return sum(found[other] for other in same) == 1

    def _was_half(self, number: int) -> bool:
        """What people took for the answer has changed since, or is gone."""
        id, text = self.taken.get(number, ("", ""))
        return bool(id) and dict(map(self._keyed, self.place.answers())).get(id) != text

    def _key(self, number: int) -> str:
        return f"{self.place.platform}:{self.place.chat_id}:{self.asked[number]}"

    def _text_of(self, message: Any) -> str:
        id = self.place.ids(message)[0]
        return dict(map(self._keyed, self.place.answers())).get(id, "")

    def _to(self, number: int) -> list[Any]:
        """What the twin has said to that question."""
        said = [message for message, _ in self.place.answers()]
        if not self.place.private:
            return [message for message in said if self.place.ids(message)[1] == self.asked[number]]
        ends = [*self.boundaries, len(said)]
        return said[ends[number] : ends[number + 1]]

    async def _answer(self, over: asyncio.Event) -> Any:
        """The answer to the last question, once it does not change any more; None: it is over."""
        loop = asyncio.get_running_loop()
        before, since = None, loop.time()
        while not over.is_set():
            await asyncio.sleep(LOOK_SECONDS)
            text = dict(map(self._keyed, self.place.answers())).get(self._last() or "")
            if text != before:
                before, since = text, loop.time()
            elif text and loop.time() - since > SETTLED_SECONDS:
                return self._to(len(self.asked) - 1)[-1]
        return None

    def _keyed(self, answer: tuple[Any, str]) -> tuple[str, str]:
        return self.place.ids(answer[0])[0], answer[1]

    def _last(self) -> str | None:
        found = self._to(len(self.asked) - 1)
        return self.place.ids(found[-1])[0] if found else None


class People:
    """The owner in rooms of their own, friends and strangers in private and in one room for all."""

    def __init__(
        self,
        world: World,
        *,
        rooms: int,
        friends: int,
        strangers: int,
        pause: float,
        lesson_pause: float,
        seed: int,
        alive: Callable[[], bool],
    ) -> None:
        """So many of each on each platform. `alive`: whether the service hears; thumbs are given then.

        Seconds that each pauses on average: `lesson_pause` the owner in a room, `pause` everybody else.
        """
        self.order, self.alive = random.Random(seed), alive
        self.given: list[Given] = []
        self.counts: Counter[str] = Counter()  # judgements, by whom and what
        script = json.loads(SCRIPT.read_text(encoding="utf-8"))
        teaching = self.order.sample(items := [*script["corrections"], *script["thumbs"]], len(items))
        lessons = iter(teaching)  # each once: the same question again would teach nothing new
        small_talk = [item["say"] for item in script["corrections"]]
        self.chats: list[Chat] = []
        for name in PLATFORMS:
            owner, crowd = self._crowd(world, name, friends + strangers)
            for number in range(rooms):
                self._add(_room(world, name, f"mira-{number}", owner), lessons, self._teach, lesson_pause)
            for number, person in enumerate(crowd):
                how = self._like if number < friends else self._dislike
                self._add(_private(world, name, person), self._endless(small_talk), how, pause)
            self._add(_room(world, name, "everybody", crowd[0]), self._endless(small_talk), self._like, pause)

    def _crowd(self, world: World, name: str, count: int) -> tuple[Any, list[Any]]:
        server: Any = world.discord if name == "discord" else world.telegram
        owner_id = int(world.owner[name])
        users = server.world.users if name == "discord" else server.users
        return users[owner_id], [server.user(f"Somebody {number}") for number in range(count)]

    def _add(self, place: Place, lines: Iterator[Any], judge: Judge, pause: float) -> None:
        self.chats.append(Chat(place, lines, judge, pause, random.Random(self.order.random())))

    def _endless(self, lines: list[str]) -> Iterator[str]:
        mixed = self.order.sample(lines, len(lines))
        return itertools.cycle(mixed)

    async def talk(self, over: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            for chat in self.chats:
                tasks.create_task(chat.talk(over))

    @property
    def taught(self) -> int:
        return self.counts["owner's corrections"] + self.counts["owner's thumbs"]

    def answered(self) -> bool:
        return all(chat.answered() for chat in self.chats)

    def tally(self, answered: Mapping[str, str]) -> Tally:
        tally = Tally()
        for chat in self.chats:
            chat.tally(tally, answered)
        return tally

    def _teach(self, chat: Chat, line: Any, answer: Any) -> None:
        """As the owner does: better words, or a thumb."""
        said = {chat.place.ids(one)[0]: text for one, text in chat.place.answers()}
        text = said[chat.place.ids(answer)[0]]
        if better := line.get("better"):
            if better != text:  # else there is nothing to correct
                chat.place.say(f"= {better}", 0, to_twin=False, reply_to=answer)
                self._gave(chat, answer, "correction", "owner's corrections")
        else:
            disliked = line["thumb_down_if_contains"] in text.lower()
            self._thumb(chat, answer, "👎" if disliked else "👍", "owner's thumbs")

    def _like(self, chat: Chat, line: Any, answer: Any) -> None:
        """Friends judge some answers, and like more of them than not."""
        if chat.order.random() < 0.3:
            self._thumb(chat, answer, "👍" if chat.order.random() < 0.7 else "👎", "friends' thumbs")

    def _dislike(self, chat: Chat, line: Any, answer: Any) -> None:
        """Strangers would have the twin otherwise, and must not get it."""
        if chat.order.random() < 0.7:
            self._thumb(chat, answer, "👎", "strangers' thumbs")

    def _thumb(self, chat: Chat, answer: Any, emoji: str, whose: str) -> None:
        if self.alive():
            chat.place.react(answer, emoji)
            self._gave(chat, answer, "up" if emoji == "👍" else "down", whose)

    def _gave(self, chat: Chat, answer: Any, kind: str, whose: str) -> None:
        self.given.append(Given(chat.place.platform, chat.place.ids(answer)[0], kind))
        self.counts[whose] += 1


def _room(world: World, platform: str, name: str, person: Any) -> Place:
    if platform == "discord":
        return DiscordPlace(world.discord, world.discord.channel(name), [person])
    return TelegramPlace(world.telegram, world.telegram.group(name), [person])


def _private(world: World, platform: str, person: Any) -> Place:
    if platform == "discord":
        return DiscordPlace(world.discord, world.discord.dm(person), [person])
    return TelegramPlace(world.telegram, world.telegram.chats[person.id], [person])
