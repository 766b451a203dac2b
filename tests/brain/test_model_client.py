"""What does the client make of a server that misbehaves? The good days are in test_protocol.py."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from brain.model_client import ModelClient, ModelRefused, ModelUnavailable, Sampling, UnknownModel

HELLO = [{"role": "user", "content": "hello"}]


def talking_to(answer):
    return ModelClient("http://model.test:8000/v1", transport=httpx.MockTransport(answer), timeout=5)


def sse(*events):
    lines = [f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events]
    return httpx.Response(200, content="".join(lines), headers={"content-type": "text/event-stream"})


def delta(text, finish_reason=None):
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}]}


def error(status, message="a sentence"):
    return httpx.Response(status, json={"error": {"message": message, "code": status}})


async def test_an_answer_is_the_sum_of_its_pieces():
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
    client = talking_to(lambda _: sse(delta(""), delta("hi "), delta("there", "stop"), usage, "[DONE]"))
    completion = await client.chat("base", HELLO, Sampling())
    assert (completion.text, completion.finish_reason) == ("hi there", "stop")
    assert (completion.prompt_tokens, completion.completion_tokens) == (3, 2)


async def test_the_server_is_asked_for_exactly_what_was_wished():
    asked = []
    client = talking_to(lambda request: asked.append(json.loads(request.content)) or sse("[DONE]"))
    await client.chat("sft-1", HELLO, Sampling(temperature=0.2, top_p=0.5, max_tokens=7, seed=9, stop=("x",)))
    assert asked == [
        {
            "model": "sft-1",
            "messages": HELLO,
            "temperature": 0.2,
            "top_p": 0.5,
            "max_tokens": 7,
            "seed": 9,
            "stop": ["x"],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]


async def test_a_stream_without_its_closing_word_was_broken_off():
    client = talking_to(lambda _: sse(delta("hi "), delta("the")))
    stream = client.stream_chat("base", HELLO, Sampling())
    assert [(await anext(stream)).text, (await anext(stream)).text] == ["hi ", "the"]
    with pytest.raises(ModelUnavailable, match="broke off"):
        await anext(stream)


async def test_an_error_in_mid_stream_is_no_answer():
    client = talking_to(
        lambda _: sse(delta("hi"), {"error": {"message": "out of memory", "code": 500}}, "[DONE]")
    )
    with pytest.raises(ModelUnavailable, match="out of memory"):
        await client.chat("base", HELLO, Sampling())


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ModelRefused),
        (401, ModelRefused),
        (404, UnknownModel),
        (500, ModelUnavailable),
        (503, ModelUnavailable),
    ],
)
async def test_each_refusal_has_its_name_and_the_servers_own_words(status, expected):
    client = talking_to(lambda _: error(status, "the temperature is off"))
    with pytest.raises(expected, match="the temperature is off") as caught:
        await client.chat("base", HELLO, Sampling())
    assert type(caught.value) is expected
    with pytest.raises(expected):
        await client.score("base", [1, 2])


async def test_a_refusal_that_is_not_json_is_quoted():
    client = talking_to(lambda _: httpx.Response(400, text="Bad things"))
    with pytest.raises(ModelRefused, match="Bad things"):
        await client.chat("base", HELLO, Sampling())


async def test_a_bad_adapter_is_refused_even_where_the_server_calls_it_its_own_failure():
    client = talking_to(lambda _: error(500, "rank too high"))
    with pytest.raises(ModelRefused, match="rank too high"):
        await client.load_adapter("sft-1", "/adapters/sft-1")
    with pytest.raises(ModelUnavailable):
        await client.unload_adapter("sft-1")


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.ReadError("cut"),
    ],
)
async def test_whatever_breaks_on_the_way_is_called_unavailable(trouble):
    def fail(_):
        raise trouble

    client = talking_to(fail)
    for asking in (
        client.chat("base", HELLO, Sampling()),
        client.models(),
        client.score("base", [1, 2]),
        client.load_adapter("sft-1", "/adapters/sft-1"),
    ):
        with pytest.raises(ModelUnavailable, match=r"model\.test"):
            await asking
    assert not await client.healthy()


async def test_a_silent_server_is_given_up_after_the_timeout():
    async def say_nothing(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    client = ModelClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=0.2)
    with pytest.raises(ModelUnavailable, match="in time"):
        await asyncio.wait_for(client.chat("base", HELLO, Sampling()), timeout=5)
    await client.aclose()
    server.close()
    await server.wait_closed()


async def test_the_key_goes_along_when_there_is_one():
    seen = []

    def answer(request):
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"data": [{"id": "base"}]})

    transport = httpx.MockTransport(answer)
    assert await ModelClient("http://model.test/v1", "secret", transport=transport).models() == ["base"]
    assert await ModelClient("http://model.test", transport=transport).models() == ["base"]
    assert seen == ["Bearer secret", None]
