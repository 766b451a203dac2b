"""What can be set about talking?"""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

Url = Annotated[str, StringConstraints(pattern=r"^(https?|wss?)://[^\s/]+")]
Listed = Annotated[str, StringConstraints(pattern=r"^[a-z]+:(user|role|server|chat):\S+$")]
Teacher = Annotated[str, StringConstraints(pattern=r"^[a-z]+:(role:)?\S+$")]
HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"


class ChatSettings(BaseModel):
    """[chat]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trainers: list[Teacher] = Field(
        default=[], description='people who may teach the twin: "platform:id", or "discord:role:id"'
    )
    history: int = Field(default=8, ge=1, le=200, description="how many recent messages the twin sees")
    names: list[str] = Field(default=[], description="what people call the twin, besides its account's name")

    # when it speaks
    private: bool = Field(default=True, description="answer in private chats")
    mode: Literal["off", "mentions", "always"] = Field(
        default="mentions", description="in other chats, unless /chat says otherwise there"
    )
    allow: list[Listed] = Field(
        default=[], description='only there and only to them: "discord:server:id", "telegram:user:id", ...'
    )
    block: list[Listed] = Field(default=[], description="never there, never to them")
    quiet_hours: str | None = Field(
        default=None, pattern=HOURS, description='in the owner\'s time zone: "23:00-07:00"'
    )
    max_age_minutes: float = Field(default=30, gt=0, description="an older message is not answered")
    takeover_minutes: float = Field(
        default=30, ge=0, description="how long it keeps quiet where the owner wrote themselves"
    )
    group_pause_seconds: float = Field(
        default=60, ge=0, description="between answers nobody asked for; doubles while nobody reacts"
    )
    bot_turns: int = Field(default=2, ge=0, description="answers to other bots until a person speaks again")

    # how it speaks
    burst_seconds: float = Field(
        default=1.5, ge=0, le=10, description="messages this close together are one turn"
    )
    burst_most_seconds: float = Field(default=10, ge=0, le=60, description="the longest it waits for more")
    delivery: Literal["bubbles", "stream", "whole"] = Field(
        default="bubbles", description="several short messages, one that grows, or one"
    )
    bubbles: int = Field(default=3, ge=1, le=10, description="at most so many messages for one answer")
    speed: float = Field(default=1.0, ge=0, le=10, description="of human pauses; 0: none")
    draft: bool = Field(default=False, description="propose every answer to the owner first")

    # what it learns from
    thumbs_up: list[str] = Field(default=["👍"], min_length=1)
    thumbs_down: list[str] = Field(default=["👎"], min_length=1)
    correction_mark: str = Field(
        default="=", max_length=10, description='a reply "= like this" corrects; empty: off'
    )
    compare_share: float = Field(
        default=0, ge=0, le=1, description="how often the owner gets two answers to choose from"
    )
    keep_days: float = Field(
        default=30, gt=0, description="how long other people's messages are kept, unless they agreed to more"
    )

    def quiet_from_to(self) -> tuple[time, time] | None:
        if self.quiet_hours is None:
            return None
        begin, end = self.quiet_hours.split("-")
        return time.fromisoformat(begin), time.fromisoformat(end)


class LimitSettings(BaseModel):
    """[limits]: of what other people may ask for; the owner is exempt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person_per_minute: int | None = Field(default=None, ge=1, description="answered messages of one person")
    chat_per_minute: int | None = Field(default=None, ge=1, description="answered messages in one chat")
    person_tokens_per_day: int | None = Field(default=None, ge=1, description="read and written for a person")
    chat_tokens_per_day: int | None = Field(default=None, ge=1, description="read and written in one chat")


class DiscordSettings(BaseModel):
    """[discord]; the token comes from TWIN_DISCORD__TOKEN."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr | None = None
    api_url: Url | None = Field(default=None, description="only to reach another server than Discord's own")
    gateway_url: Url | None = None


class TelegramSettings(BaseModel):
    """[telegram]; the token comes from TWIN_TELEGRAM__TOKEN."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr | None = None
    base_url: Url | None = Field(default=None, description="a Bot API server of your own, ending in /bot")
    base_file_url: Url | None = None
    webhook_url: Annotated[str, StringConstraints(pattern=r"^https://[^\s/]+")] | None = Field(
        default=None, description="the address under which Telegram reaches this machine; unset: polling"
    )
    webhook_secret: SecretStr | None = None
    webhook_port: int = Field(default=8701, ge=0, le=65535)

    @model_validator(mode="after")
    def _a_webhook_needs_its_secret(self) -> TelegramSettings:
        if self.webhook_url and not self.webhook_secret:
            raise ValueError(
                "has a webhook_url, but anybody could call it: set TWIN_TELEGRAM__WEBHOOK_SECRET, too"
            )
        return self
