"""The terminal as a chat app: a full platform like any other, for one person who is the owner."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.patch_stdout import patch_stdout

from bot.commands import BY_NAME, parse
from bot.platform import (
    Button,
    ChatRefused,
    Ears,
    Invocation,
    Limits,
    Person,
    Press,
    Question,
    Reaction,
    Said,
)
from storage.records import Media, Message, message_key, now, stable_id

HOW_TO = """\
Just write. About the last answer:  👍 or +   👎 or -  (again: take it back)  /correct what I should have said
/status  /retrain  /adapters  /help   and /quit or Ctrl-D to leave"""

OWNER_ID = "owner"  # whoever sits at the owner's machine


class TerminalApp:
    """One chat on standard input and output. Without a terminal it reads and prints plain lines."""

    name = "terminal"
    limits = Limits(message_length=100_000, edit_seconds=0.0)

    def __init__(self, ears: Ears, *, owner_name: str, twin_name: str, out: TextIO | None = None) -> None:
        self._ears = ears
        self._me = Person(self.name, OWNER_ID, owner_name, is_admin=True)
        self._twin_name = twin_name
        self._out = out or sys.stdout
        self._chat_id = "terminal"
        self._line_open = False
        self._shown: dict[str, str] = {}
        self._last_reply: str | None = None  # the message that carries it
        self._verdict: str | None = None
        self._buttons: list[Button] = []  # what /1, /2 ... press
        self._question: Question | None = None  # what the next line answers
        self._sent = 0
        self._started = stable_id(now().isoformat())[:8]  # message ids of two sittings never meet

    # what the flow asks of a platform

    def length(self, text: str) -> int:
        return len(text)

    async def send(
        self,
        chat_id: str,
        text: str,
        *,
        reply_to: str | None = None,
        nonce: str | None = None,
        buttons: Sequence[Button] = (),
    ) -> str:
        message_id = self._next_id()
        self._close_line()
        self._write(f"{self._twin_name}: {text}")
        self._line_open, self._shown = True, {message_id: text}
        self._last_reply, self._verdict = message_id, None
        return message_id

    async def show_growing(self, chat_id: str, text: str, *, nonce: str) -> bool:
        return False

    async def find_sent(
        self, chat_id: str, text: str, *, nonce: str, after: str, known: set[str]
    ) -> str | None:
        return None  # what stood on a screen before is gone

    async def edit(self, chat_id: str, message_id: str, text: str, *, buttons: Sequence[Button] = ()) -> None:
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

    async def tell(self, chat_id: str, text: str, buttons: Sequence[Button] = ()) -> str:
        self._close_line()
        self._write("".join(f"  · {line}\n" for line in text.splitlines()))
        if buttons:
            self._buttons = list(buttons)
            choices = (f"/{number} {button.label}" for number, button in enumerate(buttons, start=1))
            self._write(f"  · {'   '.join(choices)}\n")
        return self._next_id()

    async def fetch(self, media: Media, most: int) -> bytes:
        raise ChatRefused("nothing hangs on what is typed in a terminal")

    async def private_chat(self, person_id: str) -> str:
        return self._chat_id

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
        emoji = {"+": "👍", "-": "👎"}.get(line, line)
        if self._question and not line.startswith("/"):
            question, self._question = self._question, None
            await self._show(await self._ears.button_pressed(self._press(question.action, line), self))
        elif emoji in ("👍", "👎"):
            await self._react(emoji)
        elif line.startswith("/"):
            await self._command(line.removeprefix("/"))
        else:
            answer = await self._ears.message_arrived(self._message(line), self)
            if answer:
                await answer

    async def _command(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        if name.isdigit() and 0 < int(name) <= len(self._buttons):
            action = self._buttons[int(name) - 1].action
            await self._show(await self._ears.button_pressed(self._press(action, None), self))
        elif name in BY_NAME:
            about = message_key(self.name, self._chat_id, self._last_reply) if self._last_reply else None
            words = parse(BY_NAME[name], rest)
            call = Invocation(name, words, self._me, self._chat_id, True, now(), about=about)
            await self._show(await self._ears.command_given(call, self))
        else:
            await self.tell(self._chat_id, f"I don't know /{name}. /help names what I know.")

    async def _react(self, emoji: str) -> None:
        if self._last_reply is None:
            await self.tell(self._chat_id, "There is no answer yet to judge.")
            return
        taken_back = self._verdict == emoji
        key = message_key(self.name, self._chat_id, self._last_reply)
        if self._verdict:
            await self._ears.reaction_changed(Reaction(key, self._verdict, self._me, now(), False), self)
        if not taken_back:
            await self._ears.reaction_changed(Reaction(key, emoji, self._me, now(), True), self)
        self._verdict = None if taken_back else emoji
        await self.tell(self._chat_id, "Taken back." if taken_back else "Noted.")

    async def _show(self, outcome: Said | Question | None) -> None:
        match outcome:
            case Question():
                self._question = outcome
                await self.tell(self._chat_id, f"{outcome.title} Write it on the next line.")
            case Said():
                await self.tell(self._chat_id, outcome.text, outcome.buttons)
                if outcome.file:
                    name, content = outcome.file
                    self._write(f"--- {name}\n{content.decode(errors='replace')}\n---\n")

    def _press(self, action: str, text: str | None) -> Press:
        return Press(action, self._me, self._chat_id, self._next_id(), now(), text)

    def _message(self, text: str) -> Message:
        return Message(
            key=message_key(self.name, self._chat_id, self._next_id()),
            platform=self.name,
            chat_id=self._chat_id,
            author_id=OWNER_ID,
            author_name=self._me.name,
            text=text,
            sent_at=now(),
            by_owner=True,
            private=True,
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
