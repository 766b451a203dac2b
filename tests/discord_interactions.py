"""What happens on our Discord when somebody gives a command, presses a button or fills in a form?"""

from __future__ import annotations

import time
from typing import Any

from discord_checks import ApiError, check_message, check_modal, require
from discord_world import DM, Channel, Json, User, World, now_text, snowflake

COMMAND, COMPONENT, AUTOCOMPLETE, SUBMIT = 2, 3, 4, 5
EPHEMERAL, LOADING = 64, 128
ALLOWED = {COMMAND: {4, 5, 9}, COMPONENT: {4, 5, 6, 7, 9}, AUTOCOMPLETE: {8}, SUBMIT: {4, 5, 6, 7}}


class Interaction:
    """One of them, and all that the bot answered to it."""

    def __init__(self, type: int, user: User, channel: Channel, data: Json, message: Json | None) -> None:
        self.id = snowflake()
        self.token = f"interaction-{self.id}"
        self.type = type
        self.user = user
        self.channel = channel
        self.data = data
        self.message = message
        self.began = time.monotonic()
        self.acknowledged_after: float | None = None
        self.callback: Json | None = None
        self.shown: dict[int, Json] = {}  # its messages as somebody sees them now, by id
        self.original: int | None = None

    @property
    def modal(self) -> Json | None:
        return self.callback["data"] if self.callback and self.callback["type"] == 9 else None

    @property
    def choices(self) -> list[str] | None:
        if not self.callback or self.callback["type"] != 8:
            return None
        return [choice["value"] for choice in self.callback["data"]["choices"]]

    @property
    def texts(self) -> list[str]:
        """What the person reads, without "thinking ..."."""
        return [shown["content"] for shown in self.shown.values() if not shown["flags"] & LOADING]

    @property
    def thinking(self) -> bool:
        return any(shown["flags"] & LOADING for shown in self.shown.values())


