"""What happens when somebody asks for a training in a chat of the service? It is put into the queue."""

from __future__ import annotations

from dataclasses import replace

from bot.on_command import Commands
from twin.build import Stores
from twin.current import Current
from twin.learning_state import LearningState
from twin.schedule import enqueue
from twin.schedule_status import status_of


def through_the_queue(commands: Commands, stores: Stores, current: Current) -> Commands:
    """The same commands; but a cycle survives the process that it was asked of."""
    learning = LearningState(current.home, stores)

    async def request(by: str, where: str) -> str:
        verdict = await learning.verdict(current.settings, asked=True)
        if verdict.kind is None:
            return f"I cannot learn now: {verdict.why}."
        again = {"again": False}
        if not await enqueue(stores, current.settings, verdict.kind, by=by, parameters=again, tell=where):
            return "That is waiting for its turn already; the outcome will be told here."
        return "Learning from the feedback; we can go on talking. The outcome will be told here."

    async def schedule() -> str:
        return (await status_of(current.home, current.settings, stores)).in_words()

    return replace(commands, request=request, schedule=schedule)
