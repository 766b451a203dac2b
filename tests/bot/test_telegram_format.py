from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telegram_format import convert, pieces, units

MARKUP = st.text(st.sampled_from("ab *_~`|[]()>#-\\\n😀é1.!") | st.characters(exclude_categories=["Cs"]))


def marked(markdown):
    text, entities = convert(markdown)
    encoded = text.encode("utf-16-le")
    return text, [
        (str(one.type.value), encoded[one.offset * 2 : (one.offset + one.length) * 2].decode("utf-16-le"))
        for one in entities
    ]


@pytest.mark.parametrize(
    "plain",
    [
        "2 * 3 * 4",
        "2*3*4",
        "f*ck this sh*t",
        "snake_case_words",
        "<b>not bold</b> &amp; <std::vector>",
        "😀 👩‍👩‍👧 é",
        "a || b || c",
        "1. one\n2. two",
        "#hashtag",
        "---",
        "***",
        "call table[i](event)",
        "a\n\n\n   b",
        "[a]: not a reference",
        ">:(",
        "~ about ~",
        "C:\\new",
        "```",
    ],
)
def test_what_is_no_markup_stays_as_it_is(plain):
    assert convert(plain) == (plain, [])


@pytest.mark.parametrize(
    ("markdown", "text", "entities"),
    [
        ("**bold** and *italic*", "bold and italic", [("bold", "bold"), ("italic", "italic")]),
        ("__b__ _i_ ~~s~~", "b i s", [("bold", "b"), ("italic", "i"), ("strikethrough", "s")]),
        ("😀 **b**", "😀 b", [("bold", "b")]),
        ("**a _b_**", "a b", [("bold", "a b"), ("italic", "b")]),
        ("`x = 1`", "x = 1", [("code", "x = 1")]),
        ("say ||boo **now**||", "say boo now", [("spoiler", "boo now"), ("bold", "now")]),
        ("[here](https://x.y)", "here", [("text_link", "here")]),
        ("![cat](https://x.y/c.png)", "cat", [("text_link", "cat")]),
        ("# Title\ntext", "Title\ntext", [("bold", "Title")]),
        ("> one\n> two\nthree", "one\ntwo\nthree", [("blockquote", "one\ntwo")]),
        ("- a\n  * **b**", "• a\n  • b", [("bold", "b")]),
        ("so:\n```py\nx = '**'\n```\nok", "so:\nx = '**'\nok", [("pre", "x = '**'")]),
        ("```\nstill open", "still open", [("pre", "still open")]),
        ("\\*not\\*", "*not*", []),
        ("  **a**  ", "a", [("bold", "a")]),
    ],
)
def test_markup_becomes_entities(markdown, text, entities):
    assert marked(markdown) == (text, entities)


def test_the_language_of_code_and_the_address_of_a_link_are_kept():
    [code], [link] = convert("```python\nx\n```")[1], convert("[x](https://y.z/?a=b)")[1]
    assert (code.language, link.url) == ("python", "https://y.z/?a=b")


@given(MARKUP)
def test_any_text_converts_to_entities_that_lie_within_it_and_in_each_other(markdown):
    text, entities = convert(markdown)
    spans = [(one.offset, one.offset + one.length) for one in entities]
    assert all(0 <= start < end <= units(text) for start, end in spans)
    assert not any(a < c < b < d for a, b in spans for c, d in spans)
    assert text == text.strip()
    assert bool(text) == bool(markdown.strip())


@given(st.text(st.sampled_from("ab c\nd.!?,'é😀"), max_size=60))
def test_words_alone_are_never_changed(words):
    assert convert(words) == (words.strip(), [])


def test_half_an_emoji_does_no_harm():
    assert convert("a \ud83d b")[0] == "a ? b"


@given(MARKUP, st.integers(5, 40))
def test_pieces_fit_and_lose_no_word(markdown, limit):
    cut = list(pieces(markdown, limit))
    assert all(units(convert(piece)[0]) <= limit for piece in cut)
    letters = [letter for letter in markdown if letter.isalpha()]
    assert [letter for piece in cut for letter in piece if letter.isalpha()] == letters