class Interactions:
    def __init__(self, world: World, violations: list[str]) -> None:
        self.world = world
        self.violations = violations
        self.all: dict[str, Interaction] = {}
        self.commands: list[Json] = []
        self.acknowledge_seconds = 3.0
        self.token_seconds = 900.0

    def begin(
        self, type: int, user: User, channel: Channel, data: Json, message: Json | None = None
    ) -> tuple[Interaction, Json]:
        """The interaction, and the event that tells the bot."""
        interaction = Interaction(type, user, channel, data, message)
        self.all[interaction.token] = interaction
        event: Json = {
            "id": str(interaction.id),
            "application_id": str(self.world.application_id),
            "type": type,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel": channel.payload(),
            "channel_id": str(channel.id),
            "locale": "en-US",
            "app_permissions": "0",
            "attachment_size_limit": 10 << 20,
            "entitlements": [],
            "authorizing_integration_owners": {},
            "context": 1 if channel.type == DM else 0,
        }
        if message:
            event["message"] = message
        if guild := channel.guild:
            member = guild.members[user.id].payload() | {"permissions": str(guild.permissions(user))}
            guild_data = {"id": str(guild.id), "locale": "en-US", "features": []}
            event |= {"guild_id": str(guild.id), "guild": guild_data, "member": member}
        else:
            event["user"] = user.payload()
        return interaction, event

    def command(self, name: str, type: int, channel: Channel) -> Json:
        """The definition as somebody finds it in the menu there."""
        for command in self.commands:
            if command["name"] == name and command.get("type", 1) == type:
                context = 1 if channel.type == DM else 0
                assert context in command.get("contexts", [0, 1]), f"/{name} is not offered there"
                return command
        raise AssertionError(f"there is no {name} in the menu")

    def options(self, command: Json, words: dict[str, str], focused: str | None = None) -> list[Json]:
        """Words as Discord would let somebody type them."""
        known = {option["name"]: option for option in command.get("options", [])}
        options: list[Json] = []
        for name, value in words.items():
            choices = [choice["value"] for choice in known[name].get("choices") or []]
            assert not choices or value in choices, f"{value!r} is none of {choices}"
            options.append({"name": name, "type": 3, "value": value})
            if name == focused:
                options[-1]["focused"] = True
        missing = {name for name, option in known.items() if option.get("required")} - set(words)
        assert focused or not missing, f"{missing} missing"
        return options

    # what the bot answers

    def answer(self, interaction: Interaction, body: Json, files: list[Json]) -> tuple[Json, Json | None]:
        """The callback. Gives what Discord answers, and a message that everybody sees, if there is one."""
        if interaction.callback:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        took = time.monotonic() - interaction.began
        if took > self.acknowledge_seconds:
            raise ApiError(404, 10062, "Unknown interaction")
        kind, data = body["type"], body.get("data") or {}
        require(kind in ALLOWED[interaction.type], "type", f"{kind} does not answer {interaction.type}")
        if kind == 9:
            check_modal(data)
        elif kind == 8:
            require(len(data["choices"]) <= 25, "choices", "Must be 25 or fewer in length.")
            for choice in data["choices"]:
                require(1 <= len(choice["name"]) <= 100, "choices", "Must be between 1 and 100 in length.")
        elif kind in (4, 7):
            check_message(data, len(files), self.violations)
        interaction.callback, interaction.acknowledged_after = body, took
        public = None
        info: Json = {"id": str(interaction.id), "type": interaction.type}
        if kind in (4, 5):
            loading = LOADING if kind == 5 else 0
            public = self._show(interaction, data, files, data.get("flags", 0) & EPHEMERAL | loading)
            interaction.original = max(interaction.shown)
            info["response_message_id"] = str(interaction.original)
            info["response_message_loading"] = kind == 5
            info["response_message_ephemeral"] = bool(data.get("flags", 0) & EPHEMERAL)
        return {"interaction": info}, public

    def of(self, token: str) -> Interaction:
        interaction = self.all.get(token)
        if interaction is None or time.monotonic() - interaction.began > self.token_seconds:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        return interaction

    def follow_up(self, interaction: Interaction, body: Json, files: list[Json]) -> tuple[Json, Json | None]:
        """One more message; while it still says "thinking ..." this one takes that place, as it was begun."""
        if interaction.callback is None:
            raise ApiError(404, 10015, "Unknown Webhook")
        check_message(body, len(files), self.violations)
        if interaction.original and interaction.shown[interaction.original]["flags"] & LOADING:
            return self.edit(interaction, interaction.original, body, files)
        public = self._show(interaction, body, files, body.get("flags", 0) & EPHEMERAL)
        return interaction.shown[max(interaction.shown)], public

    def edit(
        self, interaction: Interaction, message_id: int, body: Json, files: list[Json]
    ) -> tuple[Json, Json | None]:
        shown = interaction.shown.get(message_id)
        if shown is None:
            raise ApiError(404, 10008, "Unknown Message")
        check_message(body, len(files), self.violations, edit=True)
        shown |= {key: body[key] for key in ("content", "components") if key in body}
        shown |= {"flags": shown["flags"] & ~LOADING, "edited_timestamp": now_text()}
        shown["attachments"] = [*shown["attachments"], *files]
        return shown, None if shown["flags"] & EPHEMERAL else shown

    def remove(self, interaction: Interaction, message_id: int) -> None:
        if interaction.shown.pop(message_id, None) is None:
            raise ApiError(404, 10008, "Unknown Message")
        interaction.channel.messages.pop(message_id, None)
        if interaction.original == message_id:
            interaction.original = None

    def _show(self, interaction: Interaction, body: Json, files: list[Json], flags: int) -> Json | None:
        more: dict[str, Any] = {
            "webhook_id": str(self.world.application_id),
            "application_id": str(self.world.application_id),
            "components": body.get("components") or [],
            "attachments": files,
            "flags": flags,
        }
        message = self.world.message(interaction.channel, self.world.bot, body.get("content") or "", **more)
        interaction.shown[int(message["id"])] = message
        if flags & EPHEMERAL:  # nobody else sees it, and it is in no history
            del interaction.channel.messages[int(message["id"])]
            return None
        return message
