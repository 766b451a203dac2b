"""One message, one trace: bot, brain, model server, storage, and not a word of what was said."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from fakes import said
from opentelemetry.trace import StatusCode
from quick_model import QuickModel

from brain.model_client import ModelClient
from brain.replicas import Replicas
from learning.durable import recorded
from storage import tracing


class Server:
    """A model server's endpoint that an answer needs; keeps the headers of what it was asked."""

    def __init__(self) -> None:
        self.status, self.headers = 200, []

    async def answer(self, request: web.Request) -> web.Response:
        self.headers.append(request.headers)
        if self.status != 200:
            return web.json_response({"error": {"message": "secret-of-the-server"}}, status=self.status)
        events = [
            {"choices": [{"delta": {"content": "half past secret-answer"}, "finish_reason": None}]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 5}},
        ]
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        return web.Response(text="".join([*lines, "data: [DONE]\n\n"]))


@pytest.fixture
async def served(kitchen):
    """The kitchen's brain asks a server over HTTP."""
    server, application = Server(), web.Application()
    application.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = ModelClient("http://{}:{}/v1".format(*runner.addresses[0]))
    kitchen.brain._voice._replicas = client
    yield server
    await client.aclose()
    await runner.cleanup()


def everything(spans) -> str:
    return " ".join(span.to_json() for span in spans)


async def test_one_message_is_one_trace_from_the_chat_to_the_server_and_the_database(kitchen, served, spans):
    answer = await kitchen.hear(said("what is the secret-question?"))
    found = spans()
    turn = next(span for span in found if span.name == tracing.TURN)
    mine = [span for span in found if span.context.trace_id == turn.context.trace_id]
    names = [span.name for span in mine]
    assert {tracing.TURN, tracing.REPLY, "chat base", tracing.SEND, tracing.READ, tracing.WRITE} <= set(names)
    by_id = {span.context.span_id: span for span in mine}
    chat = mine[names.index("chat base")]
    assert by_id[chat.parent.span_id].name == tracing.REPLY
    assert by_id[by_id[chat.parent.span_id].parent.span_id].name == tracing.TURN
    assert all(span.parent is None or span.parent.span_id in by_id for span in mine)
    assert turn.attributes["twin.answer"] == answer.key
    assert chat.attributes["gen_ai.usage.output_tokens"] == 5
    assert chat.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    [headers] = served.headers
    ids = f"00-{chat.context.trace_id:032x}-{chat.context.span_id:016x}-"
    assert headers["traceparent"].startswith(ids)


async def test_a_server_on_the_wire_is_told_which_span_its_own_hang_on(kitchen, spans):
    quick = QuickModel(name="base")
    await quick.start()
    async with Replicas([ModelClient(quick.url)]) as replicas:
        kitchen.brain._voice._replicas = replicas
        await kitchen.hear(said("what of #1?"))
    await quick.stop()
    chat = next(span for span in spans() if span.name.startswith("chat "))
    [told] = quick.traces
    assert told.startswith(f"00-{chat.context.trace_id:032x}-{chat.context.span_id:016x}-")


async def test_no_span_holds_a_word_of_what_was_said(kitchen, served, spans):
    await kitchen.hear(said("what is the secret-question?"))
    assert len(spans()) > 5
    assert "secret" not in everything(spans())


async def test_a_failure_is_marked_by_its_kind_and_quotes_nobody(kitchen, served, spans):
    served.status = 500
    assert await kitchen.hear(said("what is the secret-question?")) is None
    chat = next(span for span in spans() if span.name == "chat base")
    assert chat.status.status_code is StatusCode.ERROR
    assert chat.attributes["error.type"] == "ModelUnavailable"
    assert "secret" not in everything(spans())


async def test_a_run_is_a_trace_with_its_id(kitchen, spans):
    async def work(run, progress):
        return run.id

    run_id = await recorded(kitchen.runs, "sft", work)
    run = next(span for span in spans() if span.name == tracing.RUN)
    assert (run.attributes["twin.run"], run.attributes["twin.kind"]) == (run_id, "sft")


async def test_where_nobody_collects_nothing_is_sent_along(kitchen, served):
    await kitchen.hear(said("hello?"))
    [headers] = served.headers
    assert "traceparent" not in headers


async def test_a_trace_that_others_collect_is_passed_on_where_nobody_collects(kitchen, served):
    begun_elsewhere = f"00-{'1' * 32}-{'2' * 16}-01"
    with tracing.within(begun_elsewhere):
        await kitchen.hear(said("hello?"))
    [headers] = served.headers
    assert headers["traceparent"] == begun_elsewhere
