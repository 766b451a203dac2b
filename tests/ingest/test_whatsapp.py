"""Does a WhatsApp chat come in whole, whatever phone, language and date order wrote it?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from export_files import KEY, damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.pipeline import ingest
from ingest.pipeline import recognise as recognise_any
from ingest.source import Owner, Person
from ingest.sources.whatsapp import SOURCE, people, read, recognise
from ingest.whatsapp import Said, begins, said
from storage.database import Database
from storage.records import Attachment, Kind, Precision, Record, Skipped, ZoneSource, stable_id
from storage.records_store import RecordStore

ZONES = ((date.min, ZoneInfo("Europe/Lisbon")), (date(2025, 3, 1), ZoneInfo("Europe/Ljubljana")))
OWNER = Owner(name="Ola Brandt", zones=ZONES)
NAME = "WhatsApp Chat with Tam Okonjo.txt"
THREAD = f"whatsapp:{stable_id('whatsapp', 'tam okonjo')[:16]}"


def record(text: str, local: datetime, who: str, line: int, nth: int = 0, **more: object) -> Record:
    by_owner = who == "Ola Brandt"
    return Record(
        id=stable_id(THREAD, who, local.isoformat(), text, str(nth)),
        source="whatsapp",
        kind=Kind.MESSAGE,
        author_id="owner" if by_owner else f"whatsapp:{who}",
        by_owner=by_owner,
        thread_id=THREAD,
        said_at=OWNER.to_utc(local),
        text=text,
        audience=THREAD,
        origin=f"{NAME}#{line}",
        **({"precision": Precision.MINUTE, "zone_source": ZoneSource.OWNER} | more),  # type: ignore[arg-type]
    )


def test_an_android_chat_comes_in_with_both_sides_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = (
        "\ufeff13/06/2024, 23:30 - Messages and calls are end-to-end encrypted.\r\n"
        "13/06/2024, 23:30 - Tam Okonjo: hello\r\n"
        "are you there?\r\n"
        "\r\n"
        "13/06/2024, 23:31 - Ola Brandt: yes: always\r\n"
        "13/06/2024, 23:31 - Ola Brandt: ha\r\n"
        "13/06/2024, 23:31 - Ola Brandt: ha\r\n"
        "01/07/2025, 12:00 - Tam Okonjo: moved?"
    )
    put(tmp_path, NAME, lines)
    one, two = map(datetime.fromisoformat, ("2024-06-13T23:30", "2024-06-13T23:31"))
    assert list(read(tmp_path, OWNER)) == [
        Skipped(f"{NAME}#1", "a system message", failed=False),
        record("hello\nare you there?", one, "Tam Okonjo", 2),
        record("yes: always", two, "Ola Brandt", 5),
        record("ha", two, "Ola Brandt", 6),
        record("ha", two, "Ola Brandt", 7, nth=1),
        record("moved?", datetime.fromisoformat("2025-07-01T12:00"), "Tam Okonjo", 8),
    ]
    times = [one.said_at for one in kept(SOURCE, tmp_path, OWNER)]
    assert times[0] == datetime(2024, 6, 13, 22, 30, tzinfo=UTC)  # Lisbon in summer
    assert times[-1] == datetime(2025, 7, 1, 10, tzinfo=UTC)  # and Ljubljana, a year later
    assert recognise(tmp_path) == recognise(tmp_path / NAME) == 0.9
    assert recognise_any(tmp_path) is SOURCE


def test_an_iphone_zip_has_seconds_and_marks_what_nobody_typed(tmp_path: Path) -> None:
    lines = [
        "[13/06/2024, 23:30:01] Tam Okonjo: \u200eMessages and calls are end-to-end encrypted.",
        "[13/06/2024, 23:30:12] Tam Okonjo: look",
        "\u200e[13/06/2024, 23:30:15] Tam Okonjo: the wall \u200e<attached: 00000012-PHOTO-2024-06-13.jpg>",
        "\u200e[13/06/2024, 23:30:20] Ola Brandt: \u200evideo omitted",
        "[13/06/2024, 23:30:59] Ola Brandt: nice \u200e<This message was edited>",
    ]
    folder = tmp_path / "WhatsApp Chat - Tam Okonjo"
    put(folder, "_chat.txt", "\n".join(lines))
    put(folder, "00000013-notes.txt", "a text that Tam sent\n")
    found = list(read(zipped(folder), OWNER))
    assert [(one.text, one.attachments) for one in found if isinstance(one, Record)] == [
        ("look", ()),
        ("the wall", (Attachment("image"),)),
        ("nice", ()),
    ]
    assert {one.precision for one in found if isinstance(one, Record)} == {Precision.SECOND}
    assert {one.thread_id for one in found if isinstance(one, Record)} == {THREAD}
    assert [one for one in found if isinstance(one, Skipped)] == [
        Skipped("00000013-notes.txt", "no line of a WhatsApp chat in it", failed=False),
        Skipped("_chat.txt#1", "a system message", failed=False),
        Skipped("_chat.txt#4", "no words in it", failed=False),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "05/01/2024, 23:30 - Tam: hi: you",
        "5/1/24, 11:30 PM - Tam: hi: you",
        "5/1/24, 11:30\u202fPM - Tam: hi: you",
        "5/1/24, 11:30\u00a0p.\u00a0m. - Tam: hi: you",
        "[05/01/2024, 23:30:00] Tam: hi: you",
        "[5/1/24, 11:30:00\u202fPM] Tam: hi: you",
        "\u200e[5/1/24 11:30:00 p.m.] \u200eTam: hi: you",
        "[05.01.24, 23:30:00] ~\u202fTam: hi: you",
        "05.01.24, 23:30 - Tam: hi: you",
        "05-01-2024 23:30 - Tam: hi: you",
        "05/01/2024 à 23:30 - Tam: hi: you",
        "5.1.2024 klo 23.30 - Tam: hi: you",
        "2024-01-05, 11:30 p.m. - Tam: hi: you",
        "2024/01/05 23:30 - Tam: hi: you",
        "2024/1/5 下午11:30 - Tam: hi: you",
        "2024. 1. 5. 오후 11:30 - Tam: hi: you",
        "٥\u200f/١\u200f/٢٠٢٤، ١١:٣٠ م - Tam: hi: you",
    ],
)
def test_every_phone_writes_its_lines_its_own_way(line: str) -> None:
    found = begins(line)
    assert found is not None
    assert (found.at.hour, found.at.minute, found.sender, found.text) == (23, 30, "Tam", "hi: you")
    assert sorted(number % 2000 for number in found.numbers) == [1, 5, 24]


@pytest.mark.parametrize(
    "line",
    [
        "see you at 11:30",
        "12/01/2024 was a friday - right: right",
        "25:61 - Tam: no",
        "1/2/24, 31:99 - A: b",
        "",
    ],
)
def test_a_line_that_only_talks_of_times_goes_on_with_the_message(line: str) -> None:
    assert begins(line) is None


def test_midnight_and_noon_are_told_apart() -> None:
    hours = [begins(f"1/2/24, 12:05 {half} - Tam: hi") for half in ("AM", "PM", "a. m.")]
    assert [line.at.hour for line in hours if line] == [0, 12, 0]


@pytest.mark.parametrize(
    ("dates", "first", "sure"),
    [
        (["13/02/2024", "01/03/2024"], date(2024, 2, 13), True),
        (["02/13/2024", "03/01/2024"], date(2024, 2, 13), True),
        (["03/04/2024", "04/04/2024", "05/04/2024"], date(2024, 4, 3), False),
        (["03/04/2024", "03/05/2024", "03/06/2024"], date(2024, 3, 4), False),
        (["03/04/2024"], date(2024, 4, 3), False),
        (["24/01/05", "24/01/31"], date(2024, 1, 5), True),
        (["2024-01-05", "2024-02-01"], date(2024, 1, 5), True),
    ],
)
def test_the_dates_of_a_file_tell_which_number_is_the_day(
    tmp_path: Path, dates: list[str], first: date, sure: bool
) -> None:
    put(tmp_path, NAME, "\n".join(f"{day}, 12:00 - Tam: hi {day}" for day in dates))
    found = kept(SOURCE, tmp_path, OWNER)
    assert found[0].said_at.date() == first
    assert len(found) == len(dates)
    assert found[0].zone_source == (ZoneSource.OWNER if sure else ZoneSource.INFERRED)


def test_where_nothing_tells_the_day_the_owners_country_does(tmp_path: Path) -> None:
    put(tmp_path, NAME, "03/04/2024, 12:00 - Tam: hi")
    american = Owner(zones=((date.min, ZoneInfo("America/New_York")),))
    assert kept(SOURCE, tmp_path, american)[0].said_at.date() == date(2024, 3, 4)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "<Media omitted>",
            "<Medien ausgeschlossen>",
            "<Multimedia omitido>",
            "<Mídia oculta>",
            "<Médias omis>",
        ),
        *("<Media omessi>", "<Media weggelaten>", "<Без медиафайлов>", "<Arquivo de mídia oculto>"),
        *(
            "IMG-20240105-WA0001.jpg (file attached)",
            "\u200eIMG-1.jpg (Datei angehängt)",
            "\u200eимя.pdf (файл)",
        ),
        *("\u200eimage omitted", "\u200eBild weggelassen", "\u200eimagen omitida", "\u200eimage absente"),
        *("image omitted", "\u200e<attached: 0012-AUDIO.opus>", "<Anhang: 0012-PHOTO.jpg>"),
    ],
)
def test_what_stands_for_media_is_an_attachment_and_no_words(text: str) -> None:
    content = said(text)
    assert (content.words, content.reason, len(content.attachments)) == ("", "no words in it", 1)


@pytest.mark.parametrize(
    "text",
    [
        *("This message was deleted", "You deleted this message.", "Diese Nachricht wurde gelöscht."),
        *("Se eliminó este mensaje.", "Você apagou esta mensagem", "Ce message a été supprimé"),
        *("Данное сообщение удалено", "\u200eDit bericht is verwijderd."),
    ],
)
def test_a_deleted_message_is_no_message(text: str) -> None:
    assert said(text) == Said("", reason="deleted")


@pytest.mark.parametrize(
    "text",
    [
        "I was absent",
        "the best part was omitted",
        "see notes.txt (the second one)",
        "<3",
        "a < b > c",
        "<media>?",
    ],
)
def test_words_that_only_look_like_the_apps_are_kept(text: str) -> None:
    assert said(text) == Said(text)


def test_captions_edits_mentions_and_places() -> None:
    caption = said("\u200eIMG-1.jpg (file attached)\nthe wall")
    assert caption == Said("the wall", (Attachment("image"),))
    assert said("fixed <Diese Nachricht wurde bearbeitet.>") == Said("fixed")
    assert said("fixed <This message was edited>") == Said("fixed")
    assert said("null") == said("") == Said("", reason="no words in it")
    assert said("Location: https://maps.google.com/?q=46.05,14.50").reason == "a place, not words"
    mention = said("ask @\u2068Tam Okonjo\u2069 or @38640555012")
    assert mention.words == (
        "ask @\ue000person:whatsapp:Tam Okonjo\ue001 or @\ue000person:whatsapp:+38640555012\ue001"
    )


def test_a_mention_of_the_owner_is_the_owner(tmp_path: Path) -> None:
    put(
        tmp_path,
        NAME,
        "13/06/2024, 23:30 - Tam: @\u2068Ola Brandt\u2069?\n13/06/2024, 23:31 - Ola Brandt: yes",
    )
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == ["@Ola?", "yes"]


async def test_in_the_store_a_later_export_adds_only_what_is_new(
    tmp_path: Path, sqlite_database: Database
) -> None:
    store, lines = (
        RecordStore(sqlite_database),
        [f"13/06/2024, 23:{n} - Tam Okonjo: Ola, {n}" for n in range(10, 20)],
    )
    counts = []
    for text in (lines[:6], lines[:6], lines):
        put(tmp_path, NAME, "\n".join(text))
        ledger = await ingest("auto", tmp_path, OWNER, store, key=KEY)
        counts.append((ledger.kept, ledger.merged))
    assert counts == [(6, 0), (0, 6), (4, 6)]
    assert not any("Tam" in f"{one.text} {one.author_id} {one.thread_id}" for one in await store.find())


def test_a_later_export_that_overlaps_adds_only_what_is_new(tmp_path: Path) -> None:
    said_so = [
        f"13/06/2024, 23:3{n // 4} - Tam Okonjo: {word}" for n, word in enumerate(["a", "ok", "ok", "b"] * 2)
    ]
    put(tmp_path, NAME, "\n".join(said_so[:6]))
    early = {one.id for one in kept(SOURCE, tmp_path, OWNER)}
    put(
        tmp_path,
        NAME.replace(".txt", " (1).txt"),
        "\n".join([*said_so, "14/06/2024, 08:00 - Ola Brandt: new"]),
    )
    ledger = ingested(SOURCE, tmp_path, OWNER)
    assert (ledger.seen, ledger.kept, ledger.merged) == (15, 9, 6)
    (tmp_path / NAME).unlink()
    later = {one.id for one in kept(SOURCE, tmp_path, OWNER)}
    assert early < later
    assert len(early) == 6
    assert len(later) == 9


def test_the_owner_is_whoever_the_chat_is_not_named_after(tmp_path: Path) -> None:
    put(tmp_path, NAME, "13/06/2024, 23:30 - Tam Okonjo: a\n13/06/2024, 23:30 - olaf: b")
    assert [one.by_owner for one in kept(SOURCE, tmp_path, Owner())] == [False, True]
    put(
        tmp_path,
        NAME,
        "13/06/2024, 23:30 - +386 40 555 012: a\n13/06/2024, 23:30 - You: b\n13/06/2024, 23:31 - C: d",
    )
    phone = Owner(accounts={"whatsapp": ("+38640555012",)})
    assert [one.by_owner for one in kept(SOURCE, tmp_path, phone)] == [True, True, False]
    assert [one.by_owner for one in kept(SOURCE, tmp_path, Owner())] == [False, True, False]


def test_everybody_is_known_before_reading(tmp_path: Path) -> None:
    lines = ["Tam Okonjo: a", "~ Jorrit: b", "+386 40 555\u00a0012: c", "Ola Brandt: d", 'Tam changed "a: b"']
    put(tmp_path, "group.txt", "\n".join(f"13/06/2024, 23:30 - {line}" for line in lines))
    put(tmp_path, "_chat.txt", "[13/06/2024, 23:30:01] Climbers: \u200eTam Okonjo created this group")
    assert list(people(tmp_path, OWNER)) == [
        Person("whatsapp:+38640555012", ()),
        Person("whatsapp:Jorrit", ("Jorrit",)),
        Person("whatsapp:Tam Okonjo", ("Tam Okonjo",)),
    ]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    put(tmp_path, NAME, "lost\n\n13/06/2024, 23:30 - Tam: a\n14/14/2024, 23:30 - Tam: b")
    assert left_out(SOURCE, tmp_path, OWNER) == [
        Skipped(f"{NAME}#1", "no message begins on or before this line"),
        Skipped(f"{NAME}#4", "no time that can be read"),
    ]
    put(tmp_path, NAME, "")
    assert left_out(SOURCE, tmp_path, OWNER) == [
        Skipped(NAME, "no line of a WhatsApp chat in it", failed=False)
    ]
    (tmp_path / NAME).unlink()
    why = "no text file here; export the chat again, without media"
    assert left_out(SOURCE, tmp_path, OWNER) == [Skipped("_chat.txt", why)]
    assert recognise(tmp_path) == 0.0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_reads_the_same(tmp_path: Path, encoding: str) -> None:
    put(
        tmp_path,
        NAME,
        "13/06/2024, 23:30 - Tam Okonjo: café\r\n13/06/2024, 23:31 - Tam Okonjo: b".encode(encoding),
    )
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == ["café", "b"]


def test_a_message_without_end_stays_within_bounds(tmp_path: Path) -> None:
    put(tmp_path, NAME, "13/06/2024, 23:30 - Tam: a\n" + "b" * 500_000 + "\n" + "   \n" * 200_000 + "c")
    ledger = ingested(SOURCE, tmp_path, OWNER)
    assert dict(ledger.failed) == {"longer than 200,000 characters": 1}
    assert len(kept(SOURCE, tmp_path, OWNER)[0].text) == len("a\n") + 500_000


WHOLE = (
    "\ufeff13/06/2024, 23:30 - System.\n13/06/2024, 23:30 - Tam: a\nb\n"
    "[14/6/24, 11:30:12\u202fPM] Ola: <Media omitted>\n"
    "13/06/2024, 23:31 - Ola Brandt: \u200eIMG-1.jpg (file attached)\n"
    "x @\u2068Tam\u2069 <This message was edited>\n"
).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=damaged(WHOLE) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_file_damaged_anywhere_never_raises_and_the_ledger_closes(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, NAME, data)
    ingested(SOURCE, tmp_path, OWNER)


@given(st.text())
def test_any_text_is_a_message(text: str) -> None:
    said(text)
    begins(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["\u200e", "<", "@\u2068", "a.b (", "\u200ea ", "1/2/24, 1:00 - ", "x omitted"]
)
def test_no_line_takes_for_ever(piece: str) -> None:
    said(piece * 50_000)
    begins(piece * 50_000)
