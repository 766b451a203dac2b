"""Does nobody answer whom the gate has not seen, whoever asks for it?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from learning.settings import GateSettings
from storage.records import Adapter, AdapterState, now
from twin.adapters import promote
from twin.build import open_stores
from twin.errors import Told
from twin.home import Home
from twin.settings import read_settings

MODEL = SimpleNamespace(base=SimpleNamespace(weights="pocket"), client=None)
REACHES_ITS_FILES = "is refused: incomplete"  # there are none here: it came past the gate


@pytest.fixture
async def stores(tmp_path):
    home = Home(tmp_path)
    home.make()
    home.settings_file.write_text('[owner]\nname = "Mira"\n')
    async with open_stores(home, read_settings(home)) as opened:
        yield opened


def measured(distinct=0.9, beside=None, **more):
    theirs = {"adapter": beside, "variety": {"distinct": 0.9, "characters": 30.0}}
    ours = {"variety": {"distinct": distinct, "characters": 30.0}, **more}
    return {"against": "live", "models": {"live": theirs, "candidate": ours}}


async def made(stores, version, report=None, state=AdapterState.CANDIDATE):
    await stores.adapters.add(Adapter(version, "pocket", "sft", f"/nowhere/{version}", version, now()))
    await stores.adapters.set_state(version, state, report=report or {})


async def ended(stores, version, gate=None, share=None):
    with pytest.raises(Told) as told:
        await promote(stores, MODEL, gate or GateSettings(), version, share)
    return f"{told.value}"


@pytest.mark.parametrize("share", [None, 0.2])
async def test_what_was_never_measured_or_does_not_pass_neither_answers_nor_is_tried(stores, share):
    await made(stores, "sft-1")
    assert "not measured beside the base model" in await ended(stores, "sft-1", share=share)
    await made(stores, "sft-2", measured(distinct=0.1))
    assert "does not pass the gate: 10% of its sampled replies" in await ended(stores, "sft-2", share=share)
    assert (await stores.adapters.get("sft-2")).state is AdapterState.CANDIDATE  # limits may be changed
    assert await stores.adapters.live() is None


async def test_figures_of_another_version_are_asked_for_again(stores):
    await made(stores, "sft-1", measured(preference={"rate": 0.8}))
    assert "measured by another version of this program" in await ended(stores, "sft-1")


async def test_what_passes_reaches_the_servers_and_so_does_what_the_limits_allow(stores):
    await made(stores, "sft-1", measured())
    assert REACHES_ITS_FILES in await ended(stores, "sft-1")
    await made(stores, "sft-2", measured(distinct=0.1))
    assert REACHES_ITS_FILES in await ended(stores, "sft-2", GateSettings(min_distinct=0.05))


async def test_it_is_held_against_the_one_that_answers_now_and_no_other(stores, monkeypatch):
    monkeypatch.setattr("twin.adapters.other_base", lambda path, base: None)
    await made(stores, "sft-1")
    await stores.adapters.go_live("sft-1", "first")
    await made(stores, "dpo-2", measured())
    assert "not measured beside sft-1" in await ended(stores, "dpo-2")
    await made(stores, "dpo-3", measured(beside="sft-1"))
    assert REACHES_ITS_FILES in await ended(stores, "dpo-3")


async def test_friends_who_compared_it_with_another_one_say_nothing_about_this_one(stores, monkeypatch):
    monkeypatch.setattr("twin.adapters.other_base", lambda path, base: None)
    await made(stores, "sft-1")
    await stores.adapters.go_live("sft-1", "first")
    for version, other, ending in (("a-2", "sft-1", "does not pass"), ("a-3", "sft-0", REACHES_ITS_FILES)):
        disliked = {"share": 0.1, "low": 0.05, "high": 0.2, "picks": 60, "people": 3, "against": other}
        await made(stores, version, measured(beside="sft-1", friends=disliked))
        assert ending in await ended(stores, version)


async def test_what_a_cycle_let_through_or_answered_before_needs_no_other_verdict(stores):
    await made(stores, "mix-1", state=AdapterState.PASSED)
    assert REACHES_ITS_FILES in await ended(stores, "mix-1")
    await made(stores, "mix-2")
    await stores.adapters.go_live("mix-2", "first")
    await stores.adapters.roll_back("liked less")
    assert REACHES_ITS_FILES in await ended(stores, "mix-2")
    await made(stores, "dpo-3", state=AdapterState.RETIRED)  # a step on the way to another
    assert "not measured" in await ended(stores, "dpo-3")
