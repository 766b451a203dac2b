"""Does sent mail come in from every kind of mailbox, and only the owner's own words?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.pipeline import recognise as recognise_any
from ingest.source import Owner, Person
from ingest.sources.email import MAX_MAIL, SOURCE, people, read, recognise
from storage.records import Kind, Record, Skipped, ZoneSource, stable_id

OWNER = Owner(accounts={"email": ("Ola@example.org", "ola.b@example.net")})
OLA, TAM = "Ola Brandt <ola@example.org>", '"Okonjo, Tam" <tam@example.com>'
PLAIN = "Content-Type: text/plain; charset=utf-8"


def mail(number: int, body: str, *headers: str, sender: str = OLA, to: str = TAM) -> str:
    about = [
        f"From: {sender}",
        f"To: {to}",
        f"Message-ID: <{number}@example.org>",
        *(
            []
            if any(header.startswith("Date") for header in headers)
            else [f"Date: Sat, 01 Jun 2024 14:00:0{number} +0200"]
        ),
        *headers,
    ]
    return "\n".join([*about, "", body, ""])


def mbox(*mails: str) -> str:
    return "\n".join(f"From 123@xxx Sat Jun 01 12:00:00 +0000 2024\n{one}" for one in mails)


def record(number: int, text: str, where: str, first: str = "", answered: str = "") -> Record:
    thread = f"email:{stable_id('email', first or f'<{number}@example.org>')[:16]}"
    return Record(
        id=stable_id("email", f"<{number}@example.org>"),
        source="email",
        kind=Kind.MESSAGE,
        author_id="owner",
        by_owner=True,
        thread_id=thread,
        said_at=datetime(2024, 6, 1, 12, 0, number, tzinfo=UTC),
        text=text,
        reply_to=stable_id("email", answered) if answered else None,
        audience=thread,
        origin=where,
    )


def test_an_mbox_gives_the_owners_mails_and_names_the_rest(tmp_path: Path) -> None:
    answer = mail(
        2,
        "sure\n>From here on,\nFrom noon, say 12:30\n\nOn 1 Jun 2024 Tam wrote:\n> hello",
        "In-Reply-To: <t9@example.com>",
        "References: <t1@example.com>\n <t9@example.com>",
        PLAIN,
    )
    put(
        tmp_path,
        "Takeout/Mail/Sent.mbox",
        mbox(
            mail(1, "hello Tam\n-- \nOla", PLAIN),
            answer,
            mail(3, "theirs", sender=TAM, to=OLA),
            mail(4, "unfinished", "X-Gmail-Labels: Drafts,Opened"),
            mail(5, "away until monday", "Auto-Submitted: auto-replied"),
            mail(6, "> all quoted"),
            mail(7, "when", "Date: soon"),
            "\nno header at all\n",
        ),
    )
    where = "Takeout/Mail/Sent.mbox#"
    assert list(read(tmp_path, OWNER)) == [
        record(1, "hello Tam", f"{where}1"),
        record(
            2,
            "sure\nFrom here on,\nFrom noon, say 12:30",
            f"{where}2",
            first="<t1@example.com>",
            answered="<t9@example.com>",
        ),
        Skipped(f"{where}3", "not sent by the owner", failed=False),
        Skipped(f"{where}4", "a draft", failed=False),
        Skipped(f"{where}5", "an automatic reply", failed=False),
        Skipped(f"{where}6", "no words in it", failed=False),
        Skipped(f"{where}7", "no time that can be read"),
        Skipped(f"{where}8", "no sender"),
    ]
    assert recognise_any(tmp_path) is SOURCE
    assert recognise(tmp_path / "Takeout/Mail/Sent.mbox") == 0.9
    assert list(read(zipped(tmp_path), OWNER)) == list(read(tmp_path, OWNER))
    assert list(people(tmp_path, OWNER)) == [Person("email:tam@example.com", ("Okonjo, Tam",))]


def test_single_files_and_maildirs_read_the_same(tmp_path: Path) -> None:
    put(tmp_path, "one.eml", mail(1, "one").replace("\n", "\r\n"))
    put(tmp_path, "Maildir/cur/1717243200.M1P2.host:2,S", mail(2, "two"))
    put(tmp_path, "Maildir/dovecot-uidlist", "3 V1717243200 N3")
    put(tmp_path, "notes.txt", mail(3, "not a mail by its name"))
    found = kept(SOURCE, tmp_path, OWNER)
    assert [(one.text, one.id) for one in found] == [
        ("two", stable_id("email", "<2@example.org>")),
        ("one", stable_id("email", "<1@example.org>")),
    ]


def test_a_mail_in_two_folders_is_one(tmp_path: Path) -> None:
    put(tmp_path, "Sent.mbox", mbox(mail(1, "one"), mail(2, "two")))
    put(tmp_path, "All.mbox", mbox(mail(2, "two"), mail(3, "three")))
    ledger = ingested(SOURCE, tmp_path, OWNER)
    assert (ledger.seen, ledger.kept, ledger.merged) == (4, 3, 1)


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ("Content-Type: text/html", "<p>one<br>two</p><blockquote>x</blockquote>", "one\ntwo"),
        (
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
            "caf=C3=A9",
            "café",
        ),
        (
            "Content-Type: text/plain; charset=x-unknown\nContent-Transfer-Encoding: quoted-printable",
            "caf=C3=A9",
            "café",
        ),
        (
            "Content-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: quoted-printable",
            "caf=E9",
            "café",
        ),
        ("Content-Type: text/plain; format=flowed", "one \ntwo", "one two"),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64", "aGVs bG8=", "hello"),
    ],
)
def test_every_encoding_becomes_words(tmp_path: Path, headers: str, body: str, text: str) -> None:
    put(tmp_path, "a.eml", mail(1, body, *headers.split("\n")))
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == [text]


def test_the_plain_part_is_taken_and_attachments_are_not(tmp_path: Path) -> None:
    parts = (
        "--b\nContent-Type: text/html\n\n<p>styled</p>\n--b\nContent-Type: text/plain\n\nplain\n"
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=tam.txt\n\nsecret\n--b--"
    )
    put(tmp_path, "a.eml", mail(1, parts, "Content-Type: multipart/mixed; boundary=b"))
    large = "--b\nContent-Type: text/plain\n\nplain\n--b\nContent-Type: image/png\n\n" + "x" * 3 * MAX_MAIL
    put(
        tmp_path, "b.mbox", mbox(mail(2, large, "Content-Type: multipart/mixed; boundary=b"), mail(3, "next"))
    )
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == ["plain", "plain", "next"]
    put(tmp_path, "b.mbox", mbox(mail(2, "word\n" * MAX_MAIL)))
    assert len(kept(SOURCE, tmp_path, OWNER)[-1].text) < MAX_MAIL


def test_encoded_names_and_other_addresses_of_the_owner_are_known(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.eml",
        mail(
            1,
            "hi",
            sender="=?utf-8?q?Ola_Br=C3=A4ndt?= <OLA.B@example.net>",
            to="=?utf-8?q?J=C3=B6?= <j@example.com>",
        ),
    )
    assert len(kept(SOURCE, tmp_path, OWNER)) == 1
    assert list(people(tmp_path, OWNER)) == [Person("email:j@example.com", ("Jö",))]


def test_a_time_without_zone_is_utc(tmp_path: Path) -> None:
    put(tmp_path, "a.eml", mail(1, "hi", "Date: Sat, 01 Jun 2024 12:00:00 -0000"))
    (found,) = kept(SOURCE, tmp_path, OWNER)
    assert found.said_at == datetime(2024, 6, 1, 12, tzinfo=UTC)
    assert found.zone_source == ZoneSource.SCHEMA


def test_without_the_owners_addresses_nothing_is_read(tmp_path: Path) -> None:
    put(tmp_path, "a.eml", mail(1, "hi"))
    (only,) = left_out(SOURCE, tmp_path, Owner())
    assert "accounts.email" in only.why
    assert kept(SOURCE, tmp_path, Owner()) == []


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    put(tmp_path, "a.eml", "")
    put(tmp_path, "letter.mbox", "From here to there\n\n")
    assert recognise(tmp_path) == 0.0
    assert list(read(tmp_path, OWNER)) == [Skipped(tmp_path.name, "no mbox, .eml or Maildir here")]


BROKEN = st.sampled_from(
    [
        "From: =?utf-8?b?////?= <ola@example.org",
        "From: ola@example.org\nContent-Type: multipart/mixed; boundary=",
        "From: ola@example.org\nContent-Type: text/plain; charset=\0; format=*0*='",
        "From: ola@example.org\nDate: Sat, 99 Jun 0000 99:99:99 +9999",
        "From: ola@example.org\nMessage-ID: [<\nReferences: <\n<",
        "From: ola@example.org\nContent-Type: text/plain\nContent-Transfer-Encoding: base64",
        "From: <@[:;\nTo: ;;group:\nCc: a@[",
    ]
)
WHOLE = mbox(mail(1, "hi", PLAIN), mail(2, "yo\n> no", "Content-Type: multipart/mixed; boundary=b")).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=damaged(WHOLE), header=BROKEN, rest=st.text(max_size=60))
def test_files_damaged_anywhere_never_raise_and_the_ledger_closes(
    tmp_path: Path, data: bytes, header: str, rest: str
) -> None:
    put(tmp_path, "a.mbox", data)
    put(tmp_path, "b.eml", f"Date: x\n{header}\n\n{rest}".encode("utf-8", "surrogatepass"))
    put(tmp_path, "c.eml", b"Date: Sat, 01 Jun 2024 12:00:00 +0000\nFrom: ola@example.org\n" + data)
    ingested(SOURCE, tmp_path, OWNER)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", ["a@b,", '"', ";", "a.", "=?utf-8?q?a?= ", "<a@b>"])
@pytest.mark.parametrize("name", ["From", "Content-Type", "Content-Transfer-Encoding"])
def test_a_header_made_to_take_for_ever_does_not(tmp_path: Path, name: str, piece: str) -> None:
    put(tmp_path, "a.eml", mail(1, "hi", f"{name}: text/plain {piece * (MAX_MAIL // len(piece))}"))
    ingested(SOURCE, tmp_path, OWNER)
