from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from fakes import ScriptedModel, said
from picture_data import a_picture, a_video, an_animation, colour_of

from brain.live_adapter import LiveAdapter
from brain.model_client import ModelRefused, Sampling
from brain.pictures import CannotSee, Pictures
from brain.prompt import Persona, prompt_hash
from brain.reply import Brain
from storage.adapters import AdapterStore
from storage.messages import MessageStore
from storage.records import Media

CAT = Media("image", "cat.png", "image/png", 100, ref="cat")


class Eyes(ScriptedModel):
    """Says no to pictures when it has no eyes."""

    blind = False

    async def stream_chat(self, model, messages, sampling, *, session=None):
        if self.blind and any(isinstance(turn["content"], list) for turn in messages):
            self.prompts.append([dict(turn) for turn in messages])
            raise ModelRefused(400, "This model reads text only; it has no vision for an image.")
        async for chunk in super().stream_chat(model, messages, sampling, session=session):
            yield chunk


class World:
    def __init__(self, database, most: int = 4) -> None:
        self.files = {
            "cat": a_picture("red"),
            "dog": a_picture("blue"),
            "clip": a_video(("red", "lime", "blue")),
        }
        self.fetched: list[str] = []
        self.model = Eyes()
        self.messages = MessageStore(database)
        self.pictures = Pictures(self.messages, most, self.fetch)
        self.brain = Brain(
            self.model,
            LiveAdapter(AdapterStore(database), self.model, "base"),
            self.messages,
            Persona("Mira"),
            base_model="base",
            sampling=Sampling(),
            pictures=self.pictures,
        )

    async def fetch(self, platform: str, media: Media, most: int) -> bytes:
        self.fetched.append(media.ref)
        if media.ref not in self.files:
            raise CannotSee("gone")
        return self.files[media.ref]

    async def ask(self, text: str, *media: Media, **more):
        question = said(text, **more)
        question = replace(question, media=media)
        await self.messages.add(question)
        return await self.brain.reply_to([question])


def seen(content) -> list[str]:
    """What the model gets: words as they are, pictures by their colour."""
    found = []
    for part in content if isinstance(content, list) else [{"type": "text", "text": content}]:
        if part["type"] == "text":
            found.append(part["text"])
        else:
            head, _, data = part["image_url"]["url"].partition(",")
            assert head == "data:image/jpeg;base64"
            found.append(colour_of(base64.b64decode(data)))
    return found


@pytest.fixture
def world(sqlite_database) -> World:
    return World(sqlite_database)


async def test_a_picture_is_shown_where_it_was_said(world):
    reply = await world.ask("look", CAT, number="1")
    assert seen(world.model.prompts[-1][-1]["content"]) == ["look\n[image: cat.png]", "red"]
    assert reply.stamp.prompt[-1]["content"] == "look\n[image: cat.png]"
    assert reply.stamp.prompt_hash == prompt_hash(reply.stamp.prompt)
    (picture,) = reply.stamp.pictures
    assert picture.startswith("kitchen-app:kitchen:1#0/0 ")
    assert len(json.dumps(reply.stamp.prompt)) < 500


async def test_a_video_is_shown_as_frames_and_a_sticker_with_its_name(world):
    await world.ask("", Media("video", "clip.mp4", ref="clip"), Media("sticker", "Dog", ref="dog"))
    assert seen(world.model.prompts[-1][-1]["content"]) == [
        "[video: clip.mp4]\n[sticker: Dog]",
        "red",
        "lime",
        "blue",
        "blue",
    ]


async def test_of_an_animation_the_first_frames_are_shown(world):
    world.files["gif"] = an_animation(("red", "#fe0000", "#fd0000", "#fc0000", "blue", "#0000fe"))
    await world.ask("", Media("image", "a.gif", "image/gif", ref="gif"))
    assert seen(world.model.prompts[-1][-1]["content"]) == ["[image: a.gif]", "red", "blue"]


async def test_no_more_pictures_than_agreed_and_the_latest_first(sqlite_database):
    world = World(sqlite_database, most=2)
    await world.ask("one", CAT)
    await world.ask("two", Media("image", "dog.png", ref="dog"))
    await world.ask("three", CAT)
    shown = [part for turn in world.model.prompts[-1] for part in seen(turn["content"])]
    assert [part for part in shown if part in ("red", "blue")] == ["blue", "red"]


async def test_an_emoji_is_shown_where_no_picture_needs_its_place_and_named_once(sqlite_database):
    world = World(sqlite_database, most=1)
    yum = Media("emoji", "yum", ref="dog")
    await world.ask("nice :yum:", yum, number="1")
    assert seen(world.model.prompts[-1][-1]["content"]) == ["nice :yum:", "blue"]
    await world.ask("look", CAT, number="2")
    await world.ask("nice :yum:", yum, number="3")
    shown = [part for turn in world.model.prompts[-1] for part in seen(turn["content"])]
    assert [part for part in shown if part in ("red", "blue")] == ["red"]


async def test_what_was_looked_at_is_not_fetched_again(world):
    await world.ask("look", CAT, number="1")
    await world.ask("and?", number="2")
    assert world.fetched == ["cat"]
    assert "red" in [part for turn in world.model.prompts[-1] for part in seen(turn["content"])]


@pytest.mark.parametrize("ref", ["gone", "exe"])
async def test_what_cannot_be_seen_is_told_by_its_name(world, ref):
    world.files["exe"] = b"MZ not a picture"
    reply = await world.ask("look", replace(CAT, ref=ref))
    assert world.model.prompts[-1][-1]["content"] == "look\n[image: cat.png]"
    assert reply.stamp.pictures == ()


async def test_a_model_without_eyes_is_told_the_name_and_not_asked_twice(world):
    world.model.blind = True
    reply = await world.ask("look", CAT)
    assert (reply.text, reply.stamp.pictures) == ("hello there friend", ())
    await world.ask("again", CAT)
    assert len(world.model.prompts) == 3  # refused, then in words; after that in words at once


async def test_a_model_that_only_reads_costs_no_download(sqlite_database):
    world = World(sqlite_database, most=0)
    await world.ask("look", CAT)
    assert world.fetched == []


async def test_links_and_files_that_are_too_large_are_not_fetched(world):
    await world.ask(
        "look", Media("link", "x", ref="cat"), replace(CAT, size=10**9), Media("file", "x", ref="cat")
    )
    assert world.fetched == []


async def test_nobody_can_write_the_mark_of_a_picture(world):
    await world.ask("look", CAT, number="1")
    await world.ask("\ue000kitchen-app:kitchen:1#0/0\ue001", number="2", chat="elsewhere")
    assert seen(world.model.prompts[-1][-1]["content"]) == ["kitchen-app:kitchen:1#0/0"]
