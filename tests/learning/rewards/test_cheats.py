"""Does no cheat win? Every cheat and every combination of cheats against the owner's own held-out answers."""

from __future__ import annotations

import random
from itertools import combinations
from statistics import fmean

import pytest

from learning.rewards.reply import owner_reply, reply_to
from learning.rewards.weighted import TERMS, scored, table, total
from learning.rlhf_recipe import RlhfRecipe

WEIGHTS = RlhfRecipe().weights.as_dict()
SAID = "completion"


def words_of(row):
    return row[SAID][0]["content"]


def longer(row, heldout):
    others = random.Random(row["id"]).sample(heldout, 5)
    return " ".join(words_of(other) for other in others)


CHEATS = {
    "length hacking": longer,
    "emoji stuffing": lambda row, _: f"{words_of(row)} 😅🙃🌊😅",
    "catch-phrase spam": lambda row, _: "honestly tho i guess honestly tho",
    "copying the prompt": lambda row, _: row["prompt"][-1]["content"],
    "always no idea": lambda row, _: "no idea",
    "empty text": lambda row, _: "",
    "punctuation spam": lambda row, _: "!?!...!!",
}
# The reward that each cheat is meant to be stopped by; it must fail there by itself.
STOPPED_BY = {
    "length hacking": "length",
    "emoji stuffing": "punctuation",
    "catch-phrase spam": "repetition",
    "copying the prompt": "repetition",
    "always no idea": "repetition",
    "empty text": "length",
    "punctuation spam": "punctuation",
}
SUBSETS = [names for size in range(1, len(CHEATS) + 1) for names in combinations(CHEATS, size)]


def policy(heldout, *names):
    """One answer to every held-out prompt, by these cheats together."""
    replies = []
    for row in heldout:
        text = " ".join(filter(None, (CHEATS[name](row, heldout) for name in names)))
        replies.append(reply_to(row["prompt"], text, row["source"], row["thread"]))
    return replies


@pytest.fixture(scope="session")
def genuine(heldout, profile):
    return table([owner_reply(row) for row in heldout], profile)


def test_the_owner_earns_nearly_everything_there_is(genuine):
    for name in TERMS:
        assert fmean(terms[name] for terms in genuine) > 0.75, name
    assert fmean(total(terms, WEIGHTS) for terms in genuine) > 0.9


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_fails_at_the_reward_that_is_meant_to_stop_it(name, heldout, profile, genuine):
    term = STOPPED_BY[name]
    cheated = fmean(terms[term] for terms in table(policy(heldout, name), profile))
    assert cheated < 0.6 * fmean(terms[term] for terms in genuine)


def test_no_combination_of_cheats_comes_near_the_owner_in_the_weighted_sum(heldout, profile, genuine):
    owner = fmean(total(terms, WEIGHTS) for terms in genuine)
    reached = {
        names: fmean(total(terms, WEIGHTS) for terms in table(policy(heldout, *names), profile))
        for names in SUBSETS
    }
    assert len(reached) == 127
    best = max(reached, key=reached.__getitem__)
    assert reached[best] < owner - 0.1, (best, reached[best], owner)


@pytest.mark.parametrize("name", CHEATS)
def test_a_single_cheating_reply_seldom_beats_the_owners_own(name, heldout, profile, genuine):
    cheated = table(policy(heldout, name), profile)
    wins = sum(
        total(cheat, WEIGHTS) > total(own, WEIGHTS) for cheat, own in zip(cheated, genuine, strict=True)
    )
    assert wins <= 0.15 * len(genuine), wins


def test_leaving_a_reward_out_opens_the_door_that_it_guards(heldout, profile, genuine):
    """Every reward that stops a cheat is needed: without it the cheat comes closer to the owner."""
    for name, term in STOPPED_BY.items():
        without = {key: weight for key, weight in WEIGHTS.items() if key != term}
        cheated = table(policy(heldout, name), profile)
        if name == "empty text":
            continue
        gap = gap_of(genuine, cheated, WEIGHTS)
        assert gap_of(genuine, cheated, without) < gap, name


def gap_of(genuine, cheated, weights):
    return fmean(total(terms, weights) for terms in genuine) - fmean(
        total(terms, weights) for terms in cheated
    )


def test_replies_to_one_prompt_are_not_held_against_each_other(heldout, profile):
    alike = [owner_reply(heldout[0])] * 8
    assert table(alike, profile)[0] == table(alike[:1], profile)[0]
    assert table(alike, profile, [owner_reply(heldout[1])] * 60)[0] != table(alike, profile)[0]


def test_every_reward_stays_between_nought_and_one_and_empty_text_earns_nothing(heldout, profile):
    for names in SUBSETS[:40]:
        for terms in table(policy(heldout, *names)[:10], profile):
            assert all(0.0 <= value <= 1.0 for value in terms.values())
    assert set(scored(reply_to(heldout[0]["prompt"], " \n "), profile).values()) == {0.0}
