from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from wcwidth import iter_graphemes

from bot.pieces import bubbles, pieces

FAMILY = "👩‍👩‍👧‍👦"
MARKDOWN = MarkdownIt("commonmark")


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def as_telegram(text: str) -> int:
    """Markers become entities and cost nothing; counted in UTF-16."""
    return utf16(re.sub(r"\*\*|`|~~", "", text))


def escaped(text: str) -> int:
    """Grows, as HTML does."""
    return len(text.replace("&", "&amp;").replace("<", "&lt;"))


LENGTHS = st.sampled_from([len, utf16, as_telegram, escaped])
WORDS = ["a", "word", "**bold words**", "`x = 1`", "*", "**", "`", "~~", "e\u0301", FAMILY, "❤️", "🇩🇪", "&<"]
PARTS = [
    *WORDS,
    "one. Two",
    "wait?",
    "[a link](https://x.example/a_b)",
    "好的。",
    "\u0301",
    "\u200d",
    "x" * 70,
]
TEXTS = st.lists(
    st.sampled_from([*PARTS, *[" "] * 6, "\n", "\n\n", "  ", "\n- ", "\n1. ", "\n> ", "\t"]), max_size=60
).map("".join)


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(TEXTS | st.text(max_size=200), st.integers(10, 90), LENGTHS)
@example("x" * 500, 10, len)
@example(" \u0301\u0301 a" * 20, 10, len)
@example(FAMILY * 30, 25, utf16)
def test_every_piece_fits_and_only_whitespace_is_lost(text, limit, length):
    text = re.sub("`{3,}|~{3,}", "", text)
    cut = pieces(text, limit, length)
    assert all(0 < length(piece) <= limit or not length(piece) for piece in cut)
    assert all(piece.strip() for piece in cut)
    assert squeezed("".join(cut)) == squeezed(text)


@given(TEXTS, st.integers(30, 90), LENGTHS)
def test_what_people_see_as_one_character_stays_whole(text, limit, length):
    text = re.sub("`{3,}|~{3,}", "", text)
    whole = [grapheme for grapheme in iter_graphemes(text) if not grapheme.isspace()]
    if all(length(grapheme) <= limit for grapheme in whole):
        seen = [grapheme for piece in pieces(text, limit, length) for grapheme in iter_graphemes(piece)]
        assert [grapheme for grapheme in seen if not grapheme.isspace()] == whole


@given(TEXTS)
def test_a_text_that_fits_is_one_piece_and_unchanged(text):
    text = re.sub("`{3,}|~{3,}", "", text)
    assert [piece.strip() for piece in pieces(text, max(10, len(text)))] == [text.strip()][
        : bool(text.strip())
    ]


CODE = st.lists(
    st.sampled_from(
        ["x = 1", "    if y:", "", "\treturn [z]", "  é❤️ = 'a b c'", "# done. Really", "word " * 9]
    ),
    min_size=1,
    max_size=12,
).filter(lambda lines: lines[0].strip() and lines[-1].strip())


@st.composite
def texts_with_code(draw):
    """A text and the code in it, block by block."""
    parts, blocks = [], []
    for _ in range(draw(st.integers(1, 3))):
        code = draw(CODE)
        marker = draw(st.sampled_from(["```", "~~~", "````"]))
        language = draw(st.sampled_from(["", "python", "c++"]))
        bullet = draw(st.sampled_from(["", "", "- ", "1. ", "> "]))
        rest = "> " if bullet == "> " else " " * len(bullet)
        intro = draw(st.sampled_from(["Look:", "One sentence. Another one here.", "so", "many words " * 6]))
        lines = [f"{bullet}{marker}{language}", *(rest + line for line in code), rest + marker]
        parts += [intro, "\n".join(lines)]
        blocks.append(code)
    if draw(st.booleans()):
        parts.append("That is all.")
    return draw(st.sampled_from(["\n\n", "\n"])).join(parts), blocks


