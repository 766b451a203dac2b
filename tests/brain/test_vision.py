"""Does a picture from a chat reach the eyes of a Gemma 3, on real vLLM?"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fakes import said
from picture_data import a_picture
from tiny_gemma_eyes import TOKENS, make_seeing_gemma

from brain.live_adapter import LiveAdapter
from brain.model_client import ModelClient, Sampling
from brain.model_facts import facts_of
from brain.model_server import ModelServer
from brain.pictures import CannotSee, Pictures, shown
from brain.prompt import Persona, Turn, compose
from brain.replicas import Replicas
from brain.reply import Brain
from brain.vllm_server import find_vllm
from storage.adapters import AdapterStore
from storage.messages import MessageStore
from storage.records import Media

FILES = {"red": a_picture("red", (300, 200)), "blue": a_picture("blue", (20, 20), "GIF")}


@pytest.fixture
async def seeing(tmp_path) -> AsyncIterator[str]:
    if find_vllm() is None:
        how = "vLLM is not installed: run deploy/vllm/install.sh .venv-vllm, or set TWIN_VLLM"
        if os.environ.get("CI"):
            pytest.fail(how)
        pytest.skip(f"VISION IS NOT TESTED AGAINST REAL VLLM. {how}")
    base = make_seeing_gemma(tmp_path / "seeing")
    assert facts_of(str(base)).vision_parameters
    server = ModelServer(base, name="seeing", engine="vllm", log_path=tmp_path / "server.log")
    await server.start()
    yield server.url
    await server.stop()


async def test_pictures_of_a_chat_reach_the_models_eyes(seeing, sqlite_database):
    messages = MessageStore(sqlite_database)

    async def fetch(platform: str, media: Media, most: int) -> bytes:
        if media.ref not in FILES:
            raise CannotSee("gone")
        return FILES[media.ref]

    async with Replicas([ModelClient(seeing)]) as replicas:
        brain = Brain(
            replicas,
            LiveAdapter(AdapterStore(sqlite_database), replicas, "seeing"),
            messages,
            Persona("Mira"),
            base_model="seeing",
            sampling=Sampling(temperature=0, max_tokens=8),
            pictures=Pictures(messages, 4, fetch),
        )

        async def ask(*refs: str):
            media = tuple(Media("image", "a.png", ref=ref) for ref in refs)
            question = replace(said("look", chat=f"chat {refs}"), media=media)
            await messages.add(question)
            return await brain.reply_to([question])

        blind, red, blue, both = (
            await ask("none"),
            await ask("red"),
            await ask("blue"),
            await ask("red", "blue"),
        )
    assert [len(reply.stamp.pictures) for reply in (blind, red, blue, both)] == [0, 1, 1, 2]
    assert red.stamp.prompt_tokens == blue.stamp.prompt_tokens >= blind.stamp.prompt_tokens + TOKENS
    assert both.stamp.prompt_tokens > red.stamp.prompt_tokens + TOKENS

    prompt = compose(Persona("Mira"), [Turn("Ana", "look", ours=False, pictures=("p",))])
    client = ModelClient(seeing)
    heard = []
    for name in ("red", "blue", "red"):
        stream = client.stream_chat(
            "seeing", shown(prompt, {"p": FILES[name]}), Sampling(0, max_tokens=4), logprobs=True
        )
        heard.append(sum([chunk.token_logprob or 0.0 async for chunk in stream]))  # busy, it joins tokens
    await client.aclose()
    assert heard[0] == pytest.approx(heard[2], abs=1e-4)
    assert heard[0] != pytest.approx(heard[1], abs=1e-4)
