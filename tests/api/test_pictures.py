"""Pictures in the browser's chat and over /v1, and how they are seen again."""

import base64
import json

import openai
import pytest
from api_world import events_of
from picture_data import a_picture, colour_of

from api.pictures import LARGEST
from storage.records import Media


def url_of(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


RED, BLUE = url_of(a_picture("red")), url_of(a_picture("blue"))


@pytest.fixture(autouse=True)
def eyes(place):
    """The model sees; what hangs on a Discord message is lime."""

    async def fetch(platform, media, most):
        assert platform == "discord"
        return a_picture("lime")

    place.world.talk.brain.pictures.fetch = fetch


@pytest.fixture
async def web(owner):
    return f"/api/conversations/{(await owner.post('/api/conversations', json={})).json()['id']}"


def shown(prompt) -> list[str]:
    """The colours the model sees, in their order."""
    parts = [part for turn in prompt if isinstance(turn["content"], list) for part in turn["content"]]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [colour_of(base64.b64decode(url.partition(",")[2])) for url in urls]


async def say(client, web, **said):
    answer = await client.post(f"{web}/messages", json=said)
    assert answer.status_code == 200, answer.text
    return [json.loads(data) for _, data in events_of(answer.text)]


async def test_a_picture_is_shown_to_the_model_and_in_the_conversation(place, owner, web):
    events = await say(owner, web, text="What colour?", pictures=[RED])
    assert shown(place.model.prompts[-1]) == ["red"]
    question, done = events[0]["message"], events[-1]["message"]
    assert [(one["kind"], one["mime"]) for one in question["media"]] == [("image", "image/jpeg")]
    seen = await owner.get(f"/api/messages/{question['key']}/pictures/0")
    assert (seen.headers["content-type"], colour_of(seen.content)) == ("image/jpeg", "red")
    assert (await owner.get(f"/api/replies/{done['key']}/why")).json()["pictures"] == 1
    await say(owner, web, text="And before?")
    assert shown(place.model.prompts[-1]) == ["red"]


async def test_a_picture_alone_is_something_to_answer(place, owner, web):
    assert (await say(owner, web, pictures=[BLUE]))[-1]["event"] == "done"
    assert shown(place.model.prompts[-1]) == ["blue"]
    assert (await owner.post(f"{web}/messages", json={"text": " "})).status_code == 422


async def test_what_was_hidden_in_a_picture_is_not_kept(place, owner, web):
    from PIL import Image

    exif = Image.Exif()
    exif[0x010E] = "at home, 46.05 N"
    jpeg = a_picture("red", kind="JPEG", exif=exif)
    assert b"46.05" in jpeg
    [question, *_] = await say(owner, web, text="hi", pictures=[url_of(jpeg, "image/jpeg")])
    seen = await owner.get(f"/api/messages/{question['message']['key']}/pictures/0")
    assert b"46.05" not in seen.content


@pytest.mark.parametrize(
    ("pictures", "told"),
    [
        ([url_of(b"<svg onload='alert(1)'/>", "image/svg+xml")], "picture 1 cannot be looked at"),
        ([RED, "data:image/png;base64,%%%"], "picture 2 cannot be looked at: it is not in base64"),
        (["data:image/png,abc"], "no data: URL in base64"),
        (["https://example.com/cat.png"], "data:image/"),
        ([url_of(b"\x00" * (LARGEST + 10))], "more than 5 MB"),
        ([RED] * 5, "at most 4"),
    ],
)
async def test_what_is_no_picture_is_refused_and_nothing_is_said(place, owner, web, pictures, told):
    answer = await owner.post(f"{web}/messages", json={"text": "look", "pictures": pictures})
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.text
    assert place.model.prompts == []
    assert (await owner.get(f"{web}/messages")).json()["items"] == []


async def test_a_model_without_eyes_is_told_that_there_is_a_picture(place, owner, web):
    assert (await owner.get("/api/adapters/answering")).json()["sees"] is True
    place.world.talk.brain.pictures.most = 0
    await say(owner, web, text="look", pictures=[RED])
    assert "[image]" in place.model.prompts[-1][-1]["content"]
    assert (await owner.get("/api/adapters/answering")).json()["sees"] is False


async def test_pictures_of_chat_apps_are_asked_for_there(place, owner, trainer, viewer):
    cat = Media("image", "cat.png", "image/png", 100, ref="https://cdn.example/cat.png")
    message = await place.said("look", media=(cat, Media("file", "notes.pdf", ref="x")))
    url = f"/api/messages/{message.key}/pictures"
    assert colour_of((await trainer.get(f"{url}/0")).content) == "lime"
    assert (await viewer.get(f"{url}/0")).status_code == 403
    for wrong in (f"{url}/2", "/api/messages/nope/pictures/0"):
        assert (await owner.get(wrong)).status_code == 404


async def test_programs_send_pictures_as_openai_has_them(place):
    def turn(text, url):
        image = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
        return {"role": "user", "content": [{"type": "text", "text": text}, image]}

    token = await place.token("owner", ("chat",))
    async with (
        place.served() as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client,
    ):
        said = [turn("What colour?", RED), {"role": "assistant", "content": "red"}, turn("And this?", BLUE)]
        done = await client.chat.completions.create(model="twin", messages=said)
        assert shown(place.model.prompts[-1]) == ["red", "blue"]
        reply = await place.stores.messages.get(done.id.removeprefix("chatcmpl-"))
        assert len(reply.stamp.pictures) == 2
        with pytest.raises(openai.BadRequestError, match="nothing is fetched from elsewhere"):
            await client.chat.completions.create(
                model="twin", messages=[turn("look", "http://127.0.0.1:1/secret.png")]
            )


async def test_nothing_of_a_strangers_body_is_read(place):
    async def endless():
        raise AssertionError("somebody read it")
        yield b""

    answer = await place.client().post("/v1/chat/completions", content=endless())
    assert answer.status_code == 401
