"""What does the client make of a server that misbehaves? The good days are in test_protocol.py."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from contextlib import aclosing

import pytest
from aiohttp import web

from brain.events import Events
from brain.model_client import (
    ModelClient,
    ModelRefused,
    ModelUnavailable,
    ModelUnreachable,
    Sampling,
    UnknownModel,
)

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
async def talking_to():
    """Called with what makes an answer of a request: a client of a server that gives it."""
    runners, clients = [], []

    async def talk(answer, key=None):
        async def handle(request):
            await request.read()
            return answer(request)

        application = web.Application()
        application.router.add_route("*", "/{anything:.*}", handle)
        runners.append(web.AppRunner(application, access_log=None, shutdown_timeout=0.2))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        address = "http://{}:{}/v1".format(*runners[-1].addresses[0])
        clients.append(ModelClient(address, key, timeout=5))
        return clients[-1]

    yield talk
    for one in clients:
        await one.aclose()
    for one in runners:
        await one.cleanup()


def sse(*events):
    lines = [f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events]
    return web.Response(text="".join(lines), content_type="text/event-stream")


def delta(text, finish_reason=None):
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}]}


def error(status, message="a sentence"):
    return web.json_response({"error": {"message": message, "code": status}}, status=status)


async def test_an_answer_is_the_sum_of_its_pieces(talking_to):
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
    client = await talking_to(lambda _: sse(delta(""), delta("hi "), delta("there", "stop"), usage, "[DONE]"))
    completion = await client.chat("base", HELLO, Sampling())
    assert (completion.text, completion.finish_reason) == ("hi there", "stop")
    assert (completion.prompt_tokens, completion.completion_tokens) == (3, 2)


async def test_the_server_is_asked_for_exactly_what_was_wished(talking_to):
    asked = []
    client = await talking_to(lambda request: asked.append(json.loads(request._read_bytes)) or sse("[DONE]"))
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


async def test_the_closing_word_counts_without_the_end_of_its_line(talking_to):
    text = f"data: {json.dumps(delta('hi', 'stop'))}\n\ndata: [DONE]"
    client = await talking_to(lambda _: web.Response(text=text, content_type="text/event-stream"))
    assert (await client.chat("base", HELLO, Sampling())).text == "hi"


async def test_a_stream_without_its_closing_word_was_broken_off(talking_to):
    client = await talking_to(lambda _: sse(delta("hi "), delta("the")))
    stream = client.stream_chat("base", HELLO, Sampling())
    assert [(await anext(stream)).text, (await anext(stream)).text] == ["hi ", "the"]
    with pytest.raises(ModelUnavailable, match="broke off"):
        await anext(stream)


async def test_an_error_in_mid_stream_is_no_answer(talking_to):
    client = await talking_to(
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
async def test_each_refusal_has_its_name_and_the_servers_own_words(talking_to, status, expected):
    client = await talking_to(lambda _: error(status, "the temperature is off"))
    with pytest.raises(expected, match="the temperature is off") as caught:
        await client.chat("base", HELLO, Sampling())
    assert type(caught.value) is expected
    with pytest.raises(expected):
        await client.score("base", [1, 2])


async def test_a_refusal_that_is_not_json_is_quoted(talking_to):
    client = await talking_to(lambda _: web.Response(status=400, text="Bad things"))
    with pytest.raises(ModelRefused, match="Bad things"):
        await client.chat("base", HELLO, Sampling())


async def test_a_bad_adapter_is_refused_even_where_the_server_calls_it_its_own_failure(talking_to):
    client = await talking_to(lambda _: error(500, "rank too high"))
    with pytest.raises(ModelRefused, match="rank too high"):
        await client.load_adapter("sft-1", "/adapters/sft-1")
    with pytest.raises(ModelUnavailable):
        await client.unload_adapter("sft-1")


async def refuse_connections(_):
    """Nobody listens at all."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def hanging_up(*says):
    """What a server says before it hangs up, request by request."""

    async def serve(closing):
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(says[0])
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        closing.append(server)
        return server.sockets[0].getsockname()[1]

    return serve


