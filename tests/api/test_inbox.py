import io
import json

import pyarrow.parquet
import pytest

from storage.records import Role, Signal


@pytest.fixture
async def reply(place):
    return await place.replied("At four.", await place.said("When is tea?", by_owner=True, author_id="mira"))


async def give(client, reply, **feedback):
    return await client.post(f"/api/replies/{reply.key}/feedback", json=feedback)


async def test_an_answer_is_shown_with_what_it_answers_and_what_was_said_of_it(owner, reply):
    await give(owner, reply, kind="correction", text="At five.")
    [shown] = (await owner.get("/api/replies")).json()["items"]
    assert (shown["message"]["text"], shown["question"]["text"]) == ("At four.", "When is tea?")
    assert [(one["kind"], one["text"], one["role"]) for one in shown["feedback"]] == [
        ("correction", "At five.", "owner")
    ]
    assert shown["message"]["feedback"] == ["correction"]


@pytest.mark.parametrize("kind", list(Signal))
async def test_every_kind_of_feedback_can_be_given(place, owner, reply, kind):
    needs_words = kind not in (Signal.UP, Signal.DOWN)
    assert (await give(owner, reply, kind=kind, text="At five.")).status_code == 201
    [signal] = await place.stores.feedback.about(reply.key)
    assert (signal.kind, signal.text) == (kind, "At five." if needs_words else None)
    if needs_words:
        assert (await give(owner, reply, kind=kind)).status_code == 422


async def test_whose_feedback_it_is_decides_what_it_weighs(place, trainer, reply):
    await give(trainer, reply, kind="up")
    assert [one.role for one in await place.stores.feedback.about(reply.key)] == [Role.TRAINER]


async def test_the_newest_thumb_of_one_person_counts(place, owner, reply):
    await give(owner, reply, kind="up")
    await give(owner, reply, kind="down")
    listed = (await owner.get("/api/feedback?counts=true")).json()["items"]
    assert [one["kind"] for one in listed] == ["down"]


async def test_what_was_said_can_be_taken_back_by_who_said_it_or_the_owner(owner, trainer, reply):
    mine = (await give(owner, reply, kind="up")).json()["id"]
    theirs = (await give(trainer, reply, kind="up")).json()["id"]
    assert (await trainer.delete(f"/api/feedback/{mine}")).status_code == 403
    for id in (mine, theirs):
        assert (await owner.delete(f"/api/feedback/{id}")).json()["withdrawn_at"]
    assert (await owner.get("/api/feedback?counts=true")).json()["items"] == []
    assert len((await owner.get("/api/feedback")).json()["items"]) == 2


async def test_feedback_on_nothing_is_refused(owner, place):
    question = await place.said("hello")
    for key in ("discord:~nope", question.key):
        answer = await owner.post(f"/api/replies/{key}/feedback", json={"kind": "up"})
        assert answer.status_code == 404


async def rows(owner, kind, file="jsonl"):
    answer = await owner.get("/api/feedback/export", params={"kind": kind, "file": file})
    assert answer.status_code == 200, answer.text
    if file == "parquet":
        return pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_corrections_are_exported_as_trl_reads_preferences(owner, reply):
    await give(owner, reply, kind="correction", text="At five.")
    [row] = await rows(owner, "preference")
    assert row["prompt"] == [{"role": "user", "content": "When is tea?"}]
    assert row["chosen"] == [{"role": "assistant", "content": "At five."}]
    assert row["rejected"] == [{"role": "assistant", "content": "At four."}]
    [same] = await rows(owner, "preference", "parquet")
    assert (same["prompt"], same["chosen"], same["rejected"]) == (
        row["prompt"],
        row["chosen"],
        row["rejected"],
    )


async def test_thumbs_are_exported_as_trl_reads_unpaired_rows(owner, reply):
    await give(owner, reply, kind="down")
    [row] = await rows(owner, "unpaired")
    assert (row["completion"], row["label"]) == ([{"role": "assistant", "content": "At four."}], False)


async def put(owner, lines):
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    answer = await owner.post("/api/feedback/import", content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_trainers_read_can_be_imported_and_learned_from(place, owner):
    pair = {"prompt": "Tea?", "chosen": "Yes please.", "rejected": "No."}
    thumb = {
        "prompt": [{"role": "user", "content": "Coffee?"}],
        "completion": [{"role": "assistant", "content": "Never."}],
        "label": True,
    }
    first = await put(owner, [pair, thumb, ""])
    assert (first["seen"], first["added"], first["known"], first["failed"]) == (2, 2, 0, 0)
    again = await put(owner, [pair, thumb])
    assert (again["added"], again["known"]) == (0, 2)
    [exported] = await rows(owner, "preference")
    assert exported["chosen"] == [{"role": "assistant", "content": "Yes please."}]
    [up] = await rows(owner, "unpaired")
    assert up["label"] is True


async def test_signals_come_back_as_they_were_exported(place, owner, reply):
    await give(owner, reply, kind="up")
    exported = await rows(owner, "signals")
    assert (await put(owner, exported))["known"] == 1
    await place.stores.feedback.erase_given_by("discord", exported[0]["given_by"])
    assert (await put(owner, exported))["added"] == 1
    assert await rows(owner, "signals") == exported


async def test_a_bad_line_leaves_the_others_alone_and_is_named(owner):
    good = {"prompt": "Tea?", "chosen": "Yes.", "rejected": "No."}
    report = await put(
        owner,
        ["{", "[]", {"prompt": "x", "chosen": "y"}, {"reply_key": "discord:~no"} | {}, good, '"\\ud800"'],
    )
    assert (report["seen"], report["added"], report["failed"]) == (6, 1, 5)
    assert [line.split(":")[0] for line in report["problems"]] == [f"line {n}" for n in (1, 2, 3, 4, 6)]
    assert "rejected" in report["problems"][2]


async def test_drafts_wait_for_the_owner_and_need_a_chat_app_to_be_sent(place, owner, trainer):
    question = await place.said("Lunch?")
    draft = await place.replied("Sure.", question, unsent=True)
    await place.stores.messages.conclude(draft.key, "proposed")
    [shown] = (await owner.get("/api/drafts")).json()["items"]
    assert (shown["draft"]["text"], shown["question"]["text"]) == ("Sure.", "Lunch?")
    assert (await trainer.get("/api/drafts")).status_code == 403
    refused = await owner.post(f"/api/drafts/{draft.key}/approve", json={})
    assert refused.status_code == 409
    assert "twin up" in refused.json()["detail"]
    assert (await owner.post("/api/drafts/nope/skip")).status_code == 404
