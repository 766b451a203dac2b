from __future__ import annotations

import asyncio

import pytest

from bot.platform import ChatUnavailable
from bot.telegram_pace import Pace


class Clock:
    """Time passes only while everybody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(50):
            await asyncio.sleep(0)
        self.now = max(self.now, until)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(clock=clock, sleep=clock.sleep)


async def times(pace, clock, *chats):
    """When each of them had its turn, in that order."""
    had: list[tuple[float, int]] = []

    async def go(chat):
        await pace.turn(chat)
        had.append((round(clock.now - 100, 3), chat))

    await asyncio.gather(*map(go, chats))
    return had


async def test_one_chat_is_written_to_once_a_second(pace, clock):
    assert await times(pace, clock, 7, 7, 7) == [(0, 7), (1, 7), (2, 7)]


async def test_thirty_a_second_over_all_chats(pace, clock):
    had = await times(pace, clock, *range(1, 62))
    assert [when for when, _ in had] == [0.0] * 30 + [1.0] * 30 + [2.0]


async def test_twenty_a_minute_in_a_group_and_no_such_limit_in_private(pace, clock):
    group = await times(pace, clock, *[-5] * 21)
    assert group[-1][0] == pytest.approx(60)
    clock.now = 100.0
    private = await times(Pace(clock=clock, sleep=clock.sleep), clock, *[5] * 21)
    assert private[-1][0] == pytest.approx(20)


async def test_a_quiet_chat_is_not_held_up_by_a_busy_one(pace, clock):
    had = await times(pace, clock, 1, 1, 1, 2)
    assert (0.0, 2) in had


async def test_a_chat_that_must_rest_rests_alone(pace, clock):
    pace.rest(1, 9)
    assert await times(pace, clock, 1, 2) == [(0, 2), (9, 1)]
    assert pace.resting(1) == 0


async def test_who_has_no_patience_is_told_how_long_at_once(pace, clock):
    pace.rest(1, 9)
    with pytest.raises(ChatUnavailable) as caught:
        await pace.turn(1, patience=3)
    assert caught.value.retry_after == pytest.approx(9)
    assert clock.now == 100


async def test_chats_that_are_quiet_are_forgotten(pace, clock):
    for chat in range(1500):
        pace.wait(chat)
        clock.now += 1
    assert len(pace._chats) <= 1000
