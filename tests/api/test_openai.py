"""With the client that everybody has."""

import asyncio

import openai
import pytest


@pytest.fixture
async def client(place):
    token = await place.token("owner", ("chat",))
    async with (
        place.served() as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client,
    ):
        yield client


ASK = [{"role": "user", "content": "When is dinner?"}]


async def test_the_twin_answers_like_any_model(client, place):
    place.model.answer = "at seven"
    done = await client.chat.completions.create(model="twin", messages=ASK)
    assert done.choices[0].message.content == "at seven"
    assert done.choices[0].finish_reason == "stop"
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0
    reply = await place.stores.messages.get(done.id.removeprefix("chatcmpl-"))
    assert (reply.platform, reply.text, reply.private) == ("api", "at seven", True)


async def test_an_answer_streams_with_its_end_and_usage(client, place):
    place.model.answer = "one two three"
    stream = await client.chat.completions.create(
        model="twin", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.strip() == "one two three"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens > 0


async def test_what_the_client_sends_is_the_conversation(client, place):
    await client.chat.completions.create(
        model="twin",
        messages=[
            {"role": "system", "content": "You are a pirate"},
            {"role": "user", "content": "I am cold"},
            {"role": "assistant", "content": "take a blanket"},
            {"role": "user", "content": [{"type": "text", "text": "and now?"}]},
        ],
    )
    prompt = place.model.prompts[-1]
    assert [turn["role"] for turn in prompt] == ["system", "user", "assistant", "user"]
    assert [turn["content"] for turn in prompt[1:]] == ["I am cold", "take a blanket", "and now?"]
    assert "Mira" in prompt[0]["content"]
    assert "pirate" not in str(prompt)


async def test_each_token_is_a_chat_of_its_own(client, place):
    await client.chat.completions.create(model="twin", messages=ASK)
    [chat] = await place.world.pages.conversations(10)
    [token] = await place.world.access.tokens()
    assert (chat.platform, chat.chat_id) == ("api", token.id)


async def test_an_adapter_is_asked_by_its_version(client, place):
    await place.adapter("dpo-1")
    place.model.answer = "I am {model}"
    said = [
        (await client.chat.completions.create(model=name, messages=ASK)).choices[0].message.content
        for name in ("dpo-1", "base")
    ]
    assert said == ["I am dpo-1", "I am base"]
    listed = [model.id async for model in client.models.list()]
    assert listed == ["twin", "base", "dpo-1"]
    assert (await client.models.retrieve("dpo-1")).id == "dpo-1"


async def test_errors_come_in_openais_shape(client, place):
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        await client.chat.completions.create(model="gpt-9", messages=ASK)
    with pytest.raises(openai.BadRequestError, match="temperature"):
        await client.chat.completions.create(model="twin", messages=ASK, temperature=9)
    with pytest.raises(openai.BadRequestError, match="nothing to answer"):
        await client.chat.completions.create(model="twin", messages=[{"role": "system", "content": "x"}])
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="twin_wrong").models.list()
    place.model.down = True
    with pytest.raises(openai.InternalServerError) as down:
        await client.chat.completions.create(model="twin", messages=ASK)
    assert down.value.status_code == 503


async def test_trouble_in_the_middle_of_a_stream_is_told(client, place):
    place.model.dies_after = 1
    stream = await client.chat.completions.create(model="twin", messages=ASK, stream=True)
    with pytest.raises(openai.APIError, match="cut"):
        async for _ in stream:
            pass


async def test_who_hangs_up_stops_the_model(client, place):
    place.model.hold = asyncio.Event()
    stream = await client.chat.completions.create(model="twin", messages=ASK, stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    while not place.model.cancelled:
        await asyncio.sleep(0.01)
