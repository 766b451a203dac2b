"""What happens when a command is given? The same on every chat app.

Who may give it is decided here; what the bigger ones do is told in the file of their topic.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot import privacy
from bot.chat_commands import how_here, pause, resume, set_chat
from bot.commands import BY_NAME, Command
from bot.compare import compare
from bot.facts import remember
from bot.help import help_for, in_words, may_use
from bot.on_message import Conversation
from bot.on_press import correct
from bot.platform import ChatRefused, ChatUnavailable, Invocation, Person, Platform, Press, Question, Said
from bot.teach import teach
from bot.which_reply import carried_by
from storage.adapters import AdapterStore, NothingToRollBack
from storage.feedback import FeedbackStore
from storage.records import Adapter, AdapterState, Consent, Role
from storage.runs import RunStore

log = logging.getLogger(__name__)

OWNER_ONLY = "Only the owner can do that."
NO_SCHEDULE = "There is no schedule here: 'twin up' has one."
ADMINS_ONLY = "Only the owner, or somebody who manages this chat, can do that."

Tell = Callable[[str], Awaitable[None]]
Request = Callable[[str, str], Awaitable[str]]


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
    request: Request | None = None  # puts a cycle into the queue instead; by whom, and the chat that is told
    schedule: Callable[[], Awaitable[str]] | None = None  # in words


async def on_command(
    invocation: Invocation, platform: Platform, *, talk: Conversation, commands: Commands
) -> Said | Question:
    """Do it, and say what came of it."""
    by, role = invocation.by, talk.authority.role_of(invocation.by)
    command = BY_NAME.get(invocation.command)
    if command is None:
        return Said(f"I don't know /{invocation.command}.\n\n{help_for(by, role, talk.settings)}")
    if refusal := await _refusal(command, invocation, role, talk):
        log.warning("%s:%s may not give /%s in %s", by.platform, by.id, command.name, invocation.chat_id)
        return Said(refusal)
    if not _well_said(command, invocation.words):
        return Said(f"Write it like this: {in_words(command, role)}")
    match command.name:
        case "help":
            return Said(help_for(by, role, talk.settings))
        case "status":
            return Said(await _status(invocation, role, talk, commands))
        case "retrain" if commands.request:
            where = f"{by.platform}:{invocation.chat_id}"
            return Said(await commands.request(f"{by.platform}:{by.id}", where))
        case "retrain":
            return Said(await commands.retrain(_teller(invocation, platform, talk)))
        case "schedule":
            return Said(await commands.schedule() if commands.schedule else NO_SCHEDULE)
        case "adapters":
            return Said(await _adapters(invocation, commands))
        case "chat" if invocation.words.get("mode", "show") == "show":
            return Said("\n".join(await how_here(invocation, talk)) or "I answer here.")
        case "chat":
            return await set_chat(invocation.words["mode"], invocation, talk)
        case "draft":
            return await set_chat(f"draft-{invocation.words.get('state')}", invocation, talk)
        case "pause":
            return await pause(invocation, talk)
        case "resume":
            return await resume(invocation, talk)
        case "correct":
            return await _correct(invocation, talk)
        case "compare":
            return await compare(invocation, talk)
        case "teach":
            return await teach(invocation, talk)
        case "remember":
            return await remember(invocation.words.get("fact", ""), talk.kept.facts)
        case _:
            return await privacy.on_command(invocation, talk)


async def completions(command: str, word: str, so_far: str, by: Person, *, commands: Commands) -> list[str]:
    """What somebody may mean who has typed `so_far`, the likeliest first."""
    if (command, word) != ("adapters", "version"):
        return []
    usable = [one for one in await commands.adapters.all() if one.state is not AdapterState.REFUSED]
    return [one.version for one in reversed(usable) if so_far.lower() in one.version]


async def _refusal(command: Command, invocation: Invocation, role: Role, talk: Conversation) -> str | None:
    """Why this person may not do that; None: they may."""
    by = invocation.by
    if not may_use(command, by, role):
        return ADMINS_ONLY if command.admins else OWNER_ONLY
    if role is Role.OWNER:
        return None
    if command.name == "adapters" and invocation.words.get("action", "list") != "list":
        return OWNER_ONLY
    consent = await talk.kept.people.consent(by.platform, by.id)
    if consent is Consent.OPTED_OUT and command.name not in privacy.ALWAYS:
        return privacy.OPTED_OUT
    return None


def _well_said(command: Command, words: Mapping[str, str]) -> bool:
    """Whether the words are there that it needs, and the ones it knows where it knows them all."""
    return all(
        said in word.choices if word.choices and said else bool(said) or not word.required
        for word in command.words
        for said in [words.get(word.name, "")]
    )


def _teller(invocation: Invocation, platform: Platform, talk: Conversation) -> Tell:
    """Tells what came of it long after, in that chat or, when it is closed to us, the owner. Never raises."""

    async def tell(text: str) -> None:
        try:
            await platform.tell(invocation.chat_id, text)
        except (ChatRefused, ChatUnavailable) as reason:
            log.warning("%s:%s is not told: %s", platform.name, invocation.chat_id, reason)
            await talk.news.tell(text, on=platform.name)

    return tell


async def _status(invocation: Invocation, role: Role, talk: Conversation, commands: Commands) -> str:
    live = await commands.adapters.live()
    lines = [
        f"answering: {live.version if live else 'the base model, nothing learned is live'}",
        f"base model: {commands.base_model}",
        f"feedback that counts: {len(await commands.feedback.effective())}",
    ]
    if runs := await commands.runs.all(limit=1):
        last = runs[0]
        lines.append(f"last run: {last.kind}, {last.state} ({last.progress:.0%})")
        if last.error and role is Role.OWNER:
            lines.append(f"  {last.error}")
    if waiting := await talk.kept.messages.waiting():
        lines.append(f"messages that wait for an answer: {len(waiting)}")
    return "\n".join(lines + await how_here(invocation, talk))


async def _adapters(invocation: Invocation, commands: Commands) -> str:
    version = invocation.words.get("version", "").strip()
    match invocation.words.get("action", "list"):
        case "promote" if version:
            return await commands.promote(version)
        case "promote":
            return "Which one? /adapters promote VERSION"
        case "rollback":
            return await _roll_back(commands)
        case _:
            adapters = await commands.adapters.all()
            return "\n".join(map(_line, adapters)) or "Nothing has been learned yet."


def _line(adapter: Adapter) -> str:
    mark = {AdapterState.LIVE: "→", AdapterState.CANARY: "~"}.get(adapter.state, " ")
    share = f" of {adapter.canary_share:.0%}" if adapter.canary_share else ""
    why = f"  ({'; '.join(adapter.reasons)})" if adapter.state is AdapterState.REFUSED else ""
    return f"{mark} {adapter.version}  {adapter.method}  {adapter.state}{share}{why}"


async def _roll_back(commands: Commands) -> str:
    try:
        promotion = await commands.adapters.roll_back("asked for in a chat")
    except NothingToRollBack:
        return "There is nothing to go back to: the base model is answering already."
    return f"{promotion.version or 'The base model'} answers from the next message on."


async def _correct(invocation: Invocation, talk: Conversation) -> Said | Question:
    by, chat_id, about = invocation.by, invocation.chat_id, invocation.about
    if about:
        key = await carried_by(about, talk.kept)
    else:
        last = await talk.kept.messages.last_reply(by.platform, chat_id)
        key = last.key if last else None
    if key is None:
        return Said("That is not an answer of mine." if about else "There is no answer of mine here yet.")
    text = invocation.words.get("text", "").strip() or None
    return await correct(Press(f"ask-correct:{key}", by, chat_id, "", invocation.at, text), key, talk)
