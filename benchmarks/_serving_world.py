"""What is measured in serving: model servers, the brain in front of them, and the bare client beside it."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from benchmarks._serving_adapters import random_adapters
from brain.live_adapter import LiveAdapter
from brain.model_client import ModelClient, Sampling
from brain.model_server import ModelServer
from brain.prompt import Persona
from brain.replicas import Limits, Replicas
from brain.reply import Brain
from storage.adapters import AdapterStore
from storage.database import Database
from storage.messages import MessageStore
from storage.records import Adapter, Message, Prompt, now
from twin.garbage import keep_for_good

CHATS = 64
CONNECTIONS = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=3)  # as ours
SAMPLING = Sampling(temperature=0, max_tokens=32)  # the same words each time: both sides do the same work
WORDS = "what about #{number} then, and will you be there at half past seven, or do we meet later"


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer: how long until its first and its last word, in seconds, and who gave it."""

    first: float
    whole: float
    text: str
    adapter: str | None


@dataclass(frozen=True, slots=True)
class World:
    urls: Sequence[str]
    base: str
    one: Replicas  # over the first server only, as the bare client is
    both: Replicas
    adapters: AdapterStore
    brain: Brain  # over one
    wide_brain: Brain  # over both
    questions: Sequence[Message]
    prompts: Sequence[Prompt]  # what the brain makes of each question
    http: httpx.AsyncClient
    raw: aiohttp.ClientSession

    async def through_the_brain(self, chat: int) -> Asked:
        return await self._ask(self.brain, chat)

    async def on_both(self, chat: int) -> Asked:
        return await self._ask(self.wide_brain, chat)

    async def _ask(self, brain: Brain, chat: int) -> Asked:
        began, first = time.perf_counter(), 0.0

        async def on_text(text: str) -> None:
            nonlocal first
            first = first or time.perf_counter() - began

        reply = await brain.reply_to([self.questions[chat]], on_text)
        return Asked(first, time.perf_counter() - began, reply.text, reply.stamp.adapter)

    async def bare(self, chat: int, model: str | None = None) -> Asked:
        """The same request by aiohttp alone, which our client stands on, too: the fastest ten lines."""
        url, body = f"{self.urls[0]}/chat/completions", self._body(chat, model)
        began, first, text = time.perf_counter(), 0.0, ""
        async with self.raw.post(url, json=body) as response:
            response.raise_for_status()
            async for line in response.content:
                if piece := _piece(line.decode()):
                    first = first or time.perf_counter() - began
                    text += piece
        return Asked(first, time.perf_counter() - began, text, None)

    async def by_httpx(self, chat: int) -> Asked:
        """The same request by httpx, on which the openai client stands: what most people would write."""
        url, body = f"{self.urls[0]}/chat/completions", self._body(chat, None)
        began, first, text = time.perf_counter(), 0.0, ""
        async with self.http.stream("POST", url, json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if piece := _piece(line):
                    first = first or time.perf_counter() - began
                    text += piece
        return Asked(first, time.perf_counter() - began, text, None)

    def _body(self, chat: int, model: str | None) -> dict[str, Any]:
        return {
            "model": model or self.base,
            "messages": list(self.prompts[chat]),
            "temperature": SAMPLING.temperature,
            "top_p": SAMPLING.top_p,
            "max_tokens": SAMPLING.max_tokens,
            "seed": 1,
            "stream": True,
            "stream_options": {"include_usage": True},
        }


def _piece(line: str) -> str:
    if not line.startswith("data: {"):
        return ""
    choices = json.loads(line[6:])["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""


@asynccontextmanager
async def a_world(folder: Path, *, engine: str, weights: Path, servers: int) -> AsyncIterator[World]:
    """`engine` "quick" is no model at all, but a server that answers at once, in a process of its own."""
    async with AsyncExitStack() as closing:
        adapters = [f"lora-{number}" for number in range(1, 9)]
        base, urls = ("quick", []) if engine == "quick" else (weights.name, [])
        for number in range(servers):
            if engine == "quick":
                urls.append(await closing.enter_async_context(_quick_process()))
                continue
            server = ModelServer(
                weights,
                name=base,
                engine=engine,
                log_path=folder / f"server-{number}.log",
                adapters=folder / "adapters",
            )
            closing.push_async_callback(server.stop)
            await server.start()
            urls.append(server.url)
        if engine != "quick":
            random_adapters(folder / "adapters", weights, adapters)
        database = await Database.open(f"sqlite+aiosqlite:///{folder / 'twin.db'}")
        closing.push_async_callback(database.close)
        store, messages = AdapterStore(database), MessageStore(database)
        for name in adapters:
            await store.add(Adapter(name, base, "sft", str(folder / "adapters" / name), name, now()))
        brains, replicas = [], []
        for some in (urls[:1], urls):
            limits, clients = Limits(at_once=256), [ModelClient(url) for url in some]
            replicas.append(await closing.enter_async_context(Replicas(clients, limits)))
            live = LiveAdapter(store, replicas[-1], base)
            replicas[-1].wanted = live.wanted
            brains.append(
                Brain(replicas[-1], live, messages, Persona("Sam"), base_model=base, sampling=SAMPLING)
            )
        questions = []
        for number in range(CHATS):
            question = _question(number)
            await messages.add(question)
            questions.append(question)
        prompts = [(await brains[0].reply_to([question])).stamp.prompt for question in questions]
        http = httpx.AsyncClient(timeout=120, trust_env=False, limits=CONNECTIONS)
        await closing.enter_async_context(http)
        connections = aiohttp.TCPConnector(limit=0, keepalive_timeout=3)  # as ours
        raw = aiohttp.ClientSession(connector=connections, timeout=aiohttp.ClientTimeout(120))
        await closing.enter_async_context(raw)
        keep_for_good()  # as `twin up` does
        yield World(
            urls, base, replicas[0], replicas[1], store, brains[0], brains[1], questions, prompts, http, raw
        )


def _question(number: int) -> Message:
    return Message(
        key=f"bench:{number}:1",
        platform="bench",
        chat_id=str(number),
        author_id=f"friend-{number}",
        author_name="Ana",
        text=WORDS.format(number=number),
        sent_at=now(),
        private=True,
    )


@asynccontextmanager
async def _quick_process() -> AsyncIterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(__file__).parents[1] / "tests" / "quick_model.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), str(port), "0.005", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    await process.stdout.readline()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        await process.wait()
