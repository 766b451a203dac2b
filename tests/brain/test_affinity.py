"""Does a chat keep its server, and does no server get too many?"""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from brain.affinity import NEVER_TOO_MUCH, SHARE_OF_LOAD, place, preferred, unit_hash

CHATS = [f"discord:{number}" for number in range(800)]
names = st.sets(st.from_regex(r"[a-z0-9.]{1,12}:[0-9]{2,5}", fullmatch=True), min_size=2, max_size=9).map(
    sorted
)


def homes(replicas):
    return {chat: preferred(chat, replicas)[0] for chat in CHATS}


@settings(max_examples=25)
@given(names, st.data())
def test_one_that_leaves_moves_only_its_own_chats_and_one_that_comes_back_gets_them_again(replicas, data):
    leaves = data.draw(st.sampled_from(replicas))
    before, after = homes(replicas), homes([one for one in replicas if one != leaves])
    moved = {chat for chat in CHATS if before[chat] != after[chat]}
    assert moved == {chat for chat in CHATS if before[chat] == leaves}
    assert abs(len(moved) / len(CHATS) - 1 / len(replicas)) < 0.09


@settings(max_examples=25)
@given(names)
def test_the_chats_are_spread_evenly_and_the_order_of_the_servers_does_not_matter(replicas):
    count = Counter(homes(replicas).values())
    assert set(count) == set(replicas)
    assert max(count.values()) < 1.2 * len(CHATS) / len(replicas) + 30
    assert homes(replicas) == homes(replicas[::-1])


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 40), min_size=1), st.text(min_size=1))
def test_nobody_is_given_more_than_a_quarter_above_the_mean(loads, chat):
    chosen = place(chat, loads)
    mean = (sum(loads.values()) + 1) / len(loads)
    assert loads[chosen] + 1 <= max(NEVER_TOO_MUCH, SHARE_OF_LOAD * mean + 1)


def test_a_chat_goes_home_while_its_home_is_not_overloaded_and_then_always_to_the_same_other():
    home, second, third = preferred("discord:7", ["a", "b", "c"])
    assert place("discord:7", {home: NEVER_TOO_MUCH - 1, second: 0, third: 0}) == home
    assert place("discord:7", {home: 9, second: 0, third: 0}) == second
    assert place("discord:7", {home: 9, second: 9, third: 0}) == third
    assert place("discord:7", {home: 9, second: 9, third: 9}) == home


def test_without_a_chat_the_least_loaded_is_asked():
    assert place(None, {"a": 2, "b": 1, "c": 3}) == "b"


def test_the_hash_is_the_same_for_ever():
    assert unit_hash("sft-1", "discord:7") == 0.9339914699084184
    assert unit_hash("ab", "c") != unit_hash("a", "bc")
