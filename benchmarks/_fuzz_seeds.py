"""Which exports are damaged? A small one of every source, with an address, a number and a key in it."""

# ruff: noqa: E501  (exports are written as they are)

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.source import Owner

CANARIES = ("cnry.q7x@leak.example.org", "+44 7700 900123", "AKIAIOSFODNN7EXAMPLQ")
SAID = f"write me at {CANARIES[0]} or call {CANARIES[1]} now, the key is {CANARIES[2]} ok"
OWNER = Owner(
    "Ola Brandt",
    accounts={
        "discord": ("201190884120068096",),
        "telegram": ("7",),
        "slack": ("U711",),
        "email": ("ola@example.org",),
        "mastodon": ("@ola@social.example",),
        "reddit": ("ola",),
        "x": ("5511",),
        "github": ("olab",),
    },
)
NOON, HEX = 1717243200, "0123456789abcdef" * 2
DAY = "2024-06-01T12:00:00"

Files = Mapping[str, bytes]


def seeds(folder: Path) -> dict[str, Files]:
    """Every source's own; `folder` is room for a repository, which git has to make."""
    return {
        "discord_chat_exporter": _of({"general.json": _exported_channel()}),
        "discord_package": _of(_package()),
        "email": _of({"Sent.mbox": _mbox()}),
        "facebook": _of(_facebook()),
        "git": _repository(folder),
        "google_docs": _of(_documents()),
        "instagram": _of(_instagram()),
        "journal": _of({"2024-06-01.md": f"# Saturday\n\n{SAID}\n\n## 2024-06-02 10:30\n\n- {SAID}\n"}),
        "mastodon": _of(_mastodon()),
        "myanimelist": _of({"list.xml": _anime()}),
        "notion": _of(_notion()),
        "obsidian": _of(_vault()),
        "reddit": _of(_reddit()),
        "signal": _of(_signal()),
        "slack": _of(_slack()),
        "telegram": _of({"result.json": _telegram()}),
        "whatsapp": _of({"WhatsApp Chat with Tam.txt": _whatsapp()}),
        "x_archive": _of(_x()),
        "youtube": _of(_youtube()),
    }


def _of(files: Mapping[str, Any]) -> dict[str, bytes]:
    """Bytes and text as they are, everything else as JSON."""
    return {
        name: what
        if isinstance(what, bytes)
        else (what if isinstance(what, str) else json.dumps(what)).encode()
        for name, what in files.items()
    }


def _exported_channel() -> dict[str, Any]:
    author = {"id": "201190884120068096", "name": "ola", "nickname": "Ola", "isBot": False}
    message = {
        "id": "1192591538257920001",
        "type": "Default",
        "timestamp": "2024-01-04T22:13:00.5+02:00",
        "timestampEdited": None,
        "content": f"{SAID} <@201190884120068097> <:moss:123456>",
        "author": author,
        "attachments": [{"fileName": "a.png"}],
        "mentions": [{"id": "201190884120068097", "name": "tam", "nickname": "Tam Okonjo"}],
    }
    reply = message | {"id": "1192591538257920002", "type": "Reply", "content": f"@Tam Okonjo {SAID}"}
    reply["reference"] = {"messageId": "1192591538257920001", "channelId": "512003884417089536"}
    return {
        "guild": {"id": "1", "name": "moss"},
        "channel": {"id": "512003884417089536", "type": "GuildTextChat", "name": "general"},
        "dateRange": {"after": None, "before": None},
        "messages": [message, reply],
        "messageCount": 2,
    }


def _package() -> dict[str, Any]:
    row = {"ID": 1192591538257920001, "Timestamp": "2024-01-04 22:13:00", "Contents": SAID, "Attachments": ""}
    user = {"id": "201190884120068097", "username": "tam"}
    return {
        "Account/user.json": {
            "id": "201190884120068096",
            "username": "ola",
            "relationships": [{"id": user["id"], "nickname": "Tam", "user": user}],
        },
        "Messages/index.json": {"512003884417089536": "Direct Message with tam#0"},
        "Messages/c512003884417089536/channel.json": {
            "id": "512003884417089536",
            "type": "DM",
            "recipients": ["201190884120068096", "201190884120068097"],
        },
        "Messages/c512003884417089536/messages.json": [row],
        "Messages/c512003884417089537/messages.csv": "ID,Timestamp,Contents,Attachments\r\n"
        f'1192591538257920009,2024-01-04 22:13:00.123000+00:00,"{SAID}",https://example.org/a.png\r\n',
    }