@given(texts_with_code(), st.integers(45, 120), st.sampled_from([len, utf16, escaped]))
def test_code_stays_code_and_nothing_else_becomes_code(made, limit, length):
    text, blocks = made
    seen = []
    for piece in pieces(text, limit, length):
        assert length(piece) <= limit
        tokens = MARKDOWN.parse(f"{piece}\n\nafter")
        assert tokens[-2].content == "after", f"code is left open: {piece!r}"
        code = [token.content for token in tokens if token.type in {"fence", "code_block"}]
        assert all(block.strip() for block in code)
        seen += code
    assert squeezed("".join(seen)) == squeezed("".join(line for block in blocks for line in block))
    unmarked = re.sub(
        r"(?m)^[ \t>]*(?:- |1\. )?(?:`{3,}|~{3,}).*$|^> ?", "", "\n".join(pieces(text, limit, length))
    )
    assert squeezed(unmarked) == squeezed(
        re.sub(r"(?m)^[ \t>]*(?:- |1\. )?(?:`{3,}|~{3,}).*$|^> ?", "", text)
    )


@given(texts_with_code(), st.integers(1, 44))
def test_a_limit_too_small_for_code_still_ends_and_fits(made, limit):
    for piece in pieces(made[0], limit):
        assert len(piece) <= limit
        assert piece.strip()


def test_lines_of_code_keep_their_indentation_when_cut():
    code = [f"    {'    ' * (number % 3)}step_{number}()" for number in range(40)]
    text = "Here:\n```python\ndef all():\n" + "\n".join(code) + "\n```\nDone."
    cut = pieces(text, 200)
    assert all(piece.count("```") % 2 == 0 for piece in cut)
    assert all(piece.startswith("```python\n") for piece in cut[1:])
    found = [line for piece in cut for line in piece.split("\n") if "step_" in line]
    assert found == code


def test_code_in_a_list_moves_to_the_left_with_its_fence():
    text = "1. Do this:\n\n   ```sh\n   make a\n     make b\n   make c\n   ```\n\n2. Then that."
    assert pieces(text, 50) == [
        "1. Do this:",
        "```sh\nmake a\n  make b\nmake c\n```\n\n2. Then that.",
    ]
    assert pieces(text, 28) == [
        "1. Do this:",
        "```sh\nmake a\n  make b\n```",
        "```sh\nmake c\n```",
        "2. Then that.",
    ]


def test_tildes_are_opened_again_as_tildes():
    assert pieces("~~~c++\nint a;\nint b;\n~~~", 20) == ["~~~c++\nint a;\n~~~", "~~~c++\nint b;\n~~~"]


def test_a_block_nobody_closed_is_closed():
    assert pieces("so:\n```\ncode", 100) == ["so:\n```\ncode\n```"]
    assert pieces("so:\n```", 100) == ["so:\n```"]  # nothing in it yet


def test_a_long_first_line_of_code_leaves_no_empty_block_behind():
    assert pieces("```py\n" + "x" * 40 + "\n```", 30) == [
        "```py\n" + "x" * 20 + "\n```",
        "```py\n" + "x" * 20 + "\n```",
    ]


def test_a_block_ends_at_a_longer_marker_and_where_its_quote_ends():
    assert pieces("```\nabcdefghij\n`````\nok", 18) == ["```\nabcdefghij\n```", "ok"]
    assert pieces("> ```\n> code\nno more", 100) == ["> ```\n> code\nno more"]


def test_where_a_language_or_a_fence_leaves_no_room_it_goes():
    code = "let a = 1; let b = 2"
    assert [piece[4:-4] for piece in pieces(f"```javascript\n{code}\n```", 17)[1:]] == [
        "let a =",
        "1; let b",
        "= 2",
    ]
    assert len(pieces(f"````````\n{code}\n````````", 10)) < 8


def test_what_is_measured_does_not_grow_with_the_square_of_the_text():
    text, measured = "Some words and a few more of them. " * 6000, 0

    def length(part):
        nonlocal measured
        measured += len(part)
        return len(part)

    pieces(text, 2000, length)
    assert measured < 25 * len(text)


def test_people_close_a_block_at_the_end_of_a_line():
    assert pieces("```ls\nrm```\nand then", 14) == ["```ls\nrm```", "and then"]


