"""Are the pieces that two tokenizers agree on exact, the finest there are, and where they should be?"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tiny_gemma import gemma_tokenizer
from tiny_mistral import mistral_tokenizer

from learning.chunks import Encoded, TemplateUnfit, aligned, encoded, fitted, sums

GEMMA, MISTRAL = gemma_tokenizer(), mistral_tokenizer()
PROMPT = [{"role": "system", "content": "You are Mira."}, {"role": "user", "content": "tea or rain?"}]
said = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.lists(
    st.sampled_from(
        [
            *"aé ▁\nß\u200d",
            "e\u0301",
            "👍🏽",
            "👨‍👩‍👧",
            "日本",
            "tea ",
            " ofc",
            "</s>",
            "<end_of_turn>",
            "[INST]",
        ]
    ),
    max_size=12,
).map("".join)


def both(text):
    return encoded(MISTRAL, PROMPT, text), encoded(GEMMA, PROMPT, text)


def pieces(text, teacher, student):
    """What each piece says, as each of the two tells it."""
    cuts = [(0, 0), *aligned(teacher.spans, student.spans)]
    found = []
    for (begin, other_begin), (end, other_end) in itertools.pairwise(cuts):
        one, other = teacher.spans[begin:end], student.spans[other_begin:other_end]
        assert one
        assert other
        found.append(tuple(text[side[0][0] : max(last for _, last in side)] for side in (one, other)))
    return found


def may_be_cut(spans, at):
    return any(
        all(last <= at for _, last in spans[:count]) and all(first >= at for first, _ in spans[count:])
        for count in range(1, len(spans) + 1)
    )


@given(said)
@example("the cat 👍🏽 cafe\u0301")
@example("a</s><end_of_turn>b")
@example("▁ ▁")
def test_pieces_say_the_same_on_both_sides_leave_nothing_out_and_cannot_be_finer(text):
    text = text.strip()
    assume(text)
    teacher, student = both(text)
    cuts = aligned(teacher.spans, student.spans)
    assert cuts[-1] == (len(teacher.spans), len(student.spans))
    told = pieces(text, teacher, student)
    assert all(one == other for one, other in told)
    assert "".join(one for one, _ in told) == text
    common = [
        at
        for at in range(1, len(text) + 2)
        if may_be_cut(teacher.spans, at) and may_be_cut(student.spans, at)
    ]
    assert len(cuts) == len(common)


@given(said, st.randoms())
def test_the_pieces_sums_add_up_to_the_whole_on_both_sides(text, dice):
    assume(text.strip())
    teacher, student = both(text)
    cuts = aligned(teacher.spans, student.spans)
    for side, ends in ((teacher, [a for a, _ in cuts]), (student, [b for _, b in cuts])):
        values = [-dice.randint(0, 1000) for _ in side.spans]
        assert sum(sums(values, ends)) == sum(values)
        assert len(sums(values, ends)) == len(cuts)


@given(said)
def test_the_tokens_are_the_templates_own(text):
    assume(text.strip())
    for tokenizer, prompt in ((GEMMA, PROMPT), (MISTRAL, PROMPT[1:])):
        turns = [*prompt, {"role": "assistant", "content": text}]
        whole = tokenizer.apply_chat_template(turns, return_dict=False)
        found = encoded(tokenizer, prompt, text)
        assert found.ids == whole[: len(found.ids)]
        assert tokenizer.decode(whole[len(found.ids) :]).strip() == ""


def test_there_is_no_cut_inside_a_token_that_reaches_over():
    letters = [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert aligned([(0, 2), (1, 3), (3, 4)], letters) == [(2, 3), (3, 4)]
    assert aligned([(0, 3), (1, 2), (3, 4)], letters) == [(2, 3), (3, 4)]


def test_the_end_of_the_turn_is_a_piece_of_its_own_whatever_it_is_called():
    teacher, student = both("tea ofc")
    *_, before, last = aligned(teacher.spans, student.spans)
    assert (last[0] - before[0], last[1] - before[1]) == (1, 1)
    assert MISTRAL.convert_ids_to_tokens(teacher.ids[-1]) == "</s>"
    assert GEMMA.convert_ids_to_tokens(student.ids[-1]) == "<end_of_turn>"


def test_bytes_of_one_character_are_one_piece_and_an_emoji_of_two_characters_is_two():
    text = "👍🏽 e\u0301"
    told = [one for one, _ in pieces(text, *both(text))]
    assert told == ["👍", "🏽", " ", "e", "\u0301", ""]


def test_the_templates_own_space_belongs_to_the_first_word():
    teacher, student = both("ofc, tea")
    assert MISTRAL.decode(teacher.ids[teacher.start]) == " ofc"
    assert GEMMA.decode(student.ids[student.start]) != " ofc"
    assert teacher.spans[0] == (0, 3)
    assert student.spans[0][0] == 0
    assert pieces("ofc, tea", teacher, student)[0] == ("ofc", "ofc")


def test_a_token_that_trims_its_space_from_the_offsets_is_aligned_all_the_same():
    trimming = mistral_tokenizer()
    trimming.backend_tokenizer.post_processor = trimming_offsets()
    teacher = encoded(trimming, PROMPT, "tea ofc")
    assert any(last < first for (_, last), (first, _) in zip(teacher.spans, teacher.spans[1:], strict=False))
    told = aligned(teacher.spans, encoded(GEMMA, PROMPT, "tea ofc").spans)
    assert told == aligned(*(one.spans for one in both("tea ofc")))


def trimming_offsets():
    from tokenizers.processors import ByteLevel

    return ByteLevel(trim_offsets=True)


def test_a_template_without_a_system_turn_gets_the_card_in_the_first_turn():
    with pytest.raises(Exception, match="alternate"):
        MISTRAL.apply_chat_template(PROMPT)
    assert "[INST] You are Mira.\n\ntea or rain?[/INST]" in MISTRAL.decode(
        encoded(MISTRAL, PROMPT, "tea").ids
    )


def test_what_is_too_long_loses_its_oldest_turns_and_then_is_told():
    turns = [{"role": role, "content": "words " * 9} for _ in range(4) for role in ("user", "assistant")]
    prompt = [PROMPT[0], *turns, PROMPT[1]]
    whole = encoded(MISTRAL, prompt, "tea")
    short = fitted(MISTRAL, prompt, "tea", len(whole.ids) - 1)
    assert isinstance(short, Encoded)
    assert (
        MISTRAL.decode(short.ids).count("words words") == MISTRAL.decode(whole.ids).count("words words") - 8
    )
    assert "You are Mira." in MISTRAL.decode(short.ids)
    assert fitted(MISTRAL, prompt, "tea", 10) == "too long (max_length)"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ messages[-1]['content'] | upper }}</s>", "as it was said"),
        ("{% for m in messages %}|{{ m['content'] }}{% endfor %}", "no end"),
    ],
)
def test_a_template_that_cannot_teach_is_told(template, words):
    unfit = mistral_tokenizer()
    unfit.chat_template = template
    with pytest.raises(TemplateUnfit, match=words):
        encoded(unfit, PROMPT, "tea")
    assert words in fitted(unfit, PROMPT, "tea", 100)


def test_without_a_word_there_is_nothing_to_learn():
    with pytest.raises(TemplateUnfit):
        encoded(GEMMA, PROMPT, "  ")
