"""What would a promotion, a canary or a rollback change? Asked before, with what speaks against it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from api.shapes.models import Change
from api.world import World
from brain.live_adapter import in_canary
from storage.adapters import Answering
from storage.records import Adapter, AdapterState, now

LATELY = timedelta(days=14)
BASE = "the base model"


async def preview(
    world: World, action: Literal["promote", "canary", "rollback"], adapter: Adapter | None, share: float
) -> Change:
    """`adapter`: whom to promote or try; a rollback has none."""
    live, canary = await world.adapters.answering()
    before, beside = live and live.version, canary and canary.version
    chats = [f"{platform}:{id}" for platform, id in await world.pages.chats_answered_since(now() - LATELY)]
    change = Change(
        action=action,
        now=before,
        canary_now=beside,
        after=before,
        allowed=True,
        sentences=[],
        chats=len(chats),
        chats_changed=0,
    )
    if action == "rollback":
        return await _rollback(world, change, canary, chats)
    assert adapter is not None
    change.warnings = _warnings(adapter)
    if adapter.state is AdapterState.REFUSED:
        change.allowed = False
        change.sentences = [f"{adapter.version} was refused, and a refused adapter never answers."]
    elif adapter.state is AdapterState.CANDIDATE and not _passed(adapter):
        change.allowed = False
        change.sentences = [f"{adapter.version} has not passed the gate, and nobody answers unjudged."]
    elif adapter.version == before:
        change.allowed = False
        change.sentences = [f"{adapter.version} answers already."]
    elif action == "promote":
        change.after = adapter.version
        change.chats_changed = sum(not (canary and _is_its(canary, chat, adapter)) for chat in chats)
        change.sentences = [
            f"{adapter.version} answers every chat from its next message on, instead of {before or BASE}."
        ]
        if beside and beside != adapter.version:
            change.sentences.append(f"The trial of {beside} ends.")
        change.sentences.append(f"A rollback goes back to {before or BASE}.")
    else:
        trial = Answering(adapter.version, adapter.path, share)
        change.share, change.canary_after = share, adapter.version
        change.chats_changed = sum(in_canary(trial, chat) for chat in chats)
        change.sentences = [
            f"{adapter.version} answers {share:.0%} of the chats, always the same ones, and your own.",
            f"{before or BASE} goes on answering the others.",
        ]
        if beside and beside != adapter.version:
            change.sentences.append(f"The trial of {beside} ends.")
    return change


async def _rollback(world: World, change: Change, canary: Answering | None, chats: list[str]) -> Change:
    if canary:
        change.chats_changed = sum(in_canary(canary, chat) for chat in chats)
        change.sentences = [
            f"The trial of {canary.version} ends, and it is retired.",
            f"{change.now or BASE} answers everywhere.",
        ]
        return change
    standing = await world.adapters.standing()
    if not standing:
        change.allowed = False
        change.sentences = [
            "There is nothing to go back to: no adapter was promoted since the last rollback."
        ]
        return change
    change.after, change.chats_changed = standing[-1].previous, len(chats)
    change.sentences = [
        f"{change.after or BASE} answers every chat from its next message on.",
        f"{change.now or BASE} is retired; it can be promoted again.",
    ]
    return change


def _is_its(canary: Answering, chat: str, adapter: Adapter) -> bool:
    """Whether this chat has it already, as the canary."""
    return canary.version == adapter.version and in_canary(canary, chat)


def _warnings(adapter: Adapter) -> list[str]:
    report = adapter.report or {}
    passed = _passed(adapter)
    warnings = [f"The gate: {reason}" for reason in adapter.reasons]
    if passed is False:
        warnings.insert(0, "The gate would refuse it.")
    elif not report.get("models"):
        warnings.append("Nothing was measured of it yet; evaluate it first.")
    return warnings


def _passed(adapter: Adapter) -> bool | None:
    """What the gate said, as it was written down; None: it was not asked."""
    verdict = (adapter.report or {}).get("verdict") or {}
    passed: bool | None = verdict.get("passed")
    return passed
