"""A twin behind its API: a real database, a scripted model, the real workshop, clients for each grade."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from fakes import ScriptedModel

from api.app import create_app
from api.auth import new_token
from api.serve import bound, serve
from api.settings import ApiSettings
from api.shapes.auth import Scope
from brain.live_adapter import LiveAdapter
from brain.model_client import Sampling
from brain.pictures import Pictures
from brain.prompt import Persona
from brain.reply import Brain
from storage.cache import open_cache
from storage.database import Database
from storage.records import Adapter, Message, Stamp, message_key, now, reply_key
from twin.build import stores_of
from twin.home import Home
from twin.serve_api import build_world
from twin.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OFTEN = {"requests_per_minute": 1_000_000, "answers_per_minute": 1_000_000}
CODE = "the-code"


@dataclass
class Place:
    """Everything that a test of the API needs."""

    home: Home
    settings: Settings
    stores: object
    model: ScriptedModel
    world: object
    app: object
    accounts: dict[str, object] = field(default_factory=dict)
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, token: str | None = None, **options) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app=self.app)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8700", headers=headers, timeout=30, **options
        )
        self.clients.append(client)
        return client

    async def token(self, grade: str, scopes=tuple(Scope)) -> str:
        """Of an account of that grade, which is made when it is not there yet."""
        account = self.accounts.get(grade)
        if account is None:
            account = await self.world.access.add_account(grade, grade)
            self.accounts[grade] = account
        token, secret = new_token(account, "test", scopes)
        await self.world.access.add_token(token)
        return secret

    async def as_(self, grade: str, scopes=tuple(Scope)) -> httpx.AsyncClient:
        return self.client(await self.token(grade, scopes))

    async def said(self, text: str, chat: str = "kitchen", **fields) -> Message:
        message = Message(
            key=message_key("discord", chat, f"{text[:20]}-{id(text)}"),
            platform="discord",
            chat_id=chat,
            author_id=fields.pop("author_id", "ann"),
            author_name=fields.pop("author_name", "Ann"),
            text=text,
            sent_at=fields.pop("sent_at", now()),
            **fields,
        )
        await self.stores.messages.add(message)
        return message

    async def replied(
        self, text: str, to: Message | None = None, adapter=None, unsent=False, recalled=(), **fields
    ) -> Message:
        prompt = ({"role": "user", "content": to.text if to else "?"},)
        stamp = Stamp(
            adapter, "base", "hash", prompt, {"temperature": 0.7}, recalled, (), (), 20.0, 120.0, 7, 3
        )
        reply = Message(
            key=reply_key("discord"),
            platform="discord",
            chat_id=to.chat_id if to else "kitchen",
            author_id="twin",
            author_name="twin",
            text=text,
            sent_at=fields.pop("sent_at", now()),
            by_twin=True,
            reply_to=to.key if to else None,
            stamp=stamp,
            **fields,
        )
        await self.stores.messages.add(reply, unsent=unsent)
        return reply

    async def adapter(self, version: str, parent: str | None = None, **fields) -> Adapter:
        made = Adapter(version, "base", "dpo", f"/adapters/{version}", "0" * 64, now(), parent, **fields)
        await self.stores.adapters.add(made)
        return made

    @asynccontextmanager
    async def served(self, port: int = 0):
        """On a real socket; yields its address."""
        listening = bound("127.0.0.1", port)
        port = listening.getsockname()[1]
        serving = asyncio.create_task(serve(self.app, self.world, listening))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            serving.cancel()
            await asyncio.wait([serving])


@asynccontextmanager
async def placed(folder: Path, database: Database, api_settings: ApiSettings):
    """A twin that answers what its model is told to, on that database."""
    home = Home(folder)
    home.make()
    settings = Settings(api=api_settings, owner={"name": "Mira"})
    stores, model = stores_of(database, open_cache(None)), ScriptedModel()
    brain = Brain(
        model,
        LiveAdapter(stores.adapters, model, "base", timedelta(seconds=0)),
        stores.messages,
        Persona("Mira"),
        base_model="base",
        sampling=Sampling(),
        pictures=Pictures(stores.messages, 4),
    )
    world = build_world(home, settings, stores, None, brain, None, CODE)
    place = Place(home, settings, stores, model, world, create_app(api_settings, world))
    yield place
    for client in place.clients:
        await client.aclose()
    await world.events.close()
    await world.talk.close()
    await world.workshop.runs.close()


def events_of(text: str) -> list[tuple[str, str]]:
    """Name and data of server-sent events."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            found.append((fields.get("event", ""), fields["data"]))
    return found