def _mbox() -> str:
    def mail(number: int, kind: str, body: str) -> str:
        return (
            "From 123@xxx Sat Jun 01 12:00:00 +0000 2024\nFrom: Ola Brandt <ola@example.org>\n"
            f'To: "Okonjo, Tam" <tam@example.com>\nMessage-ID: <{number}@example.org>\n'
            f"Subject: =?utf-8?q?moss?=\nDate: Sat, 01 Jun 2024 14:00:00 +0200\nContent-Type: {kind}\n\n{body}\n"
        )

    parts = f"--b\nContent-Type: text/html; charset=utf-8\n\n<p>{SAID}</p><blockquote>theirs</blockquote>\n--b--\n"
    quoted = "Content-Transfer-Encoding: quoted-printable"
    return (
        mail(
            1,
            "text/plain; charset=utf-8; format=flowed",
            f"{SAID} \nflowed\n\nOn Monday Tam wrote:\n> no\n-- \nOla",
        )
        + mail(2, "multipart/alternative; boundary=b", parts)
        + mail(3, f"text/plain; charset=iso-8859-1\n{quoted}", f"caf=E9 {SAID}")
    )


def _facebook() -> dict[str, Any]:
    message = {"sender_name": "Ola Brandt", "timestamp_ms": NOON * 1000, "content": f"{SAID} caf\u00c3\u00a9"}
    chat = {
        "participants": [{"name": "Tam Okonjo"}, {"name": "Ola Brandt"}],
        "messages": [message],
        "title": "Tam",
    }
    secret = {
        "isUnsent": False,
        "senderName": "Ola Brandt",
        "text": SAID,
        "timestamp": NOON * 1000,
        "type": "text",
    }
    comment = {"comment": {"timestamp": NOON, "comment": SAID, "author": "Ola Brandt"}}
    return {
        "messages/inbox/tamokonjo_10150123/message_1.json": chat,
        "comments_and_reactions/comments.json": {"comments_v2": [{"timestamp": NOON, "data": [comment]}]},
        "posts/your_posts_1.json": [{"timestamp": NOON, "data": [{"post": SAID}], "title": "Ola"}],
        "B_15.json": {"participants": ["Tam", "Ola Brandt"], "threadName": "B_15", "messages": [secret]},
    }


def _instagram() -> dict[str, Any]:
    message = {"sender_name": "Ola Brandt", "timestamp_ms": NOON * 1000, "content": SAID}
    names = [{"name": "Tam Okonjo"}, {"name": "Ola Brandt"}]
    comment = {"string_map_data": {"Comment": {"value": SAID}, "Time": {"timestamp": NOON}}}
    return {
        "your_instagram_activity/messages/inbox/tam_17840/message_1.json": {
            "participants": names,
            "messages": [message],
        },
        "comments/post_comments_1.json": [comment],
        "media/posts_1.json": [{"media": [{"title": SAID, "creation_timestamp": NOON}]}],
    }


def _documents() -> dict[str, Any]:
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    text = f'<w:p><w:r><w:t xml:space="preserve">{SAID}</w:t></w:r><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f"<w:document {w}><w:body>{text}</w:body></w:document>")
        archive.writestr(
            "docProps/core.xml",
            '<a xmlns:dcterms="x"><dcterms:created>2024-06-01T12:00:00Z</dcterms:created></a>',
        )
    google = "<style>@import url(https://themes.googleusercontent.com/fonts/css?kit=x);</style>"
    info = {"title": "Moss", "createdTime": f"{DAY}Z", "modifiedTime": f"{DAY}Z", "owner": "Ola"}
    return {
        "Moss.docx": file.getvalue(),
        "Fern.html": f'<html><head>{google}</head><body class="doc-content"><p>{SAID}</p><ul><li>one</li></ul></body></html>',
        "Fern.html-info.json": info,
        "Notes.txt": SAID,
    }


