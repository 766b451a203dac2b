"""Do the words of a page stay, and nothing else, whatever its marks and however hostile?"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.front_matter import split
from ingest.markdown import plain


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("# Title\n\n**so** *so* _good_ ==now== ~~not~~", "Title\n\nso so good now not"),
        ("[[People/Tam|tam]] and [[Tam]] ![[a.png]]", "tam and Tam "),
        ("[wall](https://x.example/a_(b)) ![](a.png)", "wall "),
        ("<https://x.example/> <br>one<u>two</u> <3", "https://x.example/ \nonetwo <3"),
        ("- [ ] do\n  - [x] done\n> [!note]- Title\n> said", "- do\n  - done\n> Title\n> said"),
        ("a[^1] b\n\n[^1]: the foot", "a b\n\nthe foot"),
        ("| a | b |\n|---|:-:|\n| c | d |\n\n---\n", "| a | b |\n\n| c | d |\n\n\n"),
        ("1\\. a \\*b\\*", "1. a *b*"),
        ("%%hush\nhush%%<!-- x -->in", "in"),
        ("100%% sure", "100%% sure"),
        ("`a **b** [[c]]` snake_case_name 2 * 3 * 4", "`a **b** [[c]]` snake_case_name 2 * 3 * 4"),
        ("```py\n# **x**\n%%time\n```\n# y", "```py\n# **x**\n%%time\n```\ny"),
        ("```dataview\nlist\n```\nafter", "\nafter"),
        ("![image][image1]\n\n[image1]: <data:image/png;base64,AAAA>", "\n\n"),
        ("![x](data:image/png;base64,AAAA+/=)", ""),
    ],
)
def test_a_page_reads_as_it_is_meant(page: str, words: str) -> None:
    assert plain(page) == words


@given(st.text(alphabet="`~*_=[]()!<>%-#|\\:^ab \n\ue002\ue0031"))
def test_no_page_raises_and_none_grows(page: str) -> None:
    assert len(plain(page)) <= len(page) + page.count("<")


@pytest.mark.parametrize(
    "mark",
    [
        "<!--",
        "%%",
        "%% ",
        "![",
        "![[",
        "[[",
        "[a](",
        "](data:",
        "**a",
        "_a",
        "*a",
        "`",
        "```\n",
        "<a ",
        "> [!a",
        *("[^", "|-", "---\n", "\\", "- [ ", "<https://", "[x]: ", " " * 50, "> ", "\t\n", "~~", "![a](("),
    ],
)
def test_no_page_takes_long(mark: str) -> None:
    began = time.monotonic()
    plain(mark * (200_000 // len(mark)))
    assert time.monotonic() - began < 3


def test_a_header_is_read_line_by_line() -> None:
    page = split(
        "---\ntitle: 'a: b'\ndate-created: [[2024-03-10]] # then\ntags:\n  - Snow\n- '#walk'\n"
        'aliases: [One, "Two"]\n\tbad\nopen: \'never closed\n---\nbody'
    )
    assert (page.body, page.first_line) == ("body", 11)
    assert page.one("title") == "a: b"
    assert page.tags == ("snow", "walk")
    assert page.fields["aliases"] == ("One", "Two")
    day, at = page.when()
    assert day is not None
    assert (day.name, at) == ("2024-03-10", None)


def test_a_header_may_know_the_very_minute() -> None:
    page = split("---\ncreated: yesterday\ndate: 2024-03-10T22:41:00Z\n---\n")
    assert page.when()[1] == datetime(2024, 3, 10, 22, 41, tzinfo=UTC)


@pytest.mark.parametrize("page", ["---\nno end", "---\nprose\n---\nmore", "--- \n\n---\n", "----\na: b"])
def test_what_is_no_header_stays_in_the_text(page: str) -> None:
    assert split(page).body == page


@given(st.text(alphabet="-:[]#'\"\n\tab 0{}&*!|>"))
def test_no_header_raises(text: str) -> None:
    page = split(f"---\n{text}\n---\nbody")
    assert page.body.endswith("body")
    page.when()
    assert isinstance(page.tags, tuple)
