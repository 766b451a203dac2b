"""What did the owner write in Google Docs? Their own documents, as Markdown, kept up with by Drive's changes.

One container, "documents". The first time: note where the list of changes ends, then list all documents. From
then on only the changes are read, which say outright what was removed. No API says which words in a document
are whose, so documents of other people are left out whole, and comments are never exported.

Ids: ("google_docs", Drive's file id), as from a Takeout that has the -info.json files.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from ingest.api_client import (
    Api,
    ApiBroken,
    ApiForbidden,
    ApiRefused,
    ApiRejected,
    Keys,
    Sleep,
    open_client,
)
from ingest.api_source import ApiSource, Gone, Item, Position, Reached, Reading, contained
from ingest.drift import Drift, known
from ingest.markdown import plain
from ingest.source import OWNER, Person, place
from ingest.sync_settings import SyncSettings
from ingest.values import as_dict, as_list, as_text, from_iso
from storage.records import Kind, Record, Skipped, stable_id

_DOCUMENT = "application/vnd.google-apps.document"
_EDITOR = "lastModifyingUser(displayName,permissionId,me)"
_FILE = f"id,mimeType,createdTime,modifiedTime,ownedByMe,trashed,{_EDITOR}"
_ADVICE = "Make a new refresh token and put it into TWIN_SYNC__GOOGLE_REFRESH_TOKEN; docs/sync.md says how."
_WRAPPED = re.compile(
    r"https?://(?:www\.)?google\.com/url\?(?:[^\s<>\")]{0,500}?&)?q=([^&\s<>\")]++)[^\s<>\")]*+"
)

_KNOWN = known(  # no more than what is asked for
    "id mimeType createdTime modifiedTime ownedByMe trashed",
    lastModifyingUser=known("displayName permissionId me"),
)


def google_docs(settings: SyncSettings, sleep: Sleep) -> ApiSource:
    return ApiSource("google_docs", partial(_read, settings, sleep))


async def _read(settings: SyncSettings, sleep: Sleep, reading: Reading) -> AsyncIterator[Item]:
    async with open_client() as client:
        accounts = Api(client, "Google", settings.google_token_url, advice=_ADVICE, sleep=sleep)
        renew = partial(_access, accounts, settings)
        api = Api(client, "Google Drive", settings.google_url, renew=renew, advice=_ADVICE, sleep=sleep)
        before = reading.at("documents")
        async for item in contained("documents", before, _Drive(api, reading.drift).documents(before)):
            yield item


async def _access(accounts: Api, settings: SyncSettings) -> Keys:
    """A key for the next hour, in exchange for the one that lasts."""
    assert settings.google_client_secret
    assert settings.google_refresh_token
    form = {
        "grant_type": "refresh_token",
        "client_id": settings.google_client_id,
        "client_secret": settings.google_client_secret.get_secret_value(),
        "refresh_token": settings.google_refresh_token.get_secret_value(),
    }
    try:
        answer = await accounts.ask("POST", "", form=form)
    except ApiRejected:  # invalid_grant: withdrawn, or a week old and of an app in testing
        raise ApiRefused(f"Google no longer accepts the refresh token. {_ADVICE}") from None
    token = as_text(as_dict(answer.body).get("access_token"))
    if not token:
        raise ApiBroken("Google gave no access token")
    return {"Authorization": f"Bearer {token}"}


class _Drive:
    def __init__(self, api: Api, drift: Drift) -> None:
        self._api, self._drift = api, drift

    async def documents(self, before: Position) -> AsyncIterator[Item]:
        token = before.get("changes")
        if not token:
            token = before.get("start") or await self._start()
            async for item in self._all(token, before.get("page")):
                yield item
            yield Reached("documents", {"changes": token})
        try:
            async for item in self._changes(token):
                yield item
        except ApiRejected:  # the token is too old to go on from: everything once more
            yield Reached("documents", {})
            async for item in self.documents({}):
                yield item

    async def _start(self) -> str:
        answer = await self._api.get("/drive/v3/changes/startPageToken")
        if not (token := as_text(as_dict(answer.body).get("startPageToken"))):
            raise ApiBroken("Google Drive does not say where its changes begin")
        return token

    async def _all(self, start: str, page: str | None) -> AsyncIterator[Item]:
        params = {
            "q": f"mimeType = '{_DOCUMENT}' and 'me' in owners and trashed = false",
            "fields": f"nextPageToken,files({_FILE})",
            "pageSize": 100,
            "orderBy": "createdTime",
        }
        while True:
            body = as_dict((await self._list(params, page)).body)
            for number, file in enumerate(as_list(body.get("files"))):
                async for item in self._document(as_dict(file), number):
                    yield item
            page = as_text(body.get("nextPageToken"))
            if not page:
                return
            yield Reached("documents", {"start": start, "page": page})

    async def _list(self, params: Mapping[str, Any], page: str | None) -> Any:
        if page:
            try:
                return await self._api.get("/drive/v3/files", {**params, "pageToken": page})
            except ApiRejected:
                pass  # too old: the list from its beginning
        return await self._api.get("/drive/v3/files", params)

    async def _changes(self, token: str) -> AsyncIterator[Item]:
        fields = f"nextPageToken,newStartPageToken,changes(changeType,removed,fileId,file({_FILE}))"
        while True:
            params = {"pageToken": token, "pageSize": 100, "includeRemoved": "true", "fields": fields}
            body = as_dict((await self._api.get("/drive/v3/changes", params)).body)
            for number, change in enumerate(map(as_dict, as_list(body.get("changes")))):
                file, file_id = as_dict(change.get("file")), as_text(change.get("fileId"))
                if file_id and (change.get("removed") is True or file.get("trashed") is True):
                    yield Gone(_record_id(file_id))
                elif file.get("mimeType") == _DOCUMENT:
                    async for item in self._document(file, number):
                        yield item
            following = as_text(body.get("nextPageToken"))
            token = following or as_text(body.get("newStartPageToken"))
            if not token:
                raise ApiBroken("Google Drive does not say how its changes go on")
            yield Reached("documents", {"changes": token})
            if not following:
                return

    async def _document(self, file: dict[str, Any], number: int) -> AsyncIterator[Item]:
        self._drift.look("file", file, _KNOWN)
        file_id, made = as_text(file.get("id")), from_iso(file.get("createdTime"))
        where = place("documents", file_id or f"? {number}")
        if not file_id or made is None:
            yield Skipped(where, "no id and time")
            return
        if file.get("ownedByMe") is not True:
            yield Skipped(where, "somebody else's document", failed=False)
            return
        editor = as_dict(file.get("lastModifyingUser"))
        key, name = as_text(editor.get("permissionId")), as_text(editor.get("displayName"))
        if key and name and editor.get("me") is not True:
            yield Person(f"google:{key}", (name,))
        try:
            path = f"/drive/v3/files/{file_id}/export"
            answer = await self._api.get(path, {"mimeType": "text/markdown"}, as_text=True)
        except ApiForbidden as refused:
            too_large = refused.reason == "exportSizeLimitExceeded"
            yield Skipped(where, "larger than Google exports (10 MB)" if too_large else str(refused))
            return
        words = plain(str(answer.body or "")).strip()
        if not words:
            yield Skipped(where, "no words in it", failed=False)
            return
        edited = from_iso(file.get("modifiedTime"))
        yield Record(
            id=_record_id(file_id),
            source="google_docs",
            kind=Kind.NOTE,
            author_id=OWNER,
            by_owner=True,
            thread_id="google_docs",
            said_at=made,
            text=_WRAPPED.sub(lambda found: unquote(found[1]), words),
            audience="owner",
            origin=where,
            edited_at=edited if edited and edited > made else None,
        )


def _record_id(file_id: str) -> str:
    return stable_id("google_docs", file_id)
