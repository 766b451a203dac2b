"""The terminal as a chat app: a full platform like any other, for one person who is the owner."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.patch_stdout import patch_stdout

from bot.on_reaction import thumb
from bot.platform import Limits, Platform
from storage.records import Message, Signal, message_key, now, stable_id

HOW_TO = """\
Just write. About the last answer:  👍 or +   👎 or -  (again: take it back)  /correct what I should have said
/status  /retrain  /adapters  /help   and /quit or Ctrl-D to leave"""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the rest of the twin does with what is typed here."""

    message_arrived: Callable[[Message, Platform], Awaitable[Message | None]]
    reaction_added: Callable[[str, Signal], Awaitable[bool]]
    reaction_withdrawn: Callable[[str, Signal], Awaitable[bool]]
    correction_given: Callable[[str, str], Awaitable[bool]]
    command_given: Callable[[str, str, Platform], Awaitable[str]]


class TerminalApp:
    """One chat on standard input and output. Without a terminal it reads and prints plain lines."""

    name = "terminal"
    limits = Limits(message_length=100_000, edit_seconds=0.0)

    def __init__(
        self, handlers: Handlers, *, owner_name: str, twin_name: str, out: TextIO | None = None
    ) -> None:
        self._handlers = handlers
        self._owner_name = owner_name
        self._twin_name = twin_name
        self._out = out or sys.stdout
        self._chat_id = "terminal"
        self._line_open = False
        self._shown: dict[str, str] = {}
        self._last_reply: str | None = None
        self._verdict: Signal | None = None
        self._sent = 0
        self._started = stable_id(now().isoformat())[:8]  # message ids of two sittings never meet

    # what the flow asks of a platform

    async def send(self, chat_id: str, text: str, *, reply_to: str | None = None) -> str:
        message_id = self._next_id()
        self._close_line()
        self._write(f"{self._twin_name}: {text}")
        self._line_open, self._shown = True, {message_id: text}
        return message_id

    async def edit(self, chat_id: str, message_id: str, text: str) -> None:
        shown = self._shown.get(message_id)
        if shown is not None and text.startswith(shown):
            self._write(text[len(shown) :])
        else:
            self._close_line()
            self._write(f"{self._twin_name} (edited): {text}")
        self._line_open, self._shown = True, {message_id: text}

    async def delete(self, chat_id: str, message_id: str) -> None:
        self._close_line()
        self._write("(the answer above was taken back)\n")

    async def react(self, chat_id: str, message_id: str, emoji: str) -> None:
        self._close_line()
        self._write(f"{self._twin_name} reacts {emoji}\n")

    @asynccontextmanager
    async def typing(self, chat_id: str) -> AsyncIterator[None]:
        try:
            yield  # the words themselves appear as they are made
        finally:
            self._close_line()

    async def tell(self, chat_id: str, text: str) -> None:
        self._close_line()
        self._write("".join(f"  · {line}\n" for line in text.splitlines()))

    # what the person types

    async def run(self) -> None:
        """Talk until the person leaves."""
        await self.tell(self._chat_id, HOW_TO)
        read_line = self._reader()
        while (line := await read_line()) is not None:
            if not (line := line.strip()):
                continue
            if line in ("/quit", "/exit"):
                return
            await self._take(line)

    async def _take(self, line: str) -> None:
        signal = thumb({"+": "👍", "-": "👎"}.get(line, line))
        if signal:
            await self._react(signal)
        elif line == "/correct" or line.startswith("/correct "):
            await self._correct(line.removeprefix("/correct"))
        elif line.startswith("/"):
            await self.tell(self._chat_id, await self._handlers.command_given(line, self._chat_id, self))
        else:
            answer = await self._handlers.message_arrived(self._message(line), self)
            if answer:
                self._last_reply, self._verdict = answer.key, None

    async def _react(self, signal: Signal) -> None:
        if self._last_reply is None:
            await self.tell(self._chat_id, "There is no answer yet to judge.")
        elif self._verdict is signal:
            await self._handlers.reaction_withdrawn(self._last_reply, signal)
            self._verdict = None
            await self.tell(self._chat_id, "Taken back.")
        else:
            await self._handlers.reaction_added(self._last_reply, signal)
            self._verdict = signal
            down = "Noted. What should I have said? Tell me with /correct ..."
            await self.tell(self._chat_id, down if signal is Signal.DOWN else "Noted, thank you.")

    async def _correct(self, better: str) -> None:
        if self._last_reply is None:
            await self.tell(self._chat_id, "There is no answer yet to correct.")
        elif await self._handlers.correction_given(self._last_reply, better):
            await self.tell(self._chat_id, "Noted: next time more like that. /retrain learns from it now.")
        else:
            await self.tell(self._chat_id, "Write it like this: /correct what I should have said")

    def _message(self, text: str) -> Message:
        return Message(
            key=message_key(self.name, self._chat_id, self._next_id()),
            platform=self.name,
            chat_id=self._chat_id,
            author_id="owner",
            author_name=self._owner_name,
            text=text,
            sent_at=now(),
            by_owner=True,
        )

    def _next_id(self) -> str:
        self._sent += 1
        return f"{self._started}-{self._sent}"

    def _reader(self) -> Callable[[], Awaitable[str | None]]:
        if not (sys.stdin.isatty() and self._out.isatty()):
            return _plain_line
        session: PromptSession[str] = PromptSession()

        async def read() -> str | None:
            with patch_stdout():
                try:
                    return await session.prompt_async(HTML("<b>you:</b> "))
                except (EOFError, KeyboardInterrupt):
                    return None

        return read

    def _close_line(self) -> None:
        if self._line_open:
            self._write("\n")
            self._line_open = False

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


async def _plain_line() -> str | None:
    line = await asyncio.to_thread(sys.stdin.readline)
    return line or None
