import pytest

from storage.chats import PersonStore
from storage.records import Consent, Kind, Record, Spent, now


async def test_people_are_listed_with_what_they_allow(place, owner):
    await place.said("hello")
    await owner.put("/api/people/discord/ann/consent", json={"consent": "agreed"})
    [ann] = (await owner.get("/api/people")).json()["items"]
    assert (ann["person_id"], ann["name"], ann["consent"], ann["messages"]) == ("ann", "Ann", "agreed", 1)


async def test_whoever_opted_out_is_only_let_in_again_by_themselves(place, owner):
    await PersonStore(place.world.database).set_consent("discord", "ann", Consent.OPTED_OUT)
    refused = await owner.put("/api/people/discord/ann/consent", json={"consent": "agreed"})
    assert refused.status_code == 409
    assert await place.stores.people.consent("discord", "ann") is Consent.OPTED_OUT


async def test_a_chats_manners_are_set_here_as_by_command(place, owner):
    set_ = await owner.put("/api/chats/telegram/12/34", json={"mode": "always", "draft": True})
    assert set_.status_code == 200
    chat = await place.stores.chats.get("telegram", "12/34")
    assert (chat.mode, chat.draft) == ("always", True)
    [shown] = (await owner.get("/api/chats?platform=telegram")).json()["items"]
    assert shown["chat_id"] == "12/34"
    await owner.put("/api/chats/discord/5", json={"mode": "off"})
    everywhere = (await owner.get("/api/chats")).json()["items"]
    assert [one["platform"] for one in everywhere] == ["discord", "telegram"]


async def test_facts_are_told_and_forgotten(owner):
    await owner.post("/api/facts", json={"text": "I like tea"})
    again = await owner.post("/api/facts", json={"text": "I like tea"})
    assert again.json()["told"] == "I knew that"
    [fact] = (await owner.get("/api/facts")).json()["items"]
    assert (await owner.delete(f"/api/facts/{fact['id']}")).status_code == 200
    assert (await owner.get("/api/facts")).json()["items"] == []


@pytest.fixture
async def record(place):
    record = Record("abc123", "journal", Kind.NOTE, "owner", True, "t", now(), "I met Tim")
    await place.stores.records.add_all([record])
    return record


async def test_forgetting_is_shown_before_it_is_done(owner, record):
    shown = (await owner.post("/api/forget/preview", json={"what": "abc123"})).json()
    assert (shown["done"], shown["records"]) == (False, 1)
    assert (await owner.get("/api/records/abc123")).json()["text"] == "I met Tim"


async def test_forgetting_needs_the_word_and_is_for_good(owner, record):
    assert (await owner.post("/api/forget", json={"what": "abc123"})).status_code == 422
    done = (await owner.post("/api/forget", json={"what": "abc123", "confirm": "forget"})).json()
    assert (done["done"], done["records"]) == (True, 1)
    assert (await owner.get("/api/records")).json()["items"] == []


async def test_what_is_not_there_cannot_be_forgotten(owner):
    answer = await owner.post("/api/forget/preview", json={"what": "nobody at all"})
    assert (answer.status_code, "nobody at all" in answer.json()["detail"]) == (422, True)


async def test_audiences_are_counted(owner, record):
    [audience] = (await owner.get("/api/audiences")).json()["items"]
    assert audience == {"audience": "owner", "records": 1}


async def test_a_persons_own_limits_are_set_and_seen_beside_what_they_used(place, owner):
    asked = await place.said("hello")
    await place.stores.usage.add(asked, Spent(1, 30, 12))
    assert (await owner.get("/api/limits")).json() == {"per_minute": None, "tokens_per_day": None}
    set_ = await owner.put("/api/people/discord/ann/limits", json={"tokens_per_day": 5000})
    assert set_.status_code == 200
    [ann] = (await owner.get("/api/people")).json()["items"]
    assert (ann["limits"], ann["tokens_today"]) == ({"per_minute": None, "tokens_per_day": 5000}, 42)
    assert ann["consent"] == "unknown"
    await owner.put("/api/people/discord/ann/consent", json={"consent": "agreed"})
    [ann] = (await owner.get("/api/people")).json()["items"]
    assert (ann["consent"], ann["limits"]["tokens_per_day"]) == ("agreed", 5000)
    assert (await owner.put("/api/people/discord/ann/limits", json={"per_minute": 0})).status_code == 422
    await owner.put("/api/people/discord/ann/limits", json={})
    [ann] = (await owner.get("/api/people")).json()["items"]
    assert (ann["consent"], ann["limits"]["tokens_per_day"]) == ("agreed", None)
