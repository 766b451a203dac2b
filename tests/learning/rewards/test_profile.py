"""Is the owner's profile learned from what they said alone, the same whenever it is, and read back whole?"""

from __future__ import annotations

import json
import random

from owner_talk import owner_talk

from learning.rewards.profile import learned, read
from learning.rewards.reply import owner_reply, place_of
from learning.rewards.weighted import table


def test_a_profile_is_read_back_as_it_was_written(profile, heldout, tmp_path):
    (tmp_path / "profile.json").write_text(json.dumps(profile.as_json()))
    again = read(tmp_path / "profile.json")
    assert again == profile
    replies = [owner_reply(row) for row in heldout[:10]]
    assert table(replies, again) == table(replies, profile)


def test_the_same_rows_give_the_same_bytes_in_any_order(talk, profile):
    shuffled = random.Random(3).sample(talk, len(talk))
    assert json.dumps(learned(shuffled).as_json()) == json.dumps(profile.as_json())


def test_rows_that_come_again_count_once_and_initiatives_teach_no_habit_of_answering(talk):
    alone = learned(talk[:50])
    again = [row | {"augmented": True} for row in talk[:20]]
    unasked = [row | {"kind": "initiative"} for row in talk[50:60]]
    more = learned([*talk[:50], *again, *unasked])
    assert (more.replies, more.length, more.punctuation) == (50, alone.length, alone.punctuation)
    assert more.invention.said > alone.invention.said


def test_an_owner_who_never_answered_has_a_profile_too(heldout):
    empty = learned([])
    assert empty.replies == 0
    assert all(
        0 <= value <= 1 for terms in table([owner_reply(heldout[0])], empty) for value in terms.values()
    )


def test_a_row_of_a_preference_set_knows_its_place_too():
    assert place_of({"conversation": "telegram:77:x"}) == ("telegram", "77:x")
    assert place_of({"source": "discord", "thread": "pier"}) == ("discord", "pier")
    assert place_of({}) == ("", "")
    assert owner_talk(1, seed=1) == owner_talk(1, seed=1)