def test_a_block_that_fits_into_a_message_of_its_own_is_not_cut():
    code = "```\n" + "\n".join(f"line {number}" for number in range(10)) + "\n```"
    assert pieces(f"{'First a few words. ' * 4}\n\n{code}\n\nAnd after.", 120) == [
        ("First a few words. " * 4).strip(),
        f"{code}\n\nAnd after.",
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One two.\n\nThree four.\nFive six. Seven", "One two."),
        ("One two three.\nFour five. Six seven", "One two three."),
        ("One two three. Four five six seven", "One two three."),
        ("one two three four five six seven", "one two three four five"),
        ("onetwothreefourfivesixseveneight", "onetwothreefourfivesixs"),
        ("好的好的好的好的好的。然后我们走吧然后我们走吧然后我们走吧", "好的好的好的好的好的。"),
        ("some words **all of this bold** end", "some words"),
        ("some words [and a](http://x.y) end", "some words"),
        ("some words, `code of mine` end", "some words,"),
        ("Wake up at.\n1. Wash and so on and", "Wake up at."),
        ("- " + "x" * 60, "- " + "x" * 21),
        ("1. " + "x" * 60, "1. " + "x" * 20),
        ("Hi\n\n" + "x" * 60, "Hi"),
    ],
)
def test_the_best_place_to_cut(text, first):
    assert pieces(text, 23)[0] == first


def test_a_paragraph_end_near_the_beginning_leaves_no_message_nearly_empty():
    text = "Hi.\n\n" + "A sentence of some length. " * 6
    assert len(pieces(text, 100)[0]) > 33


def test_a_long_text_full_of_stray_markers_takes_no_time():
    started = time.perf_counter()
    for text in (
        "** a " * 20_000,
        "`" * 50_000,
        "[" * 50_000,
        "> " * 30_000,
        "| - " * 30_000,
        " \n" * 40_000,
    ):
        assert squeezed("".join(pieces(text, 2000))).replace("`", "") == squeezed(text).replace("`", "")
        bubbles(text, 5)
    assert time.perf_counter() - started < 20


def test_one_character_too_long_for_the_limit_is_cut_rather_than_lost():
    assert unicodedata.normalize("NFC", "".join(pieces("e" + "\u0301" * 40, 10))) == unicodedata.normalize(
        "NFC", "e" + "\u0301" * 40
    )
    assert pieces("&&&", 3, escaped) == ["&", "&", "&"]


def test_each_line_is_a_bubble():
    assert bubbles("hey\n\nyeah sure\n  see you at 5", 9) == ["hey", "yeah sure", "see you at 5"]
    assert bubbles(" \n\n", 3) == []


@pytest.mark.parametrize(
    "block",
    [
        "```py\na = 1\n\nb = 2\n```",
        "- milk\n- eggs\n  and more of them\n\n- bread",
        "1. up\n2. down\n   ```\n   code\n   ```\n3. left",
        "what we need:\n- milk\n- eggs",
        "what we need:\n\n1. milk\n2. eggs",
        "> she said\n> this",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ],
)
def test_a_block_is_one_bubble(block):
    assert bubbles(f"hey\n{block}\n\nbye", 9) == ["hey", block, "bye"]


def test_too_many_bubbles_the_shortest_neighbours_go_together():
    assert bubbles("a long line of words\nok\nyes\nanother long line", 3) == [
        "a long line of words",
        "ok\nyes",
        "another long line",
    ]
    assert bubbles("- a\n- b\nok", 1) == ["- a\n- b\n\nok"]


@given(TEXTS | texts_with_code().map(lambda made: made[0]), st.integers(1, 6))
def test_bubbles_lose_nothing_and_are_never_too_many(text, most):
    found = bubbles(text, most)
    assert len(found) <= most
    assert all(bubble.strip() for bubble in found)
    assert squeezed("".join(found)) == squeezed(text)


@given(texts_with_code())
def test_no_bubble_has_half_a_block_of_code(made):
    text, blocks = made
    found = bubbles(text, 99)
    for block in blocks:
        assert any(all(line.strip() in bubble for line in block) for bubble in found)