def _mastodon() -> dict[str, Any]:
    public = "https://www.w3.org/ns/activitystreams#Public"
    note = {
        "id": "https://social.example/users/ola/statuses/1",
        "type": "Note",
        "published": f"{DAY}Z",
        "content": f'<p>{SAID} <a href="https://social.example/@tam" class="u-url mention">@<span>tam</span></a></p>',
        "contentMap": {"en": "x"},
        "to": [public],
        "cc": [],
        "tag": [{"type": "Mention", "href": "https://social.example/users/tam", "name": "@tam"}],
    }
    create = {"id": "1", "type": "Create", "published": f"{DAY}Z", "to": [public], "cc": [], "object": note}
    context = "https://www.w3.org/ns/activitystreams"
    return {
        "outbox.json": {"@context": context, "type": "OrderedCollection", "orderedItems": [create]},
        "actor.json": {
            "id": "https://social.example/users/ola",
            "preferredUsername": "ola",
            "name": "Ola Brandt",
        },
    }


def _anime() -> str:
    entry = (
        "<anime><series_animedb_id>457</series_animedb_id><series_title><![CDATA[Mushishi]]></series_title>"
        "<series_type>TV</series_type><series_episodes>26</series_episodes><my_watched_episodes>26</my_watched_episodes>"
        "<my_start_date>2024-01-02</my_start_date><my_finish_date>2024-03-10</my_finish_date><my_score>9</my_score>"
        f"<my_status>Completed</my_status><my_comments><![CDATA[{SAID}]]></my_comments><my_tags><![CDATA[slow]]></my_tags></anime>"
    )
    about = "<myinfo><user_id>7</user_id><user_name>ola</user_name><user_export_type>1</user_export_type></myinfo>"
    head = (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<!--\n Created by XML Export feature at MyAnimeList\n-->\n'
    )
    return f"{head}<myanimelist>\n{about}\n{entry}\n</myanimelist>\n"


def _notion() -> dict[str, Any]:
    html = (
        '<html><body><article id="x" class="page sans"><header><h1 class="page-title">Fern</h1>'
        '<table class="properties"><tr class="property-row property-row-created_time"><th>Created</th>'
        f'<td><time>@June 1, 2024 8:45 AM</time></td></tr></table></header><div class="page-body"><p>{SAID}</p></div>'
        "</article></body></html>"
    )
    return {
        f"Moss {HEX}.md": f"# Moss\n\nCreated: June 1, 2024 8:45 AM\nTags: a, b\n\n{SAID}\n",
        f"Fern {HEX[1:]}a.html": html,
        f"Plants {HEX[2:]}bb_all.csv": "\ufeffName,Created,Tags,Note\r\n"
        f'Sedge,"June 1, 2024 8:45 AM",a,"{SAID}"\r\nReed,,,\r\n',
    }


def _vault() -> dict[str, Any]:
    canvas = {"nodes": [{"id": "1", "type": "text", "text": SAID}], "edges": []}
    note = f"---\ncreated: 2024-06-01\ntags: [moss, soft]\naliases: [Tam]\n---\n# Moss\n\n{SAID} [[Fern|it]] ==x== %%c%%\n"
    return {
        ".obsidian/app.json": {"attachmentFolderPath": "files"},
        ".obsidian/daily-notes.json": {"folder": "daily", "format": "YYYY-MM-DD", "template": "x"},
        "Moss.md": note,
        "daily/2024-06-01.md": f"- [ ] {SAID}\n> [!note] x\n> y\n",
        "People/Tam Okonjo.md": "a friend",
        "board.canvas": canvas,
    }


