"""What does talking cost by itself? Many chats at once through one process, with a model that is quick.

First everybody writes as soon as they are answered: that is how much it can take. Then they write at half
that rate: what a message waits then, beyond the bare call of the model in the same seconds, is what we add.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chat_world import World, a_world

from brain.model_client import ModelClient, Sampling

NUMBER = re.compile(r"#(\d+)")
PATIENCE = 120.0
OnProgress = Callable[[float, str], None]


@dataclass
class Load:
    """People in private chats of one platform, and when each of their messages was answered."""

    world: World
    platform: str
    people: list[tuple[Any, Any]] = field(default_factory=list)  # chat, person
    told: Counter[int] = field(default_factory=Counter)  # how often each question was answered
    _asked: dict[int, float] = field(default_factory=dict)
    _answers: dict[int, asyncio.Future[float]] = field(default_factory=dict)

    def gather(self, count: int) -> None:
        """So many people, each in a chat of their own; from now on what the bot writes is noticed."""
        server: Any = self.world.discord if self.platform == "discord" else self.world.telegram
        for number in range(count):
            person = server.user(f"Person {number}")
            self.people.append((server.dm(person) if self.platform == "discord" else person, person))
        if self.platform == "discord":
            emit, bot = server.gateway.emit, str(server.bot.id)

            def emit_and_look(event: str, data: Any, *more: Any) -> None:
                emit(event, data, *more)
                if event == "MESSAGE_CREATE" and data["author"]["id"] == bot:
                    self._seen(data["content"])

            server.gateway.emit = emit_and_look
        else:
            send = server.methods.sendMessage

            def send_and_look(asked: Any) -> Any:
                sent = send(asked)
                self._seen(asked["text"])
                return sent

            server.methods.sendMessage = send_and_look

    def _seen(self, text: str) -> None:
        for number in map(int, NUMBER.findall(text)):
            self.told[number] += 1
            if number in self._answers and not self._answers[number].done():
                self._answers[number].set_result(time.perf_counter() - self._asked[number])

    def tally(self) -> dict[str, int]:
        """What has become of all that was asked."""
        times = [self.told[number] for number in self._asked]
        return {
            "sent": len(times),
            "answered_once": times.count(1),
            "doubled": sum(one > 1 for one in times),
            "lost": times.count(0),
        }

    async def ask(self, number: int) -> float | None:
        """Seconds until the answer is in the chat; None when there is none for long."""
        asked = len(self._asked) + 1000
        chat, person = self.people[number]
        self._answers[asked] = asyncio.get_running_loop().create_future()
        self._asked[asked] = time.perf_counter()
        server: Any = self.world.discord if self.platform == "discord" else self.world.telegram
        server.say(chat, person, f"what about #{asked} then")
        try:
            return await asyncio.wait_for(self._answers[asked], PATIENCE)
        except TimeoutError:
            return None


async def load_run(
    folder: Path, platform: str, *, chats: int, rounds: int, seconds: float, on_progress: OnProgress
) -> dict[str, float]:
    async with a_world(folder) as world:
        load = Load(world, platform)
        load.gather(chats)
        service = world.service(
            platforms=(platform,),
            settings={"chat": {"burst_seconds": 0, "speed": 0, "delivery": "whole"}},
            program="benchmarks._chat_at_full_speed",
        )
        try:
            await service.up()
            on_progress(0.1, f"{platform}: everybody at once")
            await asyncio.gather(*(load.ask(number) for number in range(chats)))  # warm, and acquainted
            began = time.perf_counter()
            at_once = await asyncio.gather(*(_as_fast_as_they_can(load, one, rounds) for one in range(chats)))
            most = chats * rounds / (time.perf_counter() - began)
            on_progress(0.5, f"{platform}: {most:.0f} messages a second at most; now half of that")
            waits, bare = await _at_a_rate(load, most / 2, seconds)
            rss = service.rss_mb()
            if await service.stop() != 0:
                raise AssertionError(service.last_words())
        finally:
            service.kill()
        if world.complaints:
            raise AssertionError(f"the chat app complains: {world.complaints[:3]}")
    answered = [wait for wait in waits if wait is not None]
    model = statistics.median(bare)
    added = sorted(1000 * (wait - model) for wait in answered)
    return {
        "messages_per_s": round(most, 1),
        "offered_per_s": round(most / 2, 1),
        "model_ms_p50": round(1000 * model, 1),
        "added_latency_ms_p50": round(statistics.median(added), 1),
        "added_latency_ms_p95": round(added[int(0.95 * len(added))], 1),
        "unanswered": sum(wait is None for wait in [*waits, *(one for some in at_once for one in some)]),
        "rss_mb": round(rss, 1),
    }


async def _as_fast_as_they_can(load: Load, number: int, rounds: int) -> list[float | None]:
    return [await load.ask(number) for _ in range(rounds)]


async def _at_a_rate(load: Load, rate: float, seconds: float) -> tuple[list[float | None], list[float]]:
    """Everybody writes when they feel like it, so that it comes to that rate; the bare model meanwhile."""
    order = random.Random(0)
    client, bare = ModelClient(load.world.model.url), []
    asking: list[asyncio.Task[float | None]] = []

    async def ask_the_model() -> None:
        while True:
            began = time.perf_counter()
            await client.chat("quick", [{"role": "user", "content": "what about #1 then"}], Sampling())
            bare.append(time.perf_counter() - began)
            await asyncio.sleep(0.1)

    asking_the_model = asyncio.create_task(ask_the_model())
    people = list(range(len(load.people)))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        order.shuffle(people)
        for number in people:  # nobody writes twice before everybody has written once
            asking.append(asyncio.create_task(load.ask(number)))
            await asyncio.sleep(order.expovariate(rate))
            if time.perf_counter() > end:
                break
    waits = list(await asyncio.gather(*asking))
    asking_the_model.cancel()
    await asyncio.gather(asking_the_model, return_exceptions=True)
    await client.aclose()
    return waits, bare
