import asyncio
import json

import pytest
from api_world import events_of

from api import talk
from storage.records import Signal


@pytest.fixture
async def web(owner):
    made = await owner.post("/api/conversations", json={"title": "about tea"})
    assert made.status_code == 201
    return f"/api/conversations/{made.json()['id']}"


async def say(client, web, text, **more):
    answer = await client.post(f"{web}/messages", json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return [json.loads(data) for _, data in events_of(answer.text)]


async def test_an_answer_grows_and_is_kept(place, owner, web):
    place.model.answer = "tea at four then"
    events = await say(owner, web, "When?")
    assert [one["event"] for one in events] == ["question", "text", "text", "text", "text", "done"]
    assert "".join(one["delta"] for one in events) == "tea at four then "
    done = events[-1]["message"]
    assert (done["text"], done["by_twin"], done["adapter"]) == ("tea at four then", True, None)
    listed = (await owner.get(f"{web}/messages")).json()["items"]
    assert [one["text"] for one in listed] == ["tea at four then", "When?"]
    [conversation] = (await owner.get("/api/conversations")).json()["items"]
    assert (conversation["web"], conversation["messages"], conversation["private"]) == (True, 2, True)


async def test_the_twin_remembers_what_was_said_in_this_conversation(place, owner, web):
    await say(owner, web, "I am cold")
    await say(owner, web, "What now?")
    assert "I am cold" in json.dumps(place.model.prompts[-1])


async def test_what_is_said_here_is_the_owners_and_private(place, owner, web):
    await say(owner, web, "hello")
    [question] = await place.stores.messages.said_by("web", place.accounts["owner"].id)
    assert question.by_owner
    assert question.private


async def test_an_answer_is_stopped_and_what_was_said_stays(place, owner, web):
    place.model.answer, place.model.hold = "one two three", asyncio.Event()
    asking = asyncio.create_task(say(owner, web, "count"))
    while not (key := next(iter(place.world.talk._sayings), None)) or not place.world.talk._sayings[key].text:
        await asyncio.sleep(0)
    stopping = asyncio.create_task(owner.post(f"/api/replies/{key}/stop"))
    while not place.world.talk._sayings[key].stopped:
        await asyncio.sleep(0)
    place.model.hold.set()
    events = await asking
    assert (await stopping).status_code == 200
    assert events[-1]["event"] == "stopped"
    assert events[-1]["message"]["text"].startswith("one")
    assert "three" not in events[-1]["message"]["text"]
    assert (await place.stores.messages.get(key)).stamp is not None
    assert (await owner.post(f"/api/replies/{key}/stop")).status_code == 404


async def test_a_model_that_fell_silent_is_stopped_as_well(place, owner, web, monkeypatch):
    monkeypatch.setattr(talk, "STOPS_WITHIN_SECONDS", 0.01)
    place.model.answer, place.model.hold = "one two three", asyncio.Event()
    asking = asyncio.create_task(say(owner, web, "count"))
    while not (key := next(iter(place.world.talk._sayings), None)) or not place.world.talk._sayings[key].text:
        await asyncio.sleep(0)
    assert (await owner.post(f"/api/replies/{key}/stop")).status_code == 200
    events = await asking
    assert (events[-1]["event"], events[-1]["message"]["text"]) == ("stopped", "one")
    assert place.model.cancelled == 1
    assert [one["text"] for one in (await owner.get(f"{web}/messages")).json()["items"]] == ["one", "count"]


async def test_who_leaves_finds_the_answer_when_they_come_back(place, owner, web):
    place.model.hold = asyncio.Event()
    async with place.served() as url:
        import httpx

        headers = dict(owner.headers)
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            async with client.stream("POST", f"{web}/messages", json={"text": "hi"}) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("event: text"):
                        break
            place.model.hold.set()
            while place.world.talk.under_way:
                await asyncio.sleep(0.01)
            listed = (await client.get(f"{web}/messages")).json()["items"]
    assert [one["text"] for one in listed] == ["hello there friend", "hi"]


async def test_regenerating_sets_the_old_answer_aside_where_it_can_still_be_judged(place, owner, web):
    first = (await say(owner, web, "hello"))[-1]["message"]
    answer = await owner.post(f"{web}/regenerate", json={})
    second = json.loads(events_of(answer.text)[-1][1])["message"]
    assert second["reply_to"] == first["reply_to"]
    listed = {one["key"]: one["unsent"] for one in (await owner.get(f"{web}/messages")).json()["items"]}
    assert (listed[first["key"]], listed[second["key"]]) == (True, False)
    given = await owner.post(f"/api/replies/{first['key']}/feedback", json={"kind": "down"})
    assert given.status_code == 201


async def test_two_adapters_answer_side_by_side_and_the_better_one_stays(place, owner, web):
    await place.adapter("dpo-1")
    await place.adapter("dpo-2")
    place.model.answer = "said by {model}"
    events = await say(owner, web, "who are you?", adapters=["dpo-1", "dpo-2"])
    done = {one["slot"]: one["message"] for one in events if one["event"] == "done"}
    assert [done[slot]["text"] for slot in (0, 1)] == ["said by dpo-1", "said by dpo-2"]
    chosen = await owner.post("/api/choices", json={"better": done[1]["key"], "worse": done[0]["key"]})
    assert chosen.status_code == 201
    [signal] = await place.stores.feedback.about(done[0]["key"])
    assert (signal.kind, signal.text) == (Signal.CHOICE, "said by dpo-2")
    recent = await place.stores.messages.recent(done[0]["chat_id"], "web")
    assert [one.text for one in recent] == ["who are you?", "said by dpo-2"]


async def test_only_two_answers_to_the_same_words_can_be_compared(place, owner):
    one, other = await place.replied("a", await place.said("q")), await place.replied("b")
    answer = await owner.post("/api/choices", json={"better": one.key, "worse": other.key})
    assert answer.status_code == 422


async def test_a_message_that_is_sent_again_is_not_answered_twice(place, owner, web):
    headers = {"idempotency-key": "k"}
    first = await owner.post(f"{web}/messages", json={"text": "hi"}, headers=headers)
    again = await owner.post(f"{web}/messages", json={"text": "hi"}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 409)
    assert len(place.model.prompts) == 1


async def test_trouble_comes_as_an_event_that_says_what_it_is(place, owner, web):
    place.model.down = True
    events = await say(owner, web, "hello")
    assert (events[-1]["event"], bool(events[-1]["told"])) == ("failed", True)
    refused = await say(owner, web, "hello", adapters=["nope"])
    assert "nope" in refused[-1]["told"]


async def test_chats_on_other_apps_are_read_here_and_not_written(place, owner):
    await place.said("hello from discord")
    [conversation] = (await owner.get("/api/conversations")).json()["items"]
    assert conversation["title"] == "Ann"
    url = f"/api/conversations/{conversation['id']}/messages"
    assert [one["text"] for one in (await owner.get(url)).json()["items"]] == ["hello from discord"]
    assert (await owner.post(url, json={"text": "hi"})).status_code == 409


async def test_why_this_answer_shows_everything_that_made_it(place, owner, trainer):
    from storage.records import Kind, Record, now

    await place.stores.records.add_all(
        [Record("r1", "journal", Kind.NOTE, "owner", True, "t", now(), "I met Tim at the lake")]
    )
    reply = await place.replied("At four.", await place.said("When?"), "dpo-1", recalled=("r1",))
    why = (await owner.get(f"/api/replies/{reply.key}/why")).json()
    assert (why["adapter"], why["question"]["text"], why["total_ms"]) == ("dpo-1", "When?", 120.0)
    assert why["prompt"] == [{"role": "user", "content": "When?"}]
    assert why["recalled"][0]["text"] == "I met Tim at the lake"
    of_trainer = await trainer.get(f"/api/replies/{reply.key}/why")
    assert "lake" not in of_trainer.text
