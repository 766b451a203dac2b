"""Does each reward tell the owner's habit from its opposite, both ways?"""

from __future__ import annotations

from statistics import fmean

import pytest

from learning.rewards import audience, invention, length, punctuation, repetition, stance, vocabulary
from learning.rewards.reply import Reply, owner_reply


def said(*texts, heard="what do you think?", thread="pier", source="telegram"):
    return [Reply(text, heard, thread=thread, source=source) for text in texts]


def mean(term, known, replies):
    return fmean(term.reward(reply, known, [one for one in replies if one is not reply]) for reply in replies)


def test_a_long_question_is_answered_at_length_and_a_short_one_shortly():
    short = [Reply(f"ok {'x' * (n % 9)}", "ok" + "?" * (n % 5)) for n in range(60)]
    wide = [
        Reply("well " + "word " * (20 + n % 9), "tell me all about it " * 3 + "?" * (n % 5))
        for n in range(60)
    ]
    middle = [
        Reply("hm " + "y" * (20 + n % 9), "and what then, my friend" + "?" * (n % 5)) for n in range(60)
    ]
    known = length.learned([*short, *wide, *middle])
    assert len(known.bands) == 3
    swapped = [Reply(reply.text, wide[0].heard) for reply in short]
    assert mean(length, known, short) > 0.9 > 0.1 > mean(length, known, swapped)


def test_only_answers_to_something_as_long_are_compared():
    texts = [("x" * (5 + n % 9), "ok" + "?" * (n % 5)) for n in range(60)]
    texts += [("y" * (5 + n % 9), "tell me all about it " * 4 + "?" * (n % 5)) for n in range(60)]
    texts += [("z" * (5 + n % 9), "and what then, my friend" + "?" * (n % 5)) for n in range(60)]
    known = length.learned([Reply(*pair) for pair in texts])
    same = [Reply("a" * 9, "tell me all about it " * 4)] * 40
    assert length.reward(Reply("b" * 9, "ok?"), known, same) == length.reward(
        Reply("b" * 9, "ok?"), known, []
    )
    assert length.reward(same[0], known, same) < 0.5


def test_too_long_is_worse_the_longer_it_is():
    known = length.learned(said(*["a" * (10 + n) for n in range(60)]))
    worth = [
        length.reward(Reply("a" * size, "what do you think?"), known, []) for size in (70, 140, 400, 3000)
    ]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == 4


def test_always_the_median_length_is_worth_less_than_the_owners_variety():
    known = length.learned(said(*["a" * (10 + n) for n in range(60)]))
    varied = said(*["a" * (10 + 3 * n) for n in range(20)])
    always = said(*["a" * 40 for _ in range(20)])
    assert mean(length, known, varied) > 0.85 > 0.5 > mean(length, known, always)


def test_an_owner_of_single_bubbles_does_not_write_five():
    known = length.learned(said(*["one two three four five" for _ in range(60)]))
    split = Reply("one\ntwo\nthree\nfour\nfive", "what do you think?")
    assert length.reward(split, known, []) < 0.1


def test_the_small_words_tell_who_speaks(talk, heldout):
    known = vocabulary.learned([owner_reply(row) for row in talk])
    own = [owner_reply(row) for row in heldout]
    others = [Reply(reply.heard, reply.heard) for reply in own]
    assert mean(vocabulary, known, own) > 0.85
    assert mean(vocabulary, known, others) < 0.6


def test_a_word_seen_twice_proves_little():
    few = [Reply("zebra fish", "fish here"), Reply("zebra", "fish")] * 2
    many = [Reply("zebra fish", "fish here"), Reply("zebra", "fish")] * 200
    assert 0 < vocabulary.learned(few).odds["zebra"] < 0.2 < 1 < vocabulary.learned(many).odds["zebra"]


def test_one_word_alone_is_drawn_to_the_owners_mean_and_no_words_are_a_habit_too():
    known = vocabulary.learned(
        [Reply(f"meh meh {'ofc' if n % 3 else 'ha'}", "sure thing yes") for n in range(90)]
    )
    one, many = (vocabulary._figure(Reply("yes " * size), known.odds, known.mean) for size in (1, 9))
    assert many < one < 2**known.mean
    assert one > 2 ** (known.odds["yes"] / 5)
    assert vocabulary.reward(Reply("😅", "hm"), known, []) < 0.1


