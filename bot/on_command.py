"""What happens on /retrain, /status, /adapters, /help? The same words on every chat app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.on_message import Conversation
from bot.platform import Invocation, Person, Platform, Question, Said
from storage.adapters import AdapterStore, NothingToRollBack
from storage.feedback import FeedbackStore
from storage.records import Adapter, AdapterState, Role
from storage.runs import RunStore

HELP = """\
/status                         who answers, and what has been learned from
/retrain                        learn from the feedback now; the outcome is told here
/adapters                       what has been learned so far
/adapters promote VERSION       let that one answer (it must have passed the gate)
/adapters rollback              go back to the one before
/help                           this"""

OWNER_ONLY = "Only the owner can do that."

Tell = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Commands:
    """What the commands need. `retrain` starts a cycle and returns at once; its outcome goes to `tell`."""

    adapters: AdapterStore
    feedback: FeedbackStore
    runs: RunStore
    base_model: str
    retrain: Callable[[Tell], Awaitable[str]]
    promote: Callable[[str], Awaitable[str]]
    busy: Callable[[], bool] = lambda: False  # whether a learning cycle that was begun here goes on


async def on_command(
    invocation: Invocation, platform: Platform, *, talk: Conversation, commands: Commands
) -> Said | Question:
    line = " ".join([invocation.command, *invocation.words.values()])
    role = talk.authority.role_of(invocation.by)
    return Said(await _do(line, role, invocation.chat_id, platform, commands=commands))


async def completions(command: str, word: str, so_far: str, by: Person, *, commands: Commands) -> list[str]:
    return [adapter.version for adapter in await commands.adapters.all() if so_far in adapter.version]


async def _do(line: str, role: Role, chat_id: str, platform: Platform, *, commands: Commands) -> str:
    """Do what the line asks for and say what came of it, in words."""
    match line.removeprefix("/").split():
        case ["help"] | []:
            return HELP
        case ["status"]:
            return await _status(commands)
        case ["adapters"] | ["adapters", "list"]:
            return await _list(commands)
        case ["retrain"] | ["adapters", "promote", _] | ["adapters", "rollback"] if role is not Role.OWNER:
            return OWNER_ONLY
        case ["retrain"]:

            async def tell(text: str) -> None:
                await platform.tell(chat_id, text)

            return await commands.retrain(tell)
        case ["adapters", "promote", version]:
            return await commands.promote(version)
        case ["adapters", "rollback"]:
            return await _roll_back(commands)
        case _:
            return f"I don't know {line.split()[0]}. These I know:\n{HELP}"


async def _status(commands: Commands) -> str:
    live = await commands.adapters.live()
    signals = await commands.feedback.effective()
    runs = await commands.runs.all(limit=1)
    lines = [
        f"answering: {live.version if live else 'the base model, nothing learned is live'}",
        f"base model: {commands.base_model}",
        f"feedback that counts: {len(signals)}",
    ]
    if runs:
        last = runs[0]
        lines.append(f"last run: {last.kind}, {last.state} ({last.progress:.0%})")
        if last.error:
            lines.append(f"  {last.error}")
    return "\n".join(lines)


async def _list(commands: Commands) -> str:
    adapters = await commands.adapters.all()
    if not adapters:
        return "Nothing has been learned yet."
    return "\n".join(_line(adapter) for adapter in adapters)


def _line(adapter: Adapter) -> str:
    mark = "→" if adapter.state is AdapterState.LIVE else " "
    why = f"  ({'; '.join(adapter.reasons)})" if adapter.state is AdapterState.REFUSED else ""
    return f"{mark} {adapter.version}  {adapter.method}  {adapter.state}{why}"


async def _roll_back(commands: Commands) -> str:
    try:
        promotion = await commands.adapters.roll_back("asked for in a chat")
    except NothingToRollBack:
        return "There is nothing to go back to: the base model is answering already."
    return f"{promotion.version or 'The base model'} answers from the next message on."
