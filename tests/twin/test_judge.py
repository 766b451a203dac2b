"""Does only a win that survives the exchange of places count?"""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from twin.evaluate import asked_of_a_judge
from twin.judge import compare
from twin.settings import Settings

ROWS = [(f"q{n}", f"owner {n}", f"ours {n}", f"theirs {n}") for n in range(20)]


def judge_that(prefers):
    async def ask(prompt):
        text = prompt[-1]["content"]
        first, second = re.search(r"^A: (.*)$", text, re.M)[1], re.search(r"^B: (.*)$", text, re.M)[1]
        return prefers(first, second)

    return ask


async def test_a_judge_who_always_likes_ours_gives_wins_and_a_narrow_enough_interval():
    found = await compare(ROWS, judge_that(lambda first, second: "A." if "ours" in first else "b"))
    assert (found["wins"], found["ties"], found["losses"], found["share"]) == (20, 0, 0, 1.0)
    assert found["low"] > 0.85


async def test_a_judge_who_only_likes_a_place_gives_ties():
    found = await compare(ROWS, judge_that(lambda first, second: "A"))
    assert (found["ties"], found["share"]) == (20, 0.5)


async def test_an_answer_that_names_neither_is_a_tie():
    found = await compare(ROWS[:3], judge_that(lambda first, second: "neither"))
    assert (found["picks"], found["ties"]) == (3, 3)


async def test_theirs_being_liked_is_a_loss():
    found = await compare(ROWS, judge_that(lambda first, second: "A" if "theirs" in first else "B"))
    assert (found["losses"], found["share"]) == (20, 0.0)


@asynccontextmanager
async def serving(answer):
    """A model server that says what `answer` makes of the request's JSON."""

    async def chat(request):
        said = {"choices": [{"delta": {"content": answer(await request.json())}}]}
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(f"data: {json.dumps(said)}\n\ndata: [DONE]\n\n".encode())
        return stream

    application = web.Application()
    application.router.add_post("/v1/chat/completions", chat)
    async with TestServer(application) as server:
        yield f"{server.make_url('/v1')}"


def told(url, **options):
    evaluation = {"judge_url": url, **options}
    return Settings(owner={"name": "Mira"}, learning={"evaluation": evaluation})


REPORT = {
    "prompts": [row[0] for row in ROWS],
    "answers": [row[1] for row in ROWS],
    "models": {"candidate": {"samples": [r[2] for r in ROWS]}, "live": {"samples": [r[3] for r in ROWS]}},
}


async def test_a_judge_on_a_server_is_asked_by_name_in_both_orders_and_no_oftener_than_it_is_told():
    asked = []

    def answer(body):
        asked.append((body["model"], body["temperature"], text := body["messages"][-1]["content"]))
        return "A" if re.search(r"^A: ours", text, re.M) else "B"

    async with serving(answer) as url:
        found = await asked_of_a_judge(REPORT, told(url, judge_model="wise", judge_prompts=7))
    assert (found["picks"], found["wins"], found["share"]) == (7, 7, 1.0)
    assert len(asked) == 14
    assert {(model, temperature) for model, temperature, _ in asked} == {("wise", 0.0)}
    assert sum("A: ours 3\nB: theirs 3" in text for _, _, text in asked) == 1
    assert sum("A: theirs 3\nB: ours 3" in text for _, _, text in asked) == 1
    assert all(
        f"{word} 3" in text for _, _, text in asked if "ours 3" in text for word in ("owner", "theirs")
    )


async def test_a_judge_that_is_away_costs_only_its_own_figure(unused_tcp_port, capsys):
    assert await asked_of_a_judge(REPORT, told(f"http://127.0.0.1:{unused_tcp_port}/v1")) is None
    assert "without a judge: " in capsys.readouterr().err
