"""Which adapters are on the servers when more twins share them than they hold? Those that were used last.

vLLM keeps `max_loras` adapters ready to answer and `max_cpu_loras` in main memory, and reads the others again
from disk; but it never forgets a name, and the embedded server holds so many and no more. So the least
recently used one is taken off before the next is loaded. It comes back when somebody is to be answered by it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Servers(Protocol):
    async def load_adapter(self, name: str, path: str) -> object: ...

    async def unload_adapter(self, name: str) -> None: ...


class AdapterSlots:
    """Of all twins that share these servers. `most`: adapters at a time; one more waits until one is idle."""

    def __init__(self, servers: Servers, most: int) -> None:
        self.loads = self.evictions = 0
        self._servers, self._most = servers, most
        self._held: OrderedDict[str, None] = OrderedDict()  # the least recently used one first
        self._users: Counter[str] = Counter()
        self._changing = asyncio.Lock()
        self._freed = asyncio.Event()

    def __contains__(self, name: str) -> bool:
        return name in self._held

    async def load(self, name: str, path: str) -> None:
        """See that it is there. Raises what the servers raise. To be followed by `using`, at once."""
        if name not in self._held:
            async with self._changing:
                if name not in self._held:
                    await self._make_room()
                    await self._servers.load_adapter(name, path)
                    self.loads += 1
        self._held[name] = None
        self._held.move_to_end(name)

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        """It is not taken off until the block ends."""
        self._users[name] += 1
        try:
            yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
                self._freed.set()

    def lost(self, name: str) -> None:
        """It is not there any more: a server was restarted, or somebody took it off."""
        self._held.pop(name, None)
        self._freed.set()

    async def _make_room(self) -> None:
        while len(self._held) >= self._most:
            idle = next((name for name in self._held if name not in self._users), None)
            if idle is None:
                self._freed.clear()
                await self._freed.wait()
                continue
            del self._held[idle]
            self.evictions += 1
            await self._servers.unload_adapter(idle)
