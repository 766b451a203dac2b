"""What do commands, buttons and forms look like on Discord, and how are they answered in time?

Discord waits 3 seconds for a first answer and then tells the person that it failed. So we acknowledge first
and answer when we know, except where a form may follow: a form has to be the first answer.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import discord
from discord import ui

from bot.commands import BY_NAME, COMMANDS, Command, Word
from bot.discord_messages import PLATFORM
from bot.discord_trouble import reaching_discord
from bot.platform import (
    Button,
    ChatRefused,
    ChatUnavailable,
    Ears,
    Invocation,
    Person,
    Platform,
    Press,
    Question,
    Said,
)
from storage.records import message_key

if TYPE_CHECKING:
    from bot.discord_app import DiscordApp
    from bot.discord_client import DiscordClient

    Event = discord.Interaction[DiscordClient]

log = logging.getLogger(__name__)

Asked = TypeVar("Asked", Invocation, Press)
Answer = Said | Question | None
MESSAGE_LENGTH = 2000
FORM_SECONDS = 2.0  # of the 3 that Discord gives us; the way there and back takes its share
OURS = "twin:"  # what the custom ids of our buttons and forms begin with
SORRY = Said("Something went wrong on my side. Please try again in a while.")
TOO_SLOW = Said("That took me too long. Please try once more.")


def menu() -> list[dict[str, Any]]:
    """All commands as Discord wants to be told about them."""
    slash = [_slash(command) for command in COMMANDS]
    return slash + [_about_message(command) for command in COMMANDS if command.about_reply]


def _slash(command: Command) -> dict[str, Any]:
    options = [_option(word) for word in sorted(command.words, key=lambda word: not word.required)]
    about = {"type": 1, "name": command.name, "description": command.description, "options": options}
    return about | _offered()


def _about_message(command: Command) -> dict[str, Any]:
    return {"type": 3, "name": command.about_reply} | _offered()


def _offered() -> dict[str, Any]:
    # To everybody, in servers and private chats. Who may is decided when it is given: Discord knows who
    # manages a server, but not who owns the twin, and would lock the owner out of the servers of friends.
    return {"contexts": [0, 1], "integration_types": [0], "default_member_permissions": None}


def _option(word: Word) -> dict[str, Any]:
    option: dict[str, Any] = {"type": 3, "name": word.name, "description": word.description}
    if word.choices:
        option["choices"] = [{"name": choice, "value": choice} for choice in word.choices]
    return option | {"required": word.required, "autocomplete": word.completed and not word.choices}


def buttons_of(buttons: Sequence[Button]) -> ui.View:
    view = ui.View(timeout=None)
    for button in buttons:
        view.add_item(ui.Button(label=button.label, custom_id=OURS + button.action))
    view.stop()  # presses arrive in `take`, also after a restart; the library need not remember them
    return view


def pieces(text: str, length: int = MESSAGE_LENGTH) -> list[str]:
    """Cut where a line ends if there is one, and always go on."""
    found = []
    while len(text) > length:
        cut = text.rfind("\n", 1, length + 1)
        cut = length if cut == -1 else cut
        found.append(text[:cut])
        text = text[cut:].removeprefix("\n")
    return [piece for piece in [*found, text] if piece.strip()]


class Interactions:
    def __init__(self, ears: Ears, app: DiscordApp) -> None:
        self._ears = ears
        self._app = app

    async def take(self, event: Event) -> None:
        match event.type:
            case discord.InteractionType.autocomplete:
                await self._complete(event)
            case discord.InteractionType.application_command:
                await self._command(event)
            case discord.InteractionType.component | discord.InteractionType.modal_submit:
                await self._press(event)
            case _:
                return

    async def _complete(self, event: Event) -> None:
        data = _data(event)
        typed = next((option for option in data.get("options", []) if option.get("focused")), None)
        found: list[str] = []
        try:
            if typed:
                async with asyncio.timeout(FORM_SECONDS):
                    found = await self._ears.completions(
                        data["name"], typed["name"], str(typed["value"]), _person(event)
                    )
        except Exception:
            log.exception("no completions for /%s, interaction %s", data["name"], event.id)
        choices = [discord.app_commands.Choice(name=one, value=one) for one in found if len(one) <= 100][:25]
        async with reaching_discord(self._app.call_seconds):
            await event.response.autocomplete(choices)

    async def _command(self, event: Event) -> None:
        data = _data(event)
        words = {option["name"]: str(option["value"]) for option in data.get("options", [])}
        about = data.get("target_id")
        command = BY_NAME.get(data["name"])
        if about:
            command = next((one for one in COMMANDS if one.about_reply == data["name"]), None)
        if command is None:
            await self._defer(event)
            return await self._respond(event, Said(f"I don't know {data['name']} any more."))
        invocation = Invocation(
            command=command.name,
            words=words,
            by=_person(event),
            chat_id=str(event.channel_id),
            private=event.guild_id is None,
            at=event.created_at,
            server_id=str(event.guild_id) if event.guild_id else None,
            about=message_key(PLATFORM, event.channel_id or 0, about) if about else None,
        )
        ask = partial(self._asked, event, self._ears.command_given, invocation)
        may_ask = bool(command.about_reply) and not words
        return await (self._form_or_answer if may_ask else self._acknowledged)(event, ask)

    async def _press(self, event: Event) -> None:
        data = _data(event)
        if not data["custom_id"].startswith(OURS):
            return None
        press = Press(
            action=data["custom_id"].removeprefix(OURS),
            by=_person(event),
            chat_id=str(event.channel_id),
            message_id=str(event.message.id) if event.message else "",
            at=event.created_at,
            text=_written(data) if event.type is discord.InteractionType.modal_submit else None,
        )
        ask = partial(self._asked, event, self._ears.button_pressed, press)
        may_ask = press.action.startswith("ask-") and press.text is None
        return await (self._form_or_answer if may_ask else self._acknowledged)(event, ask)

    async def _asked(
        self, event: Event, ear: Callable[[Asked, Platform], Awaitable[Answer]], asked: Asked
    ) -> Answer:
        try:
            return await ear(asked, self._app)
        except Exception:
            log.exception("interaction %s in chat %s failed", event.id, event.channel_id)
            return SORRY

    async def _acknowledged(self, event: Event, ask: Callable[[], Awaitable[Answer]]) -> None:
        await self._defer(event)
        await self._respond(event, await ask())

    async def _form_or_answer(self, event: Event, ask: Callable[[], Awaitable[Answer]]) -> None:
        thinking = asyncio.ensure_future(ask())
        await asyncio.wait([thinking], timeout=FORM_SECONDS)
        if thinking.done() and isinstance(question := thinking.result(), Question):
            async with reaching_discord(self._app.call_seconds):
                await event.response.send_modal(_form(question))
        else:
            await self._defer(event)
            await self._respond(event, await thinking)

    # the way back

    async def _defer(self, event: Event) -> None:
        """For them alone: whether others may see it is known later, and more can be shown, but not less."""
        try:
            async with reaching_discord(self._app.call_seconds):
                if event.type is discord.InteractionType.component:
                    await event.response.defer()
                else:
                    await event.response.defer(ephemeral=True, thinking=True)
        except (ChatUnavailable, ChatRefused):  # too late, or lost; what they asked for is done all the same
            log.exception("interaction %s could not be acknowledged", event.id)

    async def _respond(self, event: Event, answer: Answer) -> None:
        if isinstance(answer, Question):  # too late for a form; a press may open it
            retry = (Button("Write it", answer.action),) if answer.action.startswith("ask-") else ()
            answer = Said(answer.title, buttons=retry) if retry else TOO_SLOW
        try:
            async with reaching_discord(self._app.call_seconds):
                if answer is None or not answer.only_to_them:
                    await self._stop_thinking(event)
                for text, more in _parts(answer) if answer else ():
                    ephemeral = bool(answer and answer.only_to_them)
                    await event.followup.send(text, ephemeral=ephemeral, wait=True, **more)
        except (ChatUnavailable, ChatRefused):  # it took more than 15 minutes, most likely
            log.exception("interaction %s could not be answered", event.id)
            if answer:
                await self._tell_otherwise(event, answer)

    async def _stop_thinking(self, event: Event) -> None:
        """What was begun for them alone stays so: it has to go before something for all can be said."""
        if event.type is not discord.InteractionType.component:
            with suppress(discord.NotFound):
                await event.delete_original_response()

    async def _tell_otherwise(self, event: Event, said: Said) -> None:
        try:
            if said.only_to_them:
                chat_id = await self._app.private_chat(str(event.user.id))
            else:
                chat_id = str(event.channel_id)
            for text, more in _parts(said):
                await self._app.post(chat_id, text, **more)
        except (ChatUnavailable, ChatRefused):
            log.exception("nor could it be told otherwise")


def _parts(said: Said) -> list[tuple[str, dict[str, Any]]]:
    """What to send one after the other; the file and the buttons hang on the last."""
    parts: list[tuple[str, dict[str, Any]]] = [(text, {}) for text in pieces(said.text) or [""]]
    if said.file:
        name, content = said.file
        parts[-1][1]["file"] = discord.File(io.BytesIO(content), filename=name)
    if said.buttons:
        parts[-1][1]["view"] = buttons_of(said.buttons)
    return parts


def _form(question: Question) -> ui.Modal:
    form = ui.Modal(title=question.title[:45], custom_id=OURS + question.action)
    text: ui.TextInput[Any] = ui.TextInput(
        custom_id="text",
        style=discord.TextStyle.paragraph,
        default=question.prefill[:4000] or None,
        max_length=4000,
    )
    form.add_item(ui.Label(text=question.label[:45], component=text))
    form.stop()  # what is written arrives in `take`, also after a restart
    return form


def _written(data: dict[str, Any]) -> str:
    for row in data["components"]:
        for component in [row.get("component"), *row.get("components", [])]:
            if component and "value" in component:
                return str(component["value"])
    return ""


def _data(event: Event) -> dict[str, Any]:
    return dict(event.data or {})


def _person(event: Event) -> Person:
    user = event.user
    roles = (
        [str(role.id) for role in user.roles if not role.is_default()]
        if isinstance(user, discord.Member)
        else []
    )
    is_admin = event.permissions.manage_channels or event.permissions.administrator
    return Person(PLATFORM, str(user.id), user.display_name, user.bot, tuple(roles), is_admin)
