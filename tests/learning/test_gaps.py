"""Is the silence that ends a conversation the thread's own?"""

from __future__ import annotations

import random
from datetime import timedelta

from records_said import FRIEND, said

from learning.gaps import LONGEST, SHORTEST, session_gap
from learning.settings import CorpusSettings
from storage.records import Precision

SETTINGS = CorpusSettings()


def chat(inside, between, talks=40, authors=("owner", FRIEND), each=6, seed=0, **more):
    """Talks of so many messages; both silences are minutes, give or take a half."""
    order, at, records = random.Random(seed), 0.0, []
    for talk in range(talks):
        for number in range(each):
            records.append(said(f"{talk}-{number}", order.choice(authors), "words", at, **more))
            at += inside * order.uniform(0.5, 1.5)
        at += between * order.uniform(0.5, 1.5)
    return records


def minutes(records, settings=SETTINGS):
    gap, learned = session_gap(records, settings)
    return gap.total_seconds() / 60, learned


def test_quick_and_slow_chats_each_get_the_silence_between_their_own_heaps():
    quick, _ = minutes(chat(0.2, 300))
    slow, learned = minutes(chat(12, 3000))
    assert learned
    assert 5 <= quick < 30 < 18 * 2 < slow <= 240


def test_a_valley_is_never_taken_beyond_what_is_sensible():
    assert session_gap(chat(0.02, 4), SETTINGS) == (SHORTEST, True)
    assert session_gap(chat(50, 40_000), SETTINGS) == (LONGEST, True)


def test_where_there_is_only_one_heap_or_little_to_see_the_usual_silence_counts():
    even = [said(number, "owner", "x", 3 * number) for number in range(200)]
    assert session_gap(even, SETTINGS) == (timedelta(minutes=30), False)
    assert session_gap(chat(1, 600, talks=4), SETTINGS) == (timedelta(minutes=30), False)
    assert session_gap([], SETTINGS) == (timedelta(minutes=30), False)


def test_in_a_channel_of_many_the_usual_silence_is_shorter():
    crowd = [f"<PERSON_{number}>" for number in range(8)]
    assert session_gap(chat(1, 600, talks=4, authors=crowd), SETTINGS) == (timedelta(minutes=10), False)
    busy = CorpusSettings(busy_gap_minutes=7)
    assert session_gap(chat(1, 600, talks=4, authors=crowd), busy)[0] == timedelta(minutes=7)


def test_days_without_an_hour_say_nothing_about_silences():
    assert not session_gap(chat(1, 600, precision=Precision.DAY), SETTINGS)[1]


def test_ten_thousand_messages_are_no_trouble_and_the_order_of_dice_does_not_matter():
    long = chat(0.5, 400, talks=2000)
    assert session_gap(long, SETTINGS) == session_gap(list(long), SETTINGS)
    assert 5 <= session_gap(long, SETTINGS)[0].total_seconds() / 60 <= 60