@pytest.mark.parametrize(("mark", "other"), [("😅", ""), ("", "😅"), ("!", ""), ("", "!"), ("...", "")])
def test_a_mark_is_missed_where_the_owner_uses_it_and_minded_where_not(mark, other):
    texts = [f"fine, thanks {n}" for n in range(40)]
    known = punctuation.learned(said(*[text + mark for text in texts]))
    assert mean(punctuation, known, said(*[text + mark for text in texts[:20]])) > 0.9
    assert mean(punctuation, known, said(*[text + other for text in texts[:20]])) < 0.1


def test_half_the_owners_emoji_are_worth_less_than_all_and_so_are_twice_as_many():
    known = punctuation.learned(said(*["yes 😅" if n % 3 == 0 else "yes" for n in range(90)]))
    worth = {
        share: mean(punctuation, known, said(*["yes 😅" if n < share else "yes" for n in range(30)]))
        for share in (0, 10, 20, 30)
    }
    assert worth[10] > worth[20] > worth[30]
    assert worth[10] > worth[0]


def test_one_is_formal_with_the_bank_and_not_with_a_friend():
    letters = said(*["Dear Sir, I shall come." for _ in range(40)], thread="bank", source="mail")
    chats = said(*["yeah lol" for _ in range(40)], thread="friend")
    known = audience.learned([*letters, *chats])
    for replies, thread, source in ((letters, "bank", "mail"), (chats, "friend", "telegram")):
        here = [Reply(reply.text, "hi", thread=thread, source=source) for reply in replies[:10]]
        wrong = [
            Reply(reply.text, "hi", thread=thread, source=source) for reply in said("yeah lol", "Dear Sir.")
        ]
        assert mean(audience, known, here) > 0.9
        assert min(audience.reward(one, known, []) for one in wrong) < 0.4
    new = Reply("Dear Sir, I shall come.", "hi", thread="new", source="mail")
    assert audience.reward(new, known, []) > 0.8  # a new thread has the tone of its source


def test_what_is_said_elsewhere_is_not_held_against_the_tone_here():
    known = audience.learned(said("yeah lol", "Dear Sir, I shall come.", "ok then", "Well. It is so."))
    elsewhere = said(*["yeah lol" for _ in range(40)], thread="other")
    here = Reply("yeah lol", "hi", thread="pier", source="telegram")
    assert audience.reward(here, known, elsewhere) == audience.reward(here, known, [])
    assert audience.reward(here, known, [here] * 40) < audience.reward(here, known, [])


LIKES = said(
    "i love tea", "i hate coffee, it's awful", "i have a cat", "i don't eat meat", "ich mag jazz sehr",
    "odio el fútbol", "j'adore la mer", "я люблю снег", "yes", heard="do you like chess?",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("i love tea, always did", 1.0),
        ("tea is awful", 0.0),
        ("i love coffee", 0.0),
        ("i don't like coffee", 1.0),
        ("i don't have a cat", 0.0),
        ("i eat meat every day", 0.0),
        ("ich hasse jazz", 0.0),
        ("me encanta el fútbol", 0.0),
        ("je déteste la mer", 0.0),
        ("я ненавижу снег", 0.0),
        ("i love tea and i love coffee", 0.5),
        ("i love trains", 1.0),
        ("no idea", 1.0),
    ],
)
def test_what_the_owner_likes_is_not_contradicted(text, worth):
    assert stance.reward(Reply(text, "and you?"), stance.learned(LIKES), []) == worth


