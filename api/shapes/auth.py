"""Who is there, how they come in, and what they may do."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from api.shapes.page import Asked, Shape

Name = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", examples=["mira"])
Password = Field(min_length=8, max_length=256, examples=["correct horse battery"])


class Grade(StrEnum):
    """What an account may do; each may do what the ones before it may."""

    VIEWER = "viewer"  # figures, runs and adapters; nothing that anybody said
    TRAINER = "trainer"  # reads answers, says how good they are, talks to the twin
    OWNER = "owner"


class Scope(StrEnum):
    """What a token may be used for, within what its owner may do."""

    READ = "read"
    CHAT = "chat"
    FEEDBACK = "feedback"
    TRAIN = "train"
    MANAGE = "manage"


class Account(Shape):
    id: str
    name: str
    role: Grade
    created_at: datetime
    has_password: bool
    discord_id: str | None = None


class Session(Shape):
    """One place where somebody is signed in."""

    id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str = Field(description="the browser, as it calls itself")
    current: bool = False


class State(Shape):
    """Whether somebody is signed in, and how one can be. Asked before anything else."""

    needs_setup: bool = Field(description="no owner has chosen a password yet")
    methods: list[Literal["password", "discord"]]
    account: Account | None = None
    csrf: str | None = Field(default=None, description="send it as X-CSRF-Token with every write")
    version: str = Field(examples=["0.1.0"])
    owner_name: str = Field(description="whose twin this is", examples=["Mira"])


class Setup(Asked):
    """The first owner. `code` was printed by `twin up`."""

    code: str = Field(max_length=100)
    name: str = Name
    password: str = Password


class Login(Asked):
    name: str = Field(max_length=100, examples=["mira"])
    password: str = Field(max_length=256)


class NewPassword(Asked):
    old: str = Field(default="", max_length=256)
    new: str = Password


class NewAccount(Asked):
    name: str = Name
    role: Grade
    password: str | None = Field(default=None, min_length=8, max_length=256)
    discord_id: str | None = Field(default=None, pattern=r"^\d{5,25}$")


class Token(Shape):
    """A personal token; the secret itself is shown once and kept by nobody."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class NewToken(Asked):
    name: str = Field(min_length=1, max_length=80, examples=["Open WebUI"])
    scopes: list[Scope] = Field(min_length=1, examples=[["chat", "read"]])
    days: int | None = Field(default=None, ge=1, le=3650, description="until it ends; null: never")


class TokenShown(Token):
    secret: str = Field(examples=["twin_5f0c…"], description="shown this once")


class Audit(Shape):
    """Who did what."""

    number: int
    at: datetime
    who: str
    action: str = Field(examples=["POST /api/adapters/{version}/promote"])
    about: str = ""
    outcome: str = Field(examples=["200"])
