"""Is nothing left of names, numbers and secrets, and everything left of the rest?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.redact import Redactor
from ingest.roster import Roster, fold
from ingest.source import Owner, Person, marked
from ingest.words import EVERYDAY, NOBODY

KEY = b"0123456789abcdef0123456789abcdef"
OWNER = Owner(name="Mira Vale", aliases=("mi",), accounts={"telegram": ("711",)})
PEOPLE = [
    Person("telegram:1", ("Agnė Petrauskaitė",)),
    Person("telegram:2", ("Will Tanaka",)),
    Person("discord:3", ("Tam",), ("tam.climbs",)),
    Person("telegram:4", ("Jo",)),
    Person("telegram:5", ("Tom Vale",)),
    Person("telegram:6", ("Mum",)),
]


def redactor(*people: Person) -> tuple[Redactor, Roster]:
    roster = Roster(KEY, OWNER)
    for person in people or PEOPLE:
        roster.learn(person)
    return Redactor(roster), roster


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Agnė is late", "{1} is late"),
        ("agne petrauskaite is late", "{1} is late"),
        ("AGNE'S and agnes place", "{1}'s place and {1}s place"),
        ("ask Will about it", "ask {2} about it"),
        ("i will, Will you?", "i will, {2} you?"),
        ("will tanaka will come", "{2} will come"),
        ("tam.climbs or @tam.climbs", "{3} or {3}"),
        ("with Jo, not jo", "with {4}, not jo"),
        ("tom vale and mira vale", "{5} and mira vale"),
        ("call mum", "call mum"),
        ("atamic tamper tams", "atamic tamper {3}s"),
        (f"hi {marked('person', 'telegram:1')}!", "hi {1}!"),
        (f"hi {marked('person', 'telegram:711')}!", "hi Mira!"),
    ],
)
def test_names_give_way_to_one_placeholder_for_each_person(text: str, expected: str) -> None:
    found, roster = redactor()
    keys = {"1": "telegram:1", "2": "telegram:2", "3": "discord:3", "4": "telegram:4", "5": "telegram:5"}
    expected = expected.replace("{1}'s place and {1}s", "{1}'S and {1}s")
    for number, key in keys.items():
        expected = expected.replace(f"{{{number}}}", roster.placeholder(key))
    assert found.redact(text) == expected


@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        ("write to mira.vale+x@mail.example.org please", "mira.vale+x@mail.example.org", "EMAIL"),
        ("mira (at) example (dot) org", "mira (at) example (dot) org", "EMAIL"),
        ("mira at example dot org", "mira at example dot org", "EMAIL"),
        ("call +386 40 555 0123 now", "+386 40 555 0123", "PHONE"),
        ("call (020) 7946-0958", "(020) 7946-0958", "PHONE"),
        ("call 8 612 34567", "8 612 34567", "PHONE"),
        ("call 912 345 678", "912 345 678", "PHONE"),
        ("iban SI56 1910 0000 0123 438 ok", "SI56 1910 0000 0123 438", "IBAN"),
        ("iban gb82west12345698765432", "gb82west12345698765432", "IBAN"),
        ("card 4111 1111 1111 1111 ok", "4111 1111 1111 1111", "CARD"),
        ("at 192.168.10.4 there", "192.168.10.4", "IP"),
        ("at fe80::1ff:fe23:4567:890a there", "fe80::1ff:fe23:4567:890a", "IP"),
        ("at 46.05108, 14.50513 now", "46.05108, 14.50513", "PLACE"),
        ("id 201190884120068096", "201190884120068096", "ID"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000", "ID"),
        ("password: correcthorse", "correcthorse", "SECRET"),
        ("the pin is 4921", "4921", "SECRET"),
        (
            "key ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "SECRET",
        ),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", "SECRET"),
        (
            "bot 123456789:AAabcdefghijklmnopqrstuvwxyz0123456",
            "AAabcdefghijklmnopqrstuvwxyz0123456",
            "SECRET",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE", "SECRET"),
        ("tok f3Kq9ZpL0vX2mN8cR5tB7wY1sD4gH6jQ", "f3Kq9ZpL0vX2mN8cR5tB7wY1sD4gH6jQ", "SECRET"),
        ("12 juniper lane, third floor", "12 juniper lane", "ADDRESS"),
        ("Slovenska Straße 5", "Straße 5", "ADDRESS"),
        ("lindenstrasse 12b", "lindenstrasse 12b", "ADDRESS"),
        ("postcode SW1A 2AA", "SW1A 2AA", "ADDRESS"),
    ],
)
def test_what_points_at_one_person_gives_way_to_its_kind(text: str, secret: str, kind: str) -> None:
    found, _ = redactor()
    clean = found.redact(text)
    assert secret not in clean
    assert f"<{kind}_" in clean
    assert found.redact(text) == clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:pw@shop.example/a", "shop.example"),
        ("see https://shop.example/a?token=abc.", "see shop.example."),
        ("join https://zoom.us/j/123", "join zoom.us"),
        ("discord.gg/abCd12", "discord.gg"),
        ("https://example.org/rocks is nice", "https://example.org/rocks is nice"),
    ],
)
def test_links_that_let_somebody_in_keep_their_host_only(text: str, expected: str) -> None:
    assert redactor()[0].redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "see you on 2024-03-10 at 12:30",
        "10.03.2024, 10/3/24, 2019-2024",
        "it costs 10 000 000 or 3.14159265",
        "the password is wrong and the token is lost",
        "half past five, 6a or 7c, 20 people",
        "meet me at home dot dot dot",
        "2 blocks down the road",
        "v1.2.3 of it.is",
        "@everyone look",
        "antidisestablishmentarianism-and-so-on",
        "🧗 ☕ 🥖 ha — “quite”",
        "https://example.org",
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert redactor()[0].redact(text) == text


def test_two_people_never_share_a_placeholder() -> None:
    _, roster = redactor()
    placeholders = {roster.placeholder(f"telegram:{number}") for number in range(3000)}
    assert len(placeholders) == 3000


def test_one_person_on_two_platforms_is_one_person() -> None:
    _, roster = redactor(
        Person("telegram:1", ("Tam Okonjo",)), Person("discord:9", ("Tam Okonjo",), ("tam.o",))
    )
    assert roster.placeholder("telegram:1") == roster.placeholder("discord:9")
    assert roster.find("tam okonjo") == roster.find("tam.o") == [roster.placeholder("telegram:1")]


def test_another_key_gives_other_placeholders() -> None:
    one, other = Roster(KEY, OWNER), Roster(KEY[::-1], OWNER)
    assert one.placeholder("telegram:1") != other.placeholder("telegram:1")


def test_a_saved_roster_knows_everybody_again_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    _, roster = redactor()
    said = roster.placeholder("telegram:1")
    roster.save(tmp_path / "people.json")
    again = Roster(KEY, OWNER)
    again.load(tmp_path / "people.json")
    assert again.hide_names("agne and tam.climbs") == f"{said} and {roster.placeholder('discord:3')}"
    assert (tmp_path / "people.json").stat().st_mode & 0o777 == 0o600


harmless = st.sampled_from(
    ["the", "wall", "was", "good", "ha", "no", "at", "five", "or", "6", "ok", "on", "3", "may"]
)
name = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=10).filter(
    lambda word: word not in EVERYDAY | NOBODY | {"mira", "vale", "person"}
)
cased = st.sampled_from([str.lower, str.upper, str.title])


@given(
    before=st.lists(harmless),
    name=name,
    case=cased,
    end=st.sampled_from(["", "!", "'s", ",", "?"]),
    after=st.lists(harmless),
)
def test_a_name_in_the_roster_never_gets_through(before, name, case, end, after) -> None:  # type: ignore[no-untyped-def]
    found, _ = redactor(Person("telegram:8", (f"{name} Quill",)))
    text = " ".join([*before, case(name) + end, *after])
    assert name not in re.findall(r"\w+", fold(found.redact(text)))


@given(
    before=st.lists(harmless),
    canary=st.one_of(
        st.from_regex(r"[a-z]{3,10}\.[a-z]{3,10}@[a-z]{3,10}\.(com|org)", fullmatch=True),
        st.from_regex(r"\+[1-9]\d{1,2} \d{2} \d{3} \d{4}", fullmatch=True),
        st.from_regex(r"sk-[a-z0-9]{24,40}", fullmatch=True),
        st.from_regex(r"https://[a-z]{3,8}\.org/\?key=[a-z0-9]{8,12}", fullmatch=True),
    ),
    after=st.lists(harmless),
)
def test_a_planted_canary_never_gets_through(before: list[str], canary: str, after: list[str]) -> None:
    found, _ = redactor()
    assert canary not in found.redact(" ".join([*before, canary, *after]))


@given(st.lists(harmless))
def test_text_without_anything_personal_is_unchanged(words: list[str]) -> None:
    text = " and ".join(words)  # a row of bare numbers would be a telephone number
    assert redactor()[0].redact(text) == text


@given(st.text())
def test_redacting_never_raises_and_doing_it_twice_changes_nothing_more(text: str) -> None:
    found, _ = redactor()
    once = found.redact(text)
    assert found.redact(once) == once


def test_half_a_character_in_somebodys_id_is_no_trouble(tmp_path: Path) -> None:
    roster = Roster(KEY, Owner())
    roster.learn(Person("signal:a\ud800", ("Saoirse",)))
    hidden = roster.placeholder("signal:a\ud800")
    assert roster.hide_names("ask Saoirse") == f"ask {hidden}"
    roster.save(tmp_path / "roster.json")
    other = Roster(KEY, Owner())
    other.load(tmp_path / "roster.json")
    assert other.placeholder("signal:a\ud800") == hidden
