from __future__ import annotations

import pytest

from bot.on_command import HELP, OWNER_ONLY, Commands, on_command
from storage.records import Adapter, Role, now


@pytest.fixture
def ask(kitchen):
    started, promoted = [], []

    async def retrain(tell):
        started.append(tell)
        return "learning"

    async def promote(version):
        promoted.append(version)
        return f"{version} answers"

    commands = Commands(
        kitchen.adapters, kitchen.feedback, kitchen.runs, "pocket (a stand-in)", retrain, promote
    )

    async def ask(line, role=Role.OWNER):
        return await on_command(line, role, "kitchen", kitchen.platform, commands=commands)

    ask.started, ask.promoted = started, promoted
    return ask


def adapter(version):
    return Adapter(version, "base", "sft", f"adapters/{version}", "0" * 64, now())


async def test_status_says_who_answers(kitchen, ask):
    assert "the base model" in await ask("/status")
    await kitchen.adapters.add(adapter("sft-1"))
    await kitchen.adapters.go_live("sft-1", "test")
    status = await ask("/status")
    assert "answering: sft-1" in status
    assert "pocket (a stand-in)" in status


async def test_a_rollback_goes_back_one_and_then_says_that_it_cannot(kitchen, ask):
    for version in ("sft-1", "dpo-2"):
        await kitchen.adapters.add(adapter(version))
        await kitchen.adapters.go_live(version, "test")
    assert "→ dpo-2" in await ask("/adapters")
    assert "sft-1 answers" in await ask("/adapters rollback")
    assert (await kitchen.adapters.live()).version == "sft-1"
    assert "base model answers" in await ask("/adapters rollback")
    assert "nothing to go back to" in await ask("/adapters rollback")


@pytest.mark.parametrize("line", ["/retrain", "/adapters rollback", "/adapters promote sft-1"])
@pytest.mark.parametrize("role", [Role.TRAINER, Role.OTHER])
async def test_only_the_owner_changes_who_answers(ask, line, role):
    assert await ask(line, role) == OWNER_ONLY
    assert not ask.started
    assert not ask.promoted


async def test_retrain_answers_at_once_and_tells_the_outcome_in_the_chat(kitchen, ask):
    assert await ask("/retrain") == "learning"
    await ask.started[0]("it got better")
    assert kitchen.platform.told == ["it got better"]


async def test_an_unknown_command_names_the_known_ones(ask):
    assert HELP in await ask("/frobnicate now")
    assert await ask("/help") == HELP
