"""Are the sender's own words left when quotes, signatures and earlier mails are taken away?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mail_text import own_words, unflowed


@pytest.mark.parametrize(
    "below",
    [
        "On Mon, 5 Jan 2024 at 23:30, Tam Okonjo <tam@example.org> wrote:\n> hello",
        "On Mon, 5 Jan 2024 at 23:30, Tam Okonjo <tam@example.org>\nwrote:\n\n> hello\n>> deeper\n",
        "Am 05.01.2024 um 23:30 schrieb Tam Okonjo:\n> hello",
        "Le ven. 5 janv. 2024 à 23:30, Tam <tam@example.org> a écrit :\n> hello",
        "El vie, 5 ene 2024 a las 23:30, Tam (<tam@example.org>) escribió:\n> hello",
        "2024-01-05 23:30 GMT+01:00 Tam Okonjo <tam@example.org>:\n> hello",
        "On 5 Jan 2024, at 23:30, Tam wrote:\n\nhello, without a mark",
        "-----Original Message-----\nFrom: Tam\nhello",
        "---------- Forwarded message ---------\nhello",
        "________________________________\nFrom: Tam\nhello",
        "From: Tam Okonjo <tam@example.org>\nSent: Friday, 5 January 2024\nTo: Ola\nSubject: x\n\nhello",
        "Von: Tam\nGesendet: Freitag\nAn: Ola\n\nhello",
        "-- \nOla Brandt\n+386 40 555 012",
        "--\nOla",
        "Sent from my iPhone",
        "\nGesendet von meinem iPad\n\n",
        "> hello",
    ],
)
def test_what_stands_below_goes(below: str) -> None:
    assert own_words(f"yes,\n\nlet's climb\n\n{below}") == "yes,\n\nlet's climb"


def test_answers_between_the_quotes_stay() -> None:
    mail = "On 5 Jan 2024 Tam wrote:\n> tomorrow?\nsure\n> at 7?\nat 8\n-- \nOla"
    assert own_words(mail) == "sure\nat 8"
    assert own_words("On 5 Jan 2024 Tam Okonjo\nwrote:\n> tomorrow?\nsure") == "sure"


@pytest.mark.parametrize(
    "text",
    [
        "On Monday Tam wrote:\nsomething I liked",
        "From: my window\nI see the wall",
        "a -- b\nc",
        "1 > 0",
        "Sent from my heart, and then\nmore",
    ],
)
def test_words_that_only_look_like_it_stay(text: str) -> None:
    assert own_words(text) == text


def test_soft_line_breaks_are_none() -> None:
    assert unflowed("one \ntwo\n> quoted \nthree\n  stuffed\n-- \nOla") == (
        "one two\n> quoted \nthree\n stuffed\n-- \nOla"
    )
    assert unflowed("one \n-- \nOla") == "one \n-- \nOla"
    assert unflowed("on \ne", deletes_space=True) == "one"


@given(st.text() | st.text(alphabet="> \n-:OnFrom1.wrote"))
def test_any_text_is_a_mail(text: str) -> None:
    own_words(text)
    unflowed(text)