def _reddit() -> dict[str, Any]:
    link = "https://www.reddit.com/r/moss/comments/p1/soft/"
    when = "2024-06-01 12:00:00 UTC"
    return {
        "comments.csv": "id,permalink,date,ip,subreddit,gildings,link,parent,body,media\n"
        f'c1,{link}c1/,{when},,moss,0,{link},t1_c0,"{SAID} u/tam_o",\n',
        "posts.csv": "id,permalink,date,ip,subreddit,gildings,title,url,body\n"
        f'p1,{link},{when},,moss,0,Soft,,"{SAID}"\n',
        "messages_archive.csv": "id,permalink,thread_id,date,ip,from,to,subject,body\n"
        f'm1,,t1,{when},,ola,tam_o,hi,"{SAID}"\n',
        "chat_history.csv": "message_id,created_at,updated_at,username,message,thread_parent_message_id,channel_url\n"
        f'h1,{when},,ola,"{SAID}",,https://example.org/c\n',
    }


def _signal() -> dict[str, Any]:
    frames: list[dict[str, Any]] = [
        {"version": "1", "backupTimeMs": "1"},
        {"account": {"givenName": "Ola"}},
        {"recipient": {"id": "1", "self": {}}},
        {"recipient": {"id": "2", "contact": {"aci": "EREREREREUERgRERERERERE=", "systemGivenName": "Tam"}}},
        {"chat": {"id": "10", "recipientId": "2"}},
    ]
    for number, way in ((1, "outgoing"), (2, "incoming")):
        item = {"chatId": "10", "authorId": str(number), "dateSent": str((NOON + number) * 1000), way: {}}
        frames.append({"chatItem": item | {"standardMessage": {"text": {"body": SAID}}}})
    line = {
        "date": DAY,
        "sender": "Me",
        "body": SAID,
        "quote": "",
        "sticker": "",
        "reactions": [],
        "attachments": [],
    }
    return {
        "main.jsonl": "\n".join(map(json.dumps, frames)) + "\n",
        "Tam/data.json": "\n".join(json.dumps(line | {"sender": who}) for who in ("Me", "Tam")) + "\n",
    }


def _slack() -> dict[str, Any]:
    message = {"type": "message", "user": "U711", "text": f"{SAID} <@U502|tam> &lt;3", "ts": f"{NOON}.000100"}
    answer = message | {"user": "U502", "ts": f"{NOON + 1}.000100", "thread_ts": f"{NOON}.000100"}
    return {
        "users.json": [
            {"id": "U711", "name": "ola", "profile": {"real_name": "Ola Brandt"}},
            {"id": "U502", "name": "tam", "profile": {"display_name": "tammy"}},
        ],
        "channels.json": [{"id": "C9", "name": "general", "members": ["U711"]}],
        "dms.json": [{"id": "D5", "members": ["U711", "U502"]}],
        "general/2024-06-01.json": [message, answer],
    }


def _telegram() -> dict[str, Any]:
    message = {
        "id": 1,
        "type": "message",
        "date": DAY,
        "date_unixtime": str(NOON),
        "from": "Ola",
        "from_id": "user7",
        "text": SAID,
        "text_entities": [{"type": "plain", "text": SAID}],
    }
    rich: list[Any] = [
        "a ",
        {"type": "email", "text": CANARIES[0]},
        {"type": "phone", "text": CANARIES[1]},
        SAID,
    ]
    other = message | {"id": 2, "from": "Tam", "from_id": "user5", "text": rich, "reply_to_message_id": 1}
    chat = {"name": "Tam", "type": "personal_chat", "id": 5, "messages": [message, other]}
    return {
        "about": "x",
        "personal_information": {"user_id": 7, "first_name": "Ola", "last_name": "Brandt"},
        "contacts": {"list": [{"user_id": 5, "first_name": "Tam", "last_name": "Okonjo"}]},
        "chats": {"about": "x", "list": [chat]},
    }


def _whatsapp() -> str:
    return (
        f"13/06/2024, 23:30 - Ola Brandt: {SAID}\nand a second line\n"
        f"[14/06/2024, 11:31:07 PM] Tam: {SAID}\n\u200e[15/06/2024, 23:32:00] Tam: \u200eimage omitted\n"
        "16/06/2024, 9:33\u202fp. m. - +44 7700 900999: hi <This message was edited>\n"
    )