@pytest.mark.parametrize(
    "serve",
    [
        refuse_connections,
        hanging_up(b""),
        hanging_up(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
        hanging_up(b"this is no HTTP\r\n\r\n"),
    ],
    ids=["refused", "hung up", "cut", "garbage"],
)
async def test_whatever_breaks_on_the_way_is_called_unavailable(serve):
    closing = []
    client = ModelClient(f"http://127.0.0.1:{await serve(closing)}", timeout=5)
    expected = ModelUnreachable if serve is refuse_connections else ModelUnavailable
    for asking in (
        client.chat("base", HELLO, Sampling()),
        client.models(),
        client.score("base", [1, 2]),
        client.load_adapter("sft-1", "/adapters/sft-1"),
    ):
        with pytest.raises(expected, match=r"127\.0\.0\.1") as caught:
            await asking
        assert type(caught.value) is expected
    assert not await client.healthy()
    await client.aclose()
    for server in closing:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("said", ["{", '{"choices": 5}', '{"choices": [{"delta": {"content": 7}}]}', "[]"])
async def test_what_is_no_event_is_no_answer(talking_to, said):
    client = await talking_to(lambda _: sse(delta("hi "), said, "[DONE]"))
    with pytest.raises(ModelUnavailable, match="is no answer"):
        await client.chat("base", HELLO, Sampling())


@pytest.mark.parametrize("code", [None, "internal", 0, 500])
def test_an_error_in_mid_stream_counts_as_the_servers_own_whatever_its_code(code):
    [event] = Events().of(b'data: {"error": {"message": "m", "code": %s}}\n' % json.dumps(code).encode())
    assert (event.status, event.message) == (500, "m")
    [event] = Events().of(b'data: {"error": "in words"}\n')
    assert (event.status, event.message) == (500, "in words")


def test_events_are_the_same_wherever_the_stream_is_cut():
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
    lines = [
        ": a comment",
        "event: x",
        *(f"data: {json.dumps(one)}" for one in (delta("é\U0001f600"), delta("b", "stop"))),
    ]
    whole = (
        "\n\n".join([*lines, f"data:{json.dumps(usage)}", "data: [DONE]"]).replace("x\n", "x\r\n").encode()
    )

    def read(*pieces):
        events = Events()
        return [*itertools.chain.from_iterable(map(events.of, pieces)), *events.last()]

    expected = read(whole)
    assert [one and one.text for one in expected] == ["é\U0001f600", "b", "", None]
    assert (expected[1].finish_reason, expected[2].usage.completion_tokens) == ("stop", 2)
    for at in range(len(whole)):
        assert read(whole[:at], whole[at:]) == expected
    assert read(*(whole[at : at + 1] for at in range(len(whole)))) == expected


async def test_a_long_answer_needs_no_timer_for_each_of_its_pieces(talking_to, monkeypatch):
    """One for every piece would cost more than reading it."""

    def in_pieces(request):
        return web.Response(body=pieces(), content_type="text/event-stream")

    async def pieces():
        for _ in range(60):
            yield f"data: {json.dumps(delta('word '))}\n\n".encode()
            await asyncio.sleep(0)
        yield b"data: [DONE]\n\n"

    client, loop, ours = await talking_to(in_pieces), asyncio.get_running_loop(), []
    call_at = loop.call_at
    monkeypatch.setattr(
        loop,
        "call_at",
        lambda at, call, *more, **how: ours.append(call.__qualname__) or call_at(at, call, *more, **how),
    )
    stream = client.stream_chat("base", HELLO, Sampling())
    assert len([chunk async for chunk in stream]) == 60
    assert ours.count("Patience._look") == 1
    assert ours.count("ResponseHandler._on_read_timeout") < 6  # until the answer begins


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


async def test_a_server_that_falls_silent_in_mid_answer_is_given_up_after_the_timeout():
    async def begin(reader, writer):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        event = f"data: {json.dumps(delta('hi'))}\n\n".encode()
        writer.write(head + b"%x\r\n%s\r\n" % (len(event), event))
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    client = ModelClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=1)
    async with asyncio.timeout(30), aclosing(client.stream_chat("base", HELLO, Sampling())) as stream:
        assert (await anext(stream)).text == "hi"
        with pytest.raises(ModelUnavailable, match="in time"):
            await anext(stream)
        await gone.wait()  # the server hears that nobody waits for it any more
    await client.aclose()
    server.close()
    await server.wait_closed()


async def test_the_key_goes_along_when_there_is_one(talking_to):
    seen = []

    def answer(request):
        seen.append(request.headers.get("authorization"))
        return web.json_response({"data": [{"id": "base"}]})

    assert await (await talking_to(answer, "secret")).models() == ["base"]
    assert await (await talking_to(answer)).models() == ["base"]
    assert seen == ["Bearer secret", None]
