"""A Google Drive of our own, and the place that exchanges a refresh token for one that lasts an hour."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from api_server import ApiServer

Json = dict[str, Any]
DOCUMENT = "application/vnd.google-apps.document"


class DriveServer(ApiServer):
    def __init__(self, page: int = 100) -> None:
        super().__init__()
        self.page = page
        self.files: dict[str, Json] = {}
        self.words: dict[str, str] = {}
        self.changes: list[Json] = []
        self.forgotten = 0  # tokens below are too old
        self.tokens = 0
        self.valid: set[str] = set()
        self.withdrawn = False

    def write(self, file_id: str, words: str, *, day: int = 1, **more: Any) -> Json:
        file = self.files.get(file_id) or {
            "id": file_id,
            "mimeType": DOCUMENT,
            "createdTime": f"2026-03-{day:02}T10:00:00.000Z",
            "ownedByMe": True,
            "trashed": False,
        }
        file |= {"modifiedTime": f"2026-03-{day:02}T11:00:00.000Z", **more}
        self.files[file_id], self.words[file_id] = file, words
        self.changes.append({"changeType": "file", "removed": False, "fileId": file_id, "file": file})
        return file

    def remove(self, file_id: str) -> None:
        del self.files[file_id]
        self.changes.append({"changeType": "file", "removed": True, "fileId": file_id})

    def trash(self, file_id: str) -> None:
        self.files[file_id]["trashed"] = True
        self.changes.append(
            {"changeType": "file", "removed": False, "fileId": file_id, "file": self.files[file_id]}
        )

    def expire(self) -> None:
        """An hour has passed."""
        self.valid.clear()

    def lets_in(self, request: web.Request) -> bool:
        return request.path == "/token" or request.headers.get("Authorization", "")[7:] in self.valid

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/token", self._token),
            web.get("/drive/v3/changes/startPageToken", self._start),
            web.get("/drive/v3/changes", self._changes),
            web.get("/drive/v3/files", self._files),
            web.get("/drive/v3/files/{id}/export", self._export),
        ]

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["grant_type"] == "refresh_token"
        assert (form["client_id"], form["client_secret"]) == ("the-client", "the-secret")
        if self.withdrawn or form["refresh_token"] != "the-key":
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.tokens += 1
        self.valid.add(f"access-{self.tokens}")
        return web.json_response({"access_token": f"access-{self.tokens}", "expires_in": 3599})

    async def _start(self, request: web.Request) -> web.Response:
        return web.json_response({"startPageToken": str(len(self.changes))})

    async def _changes(self, request: web.Request) -> web.Response:
        start = int(request.query["pageToken"])
        if start < self.forgotten:
            return web.json_response({"error": {"errors": [{"reason": "invalid"}]}}, status=400)
        found = self.changes[start : start + self.page]
        end = start + len(found)
        key = "nextPageToken" if end < len(self.changes) else "newStartPageToken"
        return web.json_response({"changes": found, key: str(end)})

    async def _files(self, request: web.Request) -> web.Response:
        assert DOCUMENT in request.query["q"]
        start = int(request.query.get("pageToken", 0))
        found = [file for file in self.files.values() if file["mimeType"] == DOCUMENT and not file["trashed"]]
        body: Json = {"files": found[start : start + self.page]}
        if start + self.page < len(found):
            body["nextPageToken"] = str(start + self.page)
        return web.json_response(body)

    async def _export(self, request: web.Request) -> web.Response:
        assert request.query["mimeType"] == "text/markdown"
        words = self.words.get(request.match_info["id"])
        if words is None:
            return web.json_response({"error": {"errors": [{"reason": "notFound"}]}}, status=404)
        return web.Response(body=words.encode("utf-8-sig"), content_type="text/markdown")