def _x() -> dict[str, Any]:
    def script(what: str, items: Any) -> str:
        return f"window.YTD.{what}.part0 = {json.dumps(items)}"

    about = {
        "id_str": "1",
        "created_at": "Tue Mar 19 14:05:17 +0000 2019",
        "full_text": f"{SAID} @tam https://t.co/a1",
    }
    about["entities"] = {  # type: ignore[assignment]
        "urls": [{"url": "https://t.co/a1", "expanded_url": "https://example.org/a"}],
        "user_mentions": [{"screen_name": "tam", "name": "Tam Okonjo", "id_str": "77"}],
    }
    direct = {
        "id": "1",
        "senderId": "5511",
        "text": SAID,
        "createdAt": "2020-05-01T10:00:01.500Z",
        "urls": [],
    }
    talk = {"conversationId": "77-5511", "messages": [{"messageCreate": direct}]}
    long = {"noteTweetId": "9", "createdAt": "2019-03-19T14:05:17.000Z", "core": {"text": f"{SAID} and on"}}
    return {
        "data/account.js": script("account", [{"account": {"accountId": "5511", "username": "ola"}}]),
        "data/tweets.js": script("tweets", [{"tweet": about}]),
        "data/note-tweet.js": script("note_tweet", [{"noteTweet": long}]),
        "data/direct-messages.js": script("direct_messages", [{"dmConversation": talk}]),
    }


def _youtube() -> dict[str, Any]:
    entry = {
        "header": "YouTube",
        "title": f"Watched Moss {SAID}",
        "titleUrl": "https://www.youtube.com/watch?v=abcdefghijk",
        "subtitles": [{"name": "Bog Life", "url": "https://www.youtube.com/channel/UC1"}],
        "time": "2021-01-15T18:54:12.345Z",
        "products": ["YouTube"],
    }
    cell = (
        '<div class="outer-cell mdl-cell"><div class="content-cell mdl-cell mdl-typography--body-1">Watched\u00a0'
        '<a href="https://www.youtube.com/watch?v=abcdefghij2">Moss</a><br><a href="https://www.youtube.com/channel/UC1">'
        "Bog Life</a><br>Jan 15, 2021, 6:54:12\u202fPM BST<br></div></div>"
    )
    text = (
        json.dumps({"text": f"{SAID} "})
        + ","
        + json.dumps({"text": "@tam", "mention": {"externalChannelId": "UC2"}})
    )
    quoted = text.replace('"', '""')
    head = (
        "Comment ID,Channel ID,Comment create timestamp,Price,Parent comment ID,Post ID,Video ID,Comment text"
    )
    room = "Takeout/YouTube and YouTube Music"
    return {
        f"{room}/history/watch-history.json": [entry],
        f"{room}/history/watch-history.html": f'<html><body><div class="mdl-grid">{cell}</div></body></html>',
        f"{room}/comments/comments.csv": f'{head}\nUgz1,UC7,2021-01-15T18:54:12.1+00:00,0,,,v1,"{quoted}"\n',
    }


def _repository(folder: Path) -> dict[str, bytes]:
    """A work tree with its .git: one commit of the owner's and a comment in its code."""
    work = folder / "moss"
    work.mkdir(parents=True)
    (work / "moss.py").write_text(f'"""Waters the moss. {SAID}"""\n\n# {SAID}\nx = 1\n')
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _SIGNED.items()}
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["commit", "-q", "-m", f"Water it\n\n{SAID}"],
    ):
        subprocess.run(["git", *command], cwd=work, env=nobody | who, check=True, capture_output=True)
    files = (file for file in work.rglob("*") if file.is_file() and ".git/hooks/" not in file.as_posix())
    return {file.relative_to(work).as_posix(): file.read_bytes() for file in files}


_SIGNED = {"NAME": "Ola Brandt", "EMAIL": "ola@example.org", "DATE": f"{DAY}+0000"}
