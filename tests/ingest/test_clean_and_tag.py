"""Are words left as they were written, and filed under what they are about?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.clean import clean
from ingest.tag import tags
from storage.records import Kind


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  hi\r\nthere \u2028you \n\n\n\n ok\x07", "hi\nthere\nyou\n\n ok"),
        ("cafe\u0301", "café"),
        ("“curly” – 👩‍🚒 ❤️ ½ ﬁ", "“curly” – 👩‍🚒 ❤️ ½ ﬁ"),
        ("\ufeff\u200ea\u202eb\u2069", "ab"),
        ("half \ud83d of it", "half  of it"),
    ],
)
def test_only_what_nobody_typed_goes(written: str, kept: str) -> None:
    assert clean(written) == kept


@given(st.text(st.characters()))
def test_clean_text_is_clean_and_can_be_stored(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()


@given(st.text("ab \t\u00a0\n", max_size=30))
def test_blanks_go_where_nobody_sees_them(text: str) -> None:
    plain = re.sub(r"[ \t\u00a0]+(?=\n)|(?<=\n\n)\n+", "", text).strip()
    assert clean(text) == plain


def test_a_hundred_thousand_blanks_are_cleaned_in_one_go() -> None:
    blanks = " " * 100_000  # looking on from each of them anew would take minutes
    assert clean(f"a{blanks}b\nc") == f"a{blanks}b\nc"


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("my router needs a reboot", Kind.MESSAGE, ("technical",)),
        ("a new song on the synth", Kind.MESSAGE, ("creative",)),
        ("see you at five", Kind.MESSAGE, ("personal",)),
        ("fixed the wifi, wrote a poem", Kind.JOURNAL, ("technical", "creative", "personal")),
        ("tidy up", Kind.COMMIT, ("technical",)),
    ],
)
def test_every_record_is_about_something(text: str, kind: Kind, expected: tuple[str, ...]) -> None:
    assert tags(text, kind) == expected
    assert tags(text, kind, ("mine", "creative"))[:2] == ("mine", "creative")
