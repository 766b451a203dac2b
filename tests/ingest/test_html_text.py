"""Does HTML become the words a reader sees, whatever is wrong with it?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.html_text import html_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one<br>two</p><p>three &amp; four</p>", "one\ntwo\n\n\nthree & four"),
        ("<style>p{}</style><div>a</div><div>b</div>", "a\n\nb"),
        ("mine<blockquote>theirs<p>open<div>deep</div></blockquote> mine too", "mine mine too"),
        ('<div>yes</div><div class="x gmail_quote">On monday<div>they<br>wrote</div></div>', "yes"),
        ('<img class="gmail_signature">seen', "seen"),
        ("a <b>bold</b> <i>claim", "a bold claim"),
        ("  many\n   blanks ", "many blanks"),
        ("<pre>a\nb</pre>c\nd", "a\nbc d"),
        ("<!-- <b>hidden</b> --><!DOCTYPE html><?xml?>plain<!-- to the end", "plain"),
        ("a < b > c &lt;i&gt;", "a < b > c <i>"),
        ("", ""),
        ("&amp;#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
    ],
)
def test_html_says_what_a_reader_sees(html: str, text: str) -> None:
    assert html_text(html) == text


def test_a_link_can_be_told_otherwise() -> None:
    html = 'see <a href="https://example.org"><span>example</span>.org</a>!'
    assert html_text(html) == "see example.org!"
    assert (
        html_text(html, lambda href, words: f"[{words}]({href})") == "see [example.org](https://example.org)!"
    )


@given(st.text() | st.text(alphabet="<>/!-[]&#;pbra=\"' "))
def test_any_text_is_read(html: str) -> None:
    html_text(html)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["<", "<a", "</", "<!--", "<![CDATA[", "<div>", "<a href=x>", "<blockquote>", '<a "']
)
def test_broken_markup_takes_no_time(piece: str) -> None:
    html_text(piece * (400_000 // len(piece)))
