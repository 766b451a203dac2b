"""Are a page's words read as one would see them, and can no page harm us or take for ever?"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.html_text import steps, words


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>a  b\n c</p><p>d<br>e</p>", "a b c\n\nd\ne"),
        ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\nc"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a  b\nc"),
        ("<style>p {}</style><script>if (a < b) x('</p>')</script><!-- <p>no --><b>yes</b>", "yes"),
        ("&lt;3 &amp; caf&eacute; &#8212; &#xzz; &nope;", "<3 & caf\u00e9 \u2014 &#xzz; &nope;"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<a title=\"1 > 0\" href='x'>one</a>", "one"),
        ("1 < 2 and <3", "1 < 2 and <3"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
        ("<p>torn <a href='", "torn <a href='"),
    ],
)
def test_a_page_reads_as_one_sees_it(page: str, text: str) -> None:
    assert words(steps(page)) == text


def test_attributes_are_read_however_they_are_quoted() -> None:
    page = "<A HREF=\"a&amp;b\" class='c d' id=e checked>"
    assert list(steps(page)) == [("start", "a", {"href": "a&b", "class": "c d", "id": "e"})]


@given(st.text(alphabet="<>/!-&;#x= \"'apbrli\n"))
def test_no_page_raises(page: str) -> None:
    words(steps(page))


@pytest.mark.parametrize(
    "mark",
    ["<!--", "<", "</", "<a ", "<a '", '<a "', "<a b=", "<p>", "&", "&#", "<script>", "<!", " ", "<a b='c' "],
)
def test_no_page_takes_long(mark: str) -> None:
    began = time.monotonic()
    words(steps(mark * (1_000_000 // len(mark))))
    assert time.monotonic() - began < 8