@pytest.mark.parametrize(
    ("text", "heard", "worth"),
    [
        ("nope", "do you like chess?", 0.0),
        ("yep", "do you hate coffee?", 1.0),
        ("nope", "do you like coffee?", 1.0),
        ("yep", "i hate chess", 1.0),  # nobody asked
        ("hm", "do you like chess?", 1.0),
        ("maybe later, no", "do you like chess?", 1.0),  # no to something else
        ("no trains today", "do you like chess?", 1.0),
        ("yes love it", "do you hate chess?", 1.0),
        ("hate it", "do you like chess?", 0.0),
        ("yes", "chess, do you like it?", 1.0),  # which of them it is about cannot be told
    ],
)
def test_a_bare_yes_or_no_is_about_the_question(text, heard, worth):
    assert stance.reward(Reply(text, heard), stance.learned(LIKES), []) == worth
    assert not any("'" in topic for topic in stance.learned(LIKES).towards)


@pytest.mark.parametrize(
    "text", ["tea and trains", "they did not have a cat", "i saw coffee there", "my sister did eat meat"]
)
def test_what_says_neither_for_nor_against_contradicts_nothing(text):
    assert stance.reward(Reply(text, "and you?"), stance.learned(LIKES), []) == 1.0


def test_somebody_of_two_minds_holds_no_opinion():
    known = stance.learned(said("i love tea", "i hate tea"))
    assert known.towards == {}


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("i was at the pier with joan", 1.0),
        ("i met Joan there, at 7", 1.0),
        ("i met Mortimer there", 0.5),
        ("it costs 340 euros", 0.5),
        ("look at https://made.up/page", 0.5),
        ("ask me@made.up or Mortimer, by 14:45", 0.25),
        ("No idea", 1.0),
        ("I'm not sure. Maybe", 1.0),
    ],
)
def test_a_name_or_number_that_nobody_gave_is_invented(text, worth):
    known = invention.learned(said("Joan was here at 7", "the pier is nice"))
    assert invention.reward(Reply(text, "when?"), known, []) == worth


def test_what_the_prompt_says_is_not_invented():
    known = invention.learned(said("fine"))
    reply = Reply("i live in Lisbon, at number 12", "where, 12?", told="You are Mira. Mira lives in Lisbon.")
    assert invention.reward(reply, known, []) == 1.0


def test_where_every_noun_has_a_capital_no_capital_proves_a_name():
    known = invention.learned(said("ich habe den Hund und die Katze im Garten", "der Garten ist im Haus"))
    assert not known.capitals
    assert invention.reward(Reply("da ist ein Baum am Teich"), known, []) == 1.0
    assert invention.reward(Reply("da sind 99 Enten"), known, []) == 0.5


def test_saying_it_again_is_worth_less_in_every_way_of_saying_it_again():
    own = said(
        "see you at the pier", "what a lovely day that was", "i would rather stay in", "not today, sorry"
    )
    known = repetition.learned(own)
    assert mean(repetition, known, own) == 1.0
    assert repetition.reward(Reply("tea tea tea tea tea tea", "tea?"), known, []) < 0.3
    assert repetition.reward(Reply("do you like the old pier", "do you like the old pier?"), known, []) == 0.0
    assert (
        repetition.reward(Reply("so do you like the old pier, hm", "do you like the old pier?"), known, [])
        < 0.7
    )
    assert (
        repetition.reward(Reply("as i said before", "and?", before=("As I said before.",)), known, []) == 0.0
    )
    assert repetition.reward(Reply("maybe later", "and?", before=("Maybe later!",)), known, []) == 0.0


def test_a_refrain_of_the_owners_may_come_as_often_as_theirs_and_no_oftener():
    own = said(
        *[
            "honestly no clue" if n % 2 else f"thing number {'abcdefghij'[n % 10]} again {n}"
            for n in range(60)
        ]
    )
    known = repetition.learned(own)
    half = said(*["honestly no clue" if n % 2 else f"{n} other words here" for n in range(40)])
    always = said(*["honestly no clue" for _ in range(40)])
    assert repetition.reward(half[1], known, half) == 1.0
    assert repetition.reward(always[1], known, always) < 0.6
    strange = said(*["never heard before" for _ in range(40)])
    assert repetition.reward(strange[1], known, strange) < 0.1


def test_a_greeting_may_be_given_back():
    known = repetition.learned(said("hey", "hey", heard="hey"))
    assert repetition.reward(Reply("hey", "Hey!"), known, []) == 1.0
