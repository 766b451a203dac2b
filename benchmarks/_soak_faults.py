"""What goes wrong in benchmarks/soak.py? One fault after the other, each kind before any comes again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from chat_killer import Killer
from chat_service import ChatService
from chat_world import World

UP_SECONDS = 300.0  # a busy machine takes its time to start a model server
FROZEN, LOCKED = 5.0, 1.0  # seconds
Way = Callable[[], Awaitable[bool]]
"""Whether there was something to break."""


class Faults:
    """The service is started again by us, as systemd would; everything else has to come back by itself."""

    def __init__(
        self, world: World, service: ChatService, database: Path, seed: int, *, kills: bool = True
    ) -> None:
        """`kills`: of the service, too."""
        self.happened: Counter[str] = Counter()
        self.moments: Counter[str] = Counter()  # when the service was killed
        self.slowest_return = 0.0  # seconds until it heard again after a kill
        self._world, self._service, self._database = world, service, database
        self._order = random.Random(seed)
        self._killer = Killer(world.discord, world.telegram, seed)
        self._left: list[str] = []
        self._ways: dict[str, Way] = {
            "service killed": self._kill_service,
            "trainer killed": lambda: self._signal("learning.worker", signal.SIGKILL),
            "model server killed": lambda: self._signal("brain.embedded_server", signal.SIGKILL),
            "model server frozen": self._freeze,
            "database locked": self._lock,
            "errors of the chat apps": self._errors,
            "rate limits": self._limits,
            "answers lost on the way": self._lose,
            "connections cut": self._disconnect,
        }
        if not kills:
            del self._ways["service killed"]

    async def go_on(
        self, over: asyncio.Event, *, between: float, calm: float, on_fault: Callable[[str], None]
    ) -> None:
        """Until it is over: about `between` seconds from one to the next, and at least `calm` seconds from
        one kill of the service or a trainer to the next, or no training would ever end."""
        loop = asyncio.get_running_loop()
        killed, kinds = loop.time(), list(self._ways)
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._order.uniform(0.5 * between, 1.5 * between))
                return
            self._left = self._left or self._order.sample(kinds, len(kinds))
            kind = next((one for one in self._left if loop.time() - killed > calm or not _sets_back(one)), "")
            if not kind:  # what had to wait comes first once it may, before its like of the next round
                self._left += [one for one in self._order.sample(kinds, len(kinds)) if one not in self._left]
                continue
            self._left.remove(kind)
            on_fault(kind)
            if await self._ways[kind]():
                self.happened[kind] += 1
                killed = loop.time() if _sets_back(kind) else killed

    async def _kill_service(self) -> bool:
        self.moments[await self._killer.strike(self._service)] += 1
        await asyncio.sleep(self._order.uniform(0.0, 1.0))
        began = time.monotonic()
        await self._service.up(UP_SECONDS)
        self.slowest_return = max(self.slowest_return, time.monotonic() - began)
        return True

    async def _signal(self, program: str, number: signal.Signals) -> bool:
        found = children(self._service, program)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return bool(found)

    async def _freeze(self) -> bool:
        frozen = await self._signal("brain.embedded_server", signal.SIGSTOP)
        await asyncio.sleep(FROZEN)
        await self._signal("brain.embedded_server", signal.SIGCONT)
        return frozen

    async def _lock(self) -> bool:
        await asyncio.to_thread(lock, self._database, LOCKED)
        return True

    async def _errors(self) -> bool:
        for method in ("POST", "PATCH"):
            self._world.discord.fault("down", 1, method=method)
        self._world.telegram.broken_polls = 2
        return True

    async def _limits(self) -> bool:
        self._world.discord.fault("limit", 2, seconds=0.7)
        self._world.telegram.flood(1, times=2)
        return True

    async def _lose(self) -> bool:
        """It was done, and whoever asked for it does not hear so."""
        self._world.discord.fault(self._order.choice(("bad", "lose")), 1)
        self._world.telegram.lose_answers(1, self._order.choice(("502", "drop")))
        return True

    async def _disconnect(self) -> bool:
        gateway = self._world.discord.gateway
        self._order.choice((gateway.drop, gateway.ask_to_reconnect, gateway.invalidate))()
        return True


def _sets_back(kind: str) -> bool:
    return kind in ("service killed", "trainer killed")


def lock(database: Path, seconds: float) -> None:
    """Somebody else writes, and takes their time."""
    with sqlite3.connect(database, timeout=30, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        other.execute("ROLLBACK")


def children(service: ChatService, program: str) -> list[int]:
    """The processes that the service has started to run this module."""
    if not service.process or not service.running:
        return []
    pid, found = service.process.pid, []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():  # a child belongs to the thread that made it
            for child in (task / "children").read_text().split():
                with suppress(OSError):
                    if program in Path(f"/proc/{child}/cmdline").read_text().split("\0"):
                        found.append(int(child))
    return found
