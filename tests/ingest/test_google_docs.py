"""Does every document come in once, with insertions and without comments, and is a damaged one told?"""

from __future__ import annotations

import io
import json
import os
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from settle import damaged, settle

from ingest.source import Owner, Person
from ingest.sources.google_docs import SOURCE, people, read, recognise
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

OWNER = Owner(name="Ola Brandt", zones=((date.min, ZoneInfo("Europe/Ljubljana")),))
WRITTEN = datetime(2024, 5, 6, 7, 8, 10, tzinfo=UTC)
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="x"'


def docx(body: str, **more: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f"<w:document {W}><w:body>{body}</w:body></w:document>")
        comments = "<w:p><w:r><w:t>says who?</w:t></w:r></w:p>"
        archive.writestr("word/comments.xml", f"<w:comments {W}>{comments}</w:comments>")
        for name, text in more.items():
            archive.writestr(name.replace("__", "/") + ".xml", text)
    return file.getvalue()


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def p(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


def put(folder: Path, name: str, content: Any) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode()
    file.write_bytes(content)
    os.utime(file, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    return folder


def document(name: str, text: str, **more: Any) -> Record:
    title = more.pop("title", name.removeprefix("Takeout/").rpartition(".")[0])
    return Record(
        id=stable_id("google_docs", title),
        source="google_docs",
        kind=Kind.NOTE,
        author_id="owner",
        by_owner=True,
        thread_id="google_docs",
        text=text,
        origin=f"{name}#1",
        **{"said_at": WRITTEN, "precision": Precision.DAY, "zone_source": ZoneSource.INFERRED} | more,
    )


def test_a_word_file_keeps_insertions_and_loses_deletions(tmp_path: Path) -> None:
    inserted = f"<w:ins w:author='Tam'>{run('quick')}</w:ins>"
    deleted = "<w:del><w:r><w:delText>slow</w:delText></w:r></w:del>"
    moved = f"<w:moveFrom>{run('moved away')}</w:moveFrom>"
    broken = "<w:r><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>"
    cells = "".join(f"<w:tc>{p(run(text))}</w:tc>" for text in ("one", "two"))
    either = f"<mc:Choice>{run('box')}</mc:Choice><mc:Fallback>{run('box')}</mc:Fallback>"
    field = '<w:r><w:instrText>HYPERLINK "https://x"</w:instrText></w:r>'
    body = (
        p(run("Lizards are "), inserted, deleted, run("."))
        + p(moved, run("a"), broken)
        + f"<w:p><w:pPr><w:numPr/></w:pPr>{run('item &amp; more')}</w:p>"
        + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
        + p(f"<mc:AlternateContent>{either}</mc:AlternateContent>")
        + p(field, run("https://www.google.com/url?q=https://moss.example/a%3Fb&amp;sa=D"))
    )
    put(tmp_path, "Takeout/Drive/Lizards.docx", docx(body))
    text = "Lizards are quick.\na\tb\nc\n- item & more\none  two\nbox\nhttps://moss.example/a?b"
    assert list(read(tmp_path, OWNER)) == [document("Takeout/Drive/Lizards.docx", text)]
    assert recognise(tmp_path) >= 0.6


def test_footnotes_and_the_day_a_document_was_made_are_read(tmp_path: Path) -> None:
    core = '<c:p xmlns:c="c" xmlns:d="d"><d:created>2024-03-10T09:00:00Z</d:created></c:p>'
    notes = f"<w:footnotes {W}>{p(run('see below'))}</w:footnotes>"
    put(tmp_path, "a.docx", docx(p(run("moss")), word__footnotes=notes, docProps__core=core))
    made: dict[str, Any] = {
        "said_at": datetime(2024, 3, 10, 9, tzinfo=UTC),
        "precision": Precision.SECOND,
        "zone_source": ZoneSource.EXPLICIT,
    }
    assert list(read(tmp_path, OWNER)) == [document("a.docx", "moss\nsee below", **made)]


def test_a_single_document_is_an_export_too(tmp_path: Path) -> None:
    put(tmp_path, "Moss.docx", docx(p(run("soft"))))
    assert list(read(tmp_path / "Moss.docx", OWNER)) == [document("Moss.docx", "soft")]
    assert recognise(tmp_path / "Moss.docx") == 0.6


HTML = (
    "<html><head><style>@import url(https://themes.googleusercontent.com/fonts/css?kit=x);</style></head>"
    '<body class="c1 doc-content"><p><span>Moss is</span><sup><a href="#cmnt1" id="cmnt_ref1">[a]</a></sup>'
    '<span>&nbsp;soft, see <a href="https://www.google.com/url?q=https://x.example/&amp;sa=D">here</a></span></p>'
    "<ul><li>one</li></ul>"
    '<div class="c2"><p><a href="#cmnt_ref1" id="cmnt1">[a]</a><span>is it, Ola?</span></p></div>'
    "</body></html>"
)


def test_html_loses_its_comments_and_its_wrapped_links(tmp_path: Path) -> None:
    put(tmp_path, "Moss.html", HTML)
    assert list(read(tmp_path, OWNER)) == [document("Moss.html", "Moss is\u00a0soft, see here\n\n- one")]
    assert recognise(tmp_path) >= 0.6


def test_markdown_and_text_are_read_and_one_document_in_several_forms_once(tmp_path: Path) -> None:
    image = "![][image1]\n\n[image1]: <data:image/png;base64,AAAA>"
    link = "https://www.google.com/url?q=https%3A%2F%2Fmoss.example&sa=D"
    put(tmp_path, "Drive/a.md", f"# Moss\n\nIt is **soft**\\. <{link}>\n\n{image}")
    put(tmp_path, "Drive/b.txt", "\ufeffsoft[a]\r\nlines [b] stay\r\n[a]is it?\r\nreally?\r\n[b]no")
    put(tmp_path, "Drive/c.txt", "[a]list\n[b]of letters")
    put(tmp_path, "Drive/d.txt", "again")
    put(tmp_path, "Drive/d.docx", docx(p(run("once"))))
    assert list(read(tmp_path, OWNER)) == [
        document("Drive/a.md", "Moss\n\nIt is soft. https://moss.example\n\n\n\n"),
        document("Drive/b.txt", "soft\nlines  stay\n"),
        document("Drive/c.txt", "[a]list\n[b]of letters"),
        document("Drive/d.docx", "once"),
        Skipped("Drive/d.txt", "the same document is read from its .docx", failed=False),
    ]


def test_what_drive_says_of_a_document_tells_whose_it_is_and_since_when(tmp_path: Path) -> None:
    def info(owner: str, **more: Any) -> dict[str, Any]:
        user = {"id": "1", "name": owner, "type": "user", "role": "owner"}
        return {"permissions": [user, {"id": "2", "name": "Tam", "type": "user", "role": "writer"}], **more}

    times = {"created": "2024-03-10T09:00:00.000Z", "content_last_modified": "2024-03-11T09:00:00Z"}
    put(tmp_path, "Drive/a.txt", "mine")
    put(tmp_path, "Drive/a-info.json", info("Ola Brandt", id="doc1", **times))
    put(tmp_path, "Drive/b.txt", "theirs")
    put(tmp_path, "Drive/b.txt-info.json", info("Jorrit"))
    put(tmp_path, "Drive/2024-03-12 plan.txt", "dated by its name")
    put(tmp_path, "Drive/2024-03-12 plan-info.json", "{torn")
    mine: dict[str, Any] = {
        "title": "doc1",
        "said_at": datetime(2024, 3, 10, 9, tzinfo=UTC),
        "edited_at": datetime(2024, 3, 11, 9, tzinfo=UTC),
        "precision": Precision.SECOND,
        "zone_source": ZoneSource.EXPLICIT,
    }
    noon = datetime(2024, 3, 12, 11, tzinfo=UTC)
    assert list(read(tmp_path, OWNER)) == [
        document(
            "Drive/2024-03-12 plan.txt", "dated by its name", said_at=noon, zone_source=ZoneSource.OWNER
        ),
        document("Drive/a.txt", "mine", **mine),
        Skipped("Drive/b.txt", "somebody else's document", failed=False),
    ]
    assert recognise(tmp_path) > 0.8
    assert list(people(tmp_path, OWNER)) == [
        Person("google:1", ("Ola Brandt",)),
        Person("google:2", ("Tam",)),
    ]


def test_a_damaged_document_is_one_failure_and_never_garbage(tmp_path: Path) -> None:
    whole = docx(p(run("moss")))
    put(tmp_path, "a.docx", whole[: len(whole) // 2])
    put(tmp_path, "b.docx", b"\xd0\xcf\x11\xe0 an old .doc in disguise")
    put(tmp_path, "c.docx", docx("<w:p><w:r><w:t>never closed"))
    put(tmp_path, "d.docx", docx(p(run("&c;"))).replace(b"x", b"x"))
    put(tmp_path, "e.docx", docx("<w:p/>"))
    put(tmp_path, "f.docx", docx(p(run("fine"))))
    entity = io.BytesIO()
    with zipfile.ZipFile(entity, "w") as archive:
        archive.writestr("word/document.xml", '<!DOCTYPE a [<!ENTITY c "ha">]><a>&c;</a>')
    put(tmp_path, "g.docx", entity.getvalue())
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    put(tmp_path, "h.docx", other.getvalue())
    found = list(read(tmp_path, OWNER))
    assert [one.where for one in found if isinstance(one, Skipped) and one.failed] == [
        *("a.docx", "b.docx", "c.docx", "d.docx", "g.docx", "h.docx")
    ]
    assert [one.text for one in found if isinstance(one, Record)] == ["fine"]
    (entities,) = (one for one in found if isinstance(one, Skipped) and one.where == "g.docx")
    assert "declares entities" in entities.why


def test_a_document_that_is_a_bomb_is_one_failure(tmp_path: Path) -> None:
    put(tmp_path, "a.docx", docx(p(run("a" * (64 << 20)))))
    (found,) = read(tmp_path, OWNER)
    assert isinstance(found, Skipped)
    assert found.failed


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.md"])
def test_any_text_is_not_taken_for_a_document(tmp_path: Path, name: str) -> None:
    assert recognise(put(tmp_path, name, "<p>hello</p>")) == 0


WHOLE = docx(p(run("moss"), f"<w:ins>{run('soft')}</w:ins>"), docProps__core="<a/>")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    word=damaged(WHOLE),
    html=damaged(HTML.encode()),
    info=damaged(b'{"id": "x", "created": "2024-03-10T09:00:00Z", "permissions": [{"role": "owner"}]}'),
)
def test_damaged_documents_never_raise(tmp_path: Path, word: bytes, html: bytes, info: bytes) -> None:
    put(tmp_path, "a.docx", word)
    put(tmp_path, "b.html", html)
    put(tmp_path, "c.txt", html)
    put(tmp_path, "b-info.json", info)
    settle(SOURCE, tmp_path, OWNER)
