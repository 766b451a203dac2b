import pytest

from storage.records import AdapterState

REPORT = {
    "models": {
        "base": {"nll": {"mean": 3.0, "low": 2.9, "high": 3.1}},
        "candidate": {
            "nll": {"mean": 2.5, "low": 2.4, "high": 2.6},
            "variety": {"distinct": 0.9, "loops": 0.1, "loops_low": 0.0, "loops_high": 0.2},
            "distances": {"emoji": {"scaled": 0.5, "low": 0.3, "high": 0.7}},
            "samples": ["what somebody said"],
        },
    },
    "prompts": ["what somebody asked"],
    "verdict": {
        "passed": True,
        "reasons": [],
        "axes": [{"name": "nll", "passed": True, "judged": True, "words": "as likely as before"}],
    },
}


@pytest.fixture
async def tree(place):
    await place.adapter("sft-1")
    await place.adapter("dpo-2", "sft-1")
    await place.adapter("dpo-3", "sft-1")
    await place.stores.adapters.set_state("dpo-2", AdapterState.PASSED, report=REPORT)
    await place.stores.adapters.set_state("dpo-3", AdapterState.REFUSED, ["it forgot too much"])


async def test_adapters_are_a_tree_with_states(viewer, tree):
    listed = (await viewer.get("/api/adapters")).json()["items"]
    assert [(one["version"], one["parent"], one["state"], one["passed"]) for one in listed] == [
        ("dpo-3", "sft-1", "refused", None),
        ("dpo-2", "sft-1", "passed", True),
        ("sft-1", None, "candidate", None),
    ]
    assert (await viewer.get("/api/adapters/sft-1")).json()["children"] == ["dpo-2", "dpo-3"]


async def test_evaluations_are_figures_with_intervals_and_nobodys_words(viewer, tree):
    answer = await viewer.get("/api/adapters/dpo-2")
    figures = {one["name"]: one for one in answer.json()["evaluation"]["models"]["candidate"]}
    assert figures["nll.mean"] == {"name": "nll.mean", "value": 2.5, "low": 2.4, "high": 2.6}
    assert (figures["variety.distinct"]["low"], figures["variety.loops"]["high"]) == (None, 0.2)
    assert figures["distances.emoji.scaled"]["low"] == 0.3
    assert answer.json()["evaluation"]["axes"][0]["words"] == "as likely as before"
    assert "somebody" not in answer.text


async def test_evaluations_stand_beside_each_other(viewer, tree):
    both = (await viewer.get("/api/evaluations?versions=dpo-2&versions=sft-1")).json()
    assert both["versions"] == ["dpo-2", "sft-1"]
    row = next(row for row in both["figures"] if row["name"] == "nll.mean")
    assert [one and one["value"] for one in row["figures"]] == [2.5, None]


async def preview(client, action, **more):
    answer = await client.get("/api/changes/preview", params={"action": action} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_change_is_shown_before_it_is_made(place, viewer, tree):
    for chat in ("a", "b", "c"):
        await place.replied("hi", await place.said("hello", chat))
    await place.stores.adapters.go_live("sft-1", "first")
    promote = await preview(viewer, "promote", version="dpo-2")
    assert (promote["now"], promote["after"], promote["chats"], promote["chats_changed"]) == (
        "sft-1",
        "dpo-2",
        3,
        3,
    )
    assert promote["allowed"]
    await place.adapter("kto-4", "sft-1")
    for report in ({}, {**REPORT, "verdict": {"passed": False}}):
        await place.stores.adapters.set_report("kto-4", report)
        unjudged = await preview(viewer, "promote", version="kto-4")
        assert (unjudged["allowed"], "nobody answers unjudged" in unjudged["sentences"][0]) == (False, True)
    await place.stores.adapters.set_report("kto-4", REPORT)
    assert (await preview(viewer, "promote", version="kto-4"))["allowed"]
    refused = await preview(viewer, "promote", version="dpo-3")
    assert (refused["allowed"], refused["warnings"][0]) == (False, "The gate: it forgot too much")
    canary = await preview(viewer, "canary", version="dpo-2", share=0.99)
    assert (canary["after"], canary["canary_after"]) == ("sft-1", "dpo-2")
    assert canary["chats_changed"] >= 1
    back = await preview(viewer, "rollback")
    assert (back["now"], back["after"], back["chats_changed"]) == ("sft-1", None, 3)


async def test_a_trial_begins_with_as_many_chats_as_the_settings_say(place, viewer, tree):
    place.world.trial_share = 0.35
    assert (await preview(viewer, "canary", version="dpo-2"))["share"] == 0.35
    assert (await preview(viewer, "canary", version="dpo-2", share=0.5))["share"] == 0.5


async def test_a_rollback_does_what_its_preview_said(place, owner, tree):
    assert (await preview(owner, "rollback"))["allowed"] is False
    assert (await owner.post("/api/rollback", json={})).status_code == 409
    await place.stores.adapters.go_live("sft-1", "first")
    await place.stores.adapters.go_live("dpo-2", "better")
    assert (await preview(owner, "rollback"))["after"] == "sft-1"
    done = await owner.post("/api/rollback", json={"why": "people liked it less"})
    assert (done.json()["version"], done.json()["previous"]) == ("sft-1", "dpo-2")
    assert (await owner.get("/api/adapters/answering")).json()["live"] == "sft-1"
    whys = [one["why"] for one in (await owner.get("/api/promotions")).json()["items"]]
    assert whys == ["people liked it less", "better", "first"]


async def test_a_canary_ends_first(place, owner, tree):
    await place.stores.adapters.go_live("sft-1", "first")
    await place.stores.adapters.start_canary("dpo-2", 0.3)
    assert (await preview(owner, "rollback"))["sentences"][0].startswith("The trial of dpo-2 ends")
    await owner.post("/api/rollback", json={})
    answering = (await owner.get("/api/adapters/answering")).json()
    assert (answering["live"], answering["canary"]) == ("sft-1", None)


async def test_without_a_model_server_nothing_is_promoted(owner, tree):
    answer = await owner.post("/api/adapters/dpo-2/promote")
    assert (answer.status_code, "twin up" in answer.json()["detail"]) == (503, True)
    assert (await owner.post("/api/adapters/nope/promote")).status_code == 404
