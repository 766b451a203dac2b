"""A GitHub of our own: search, threads, events; pages by Link, ETags, and its two kinds of limits."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from api_server import ApiServer

Json = dict[str, Any]
PER_SEARCH = 1_000


def at(day: int, minute: int = 0) -> str:
    return f"{datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(days=day, minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


class GithubServer(ApiServer):
    def __init__(self, page: int = 100) -> None:
        super().__init__()
        self.page = page  # what a page holds at most, whatever is asked for
        self.issues: list[Json] = []
        self.said: dict[str, list[Json]] = {}  # by the path that lists it
        self.commits: list[Json] = []
        self.events: list[Json] = []
        self.private: set[str] = set()
        self._ids = 100

    def issue(
        self,
        repository: str,
        number: int,
        body: str,
        *,
        day: int = 0,
        minute: int = 0,
        by: str = "mira",
        pull: bool = False,
    ) -> Json:
        issue = {
            "id": self._id(),
            "number": number,
            "title": f"Title {number}",
            "body": body,
            "user": {"login": by, "type": "User"},
            "created_at": at(day, minute),
            "updated_at": at(day, minute),
            "html_url": f"https://github.com/{repository}/issues/{number}",
            "repository_url": f"{self.url}/repos/{repository}",
        }
        if pull:
            issue["pull_request"] = {}
        self.issues.append(issue)
        return issue

    def comment(
        self,
        issue: Json,
        body: str | None,
        *,
        day: int = 0,
        minute: int = 1,
        by: str | None = "mira",
        part: str = "issues/{}/comments",
    ) -> Json:
        comment = {
            "id": self._id(),
            "body": body,
            "user": {"login": by, "type": "Bot" if by == "helper[bot]" else "User"} if by else None,
            "created_at": at(day, minute),
            "updated_at": at(day, minute),
        }
        self.said.setdefault(self._path(issue, part), []).append(comment)
        issue["updated_at"] = max(issue["updated_at"], at(day, minute))
        return comment

    def edit(self, issue: Json, comment: Json, body: str, day: int) -> None:
        comment |= {"body": body, "updated_at": at(day)}
        issue["updated_at"] = at(day)

    def delete(self, issue: Json, comment: Json) -> None:
        self.said[self._path(issue, "issues/{}/comments")].remove(comment)

    def commit(
        self, repository: str, message: str, *, day: int = 0, by: str = "mira", minute: int = 0
    ) -> Json:
        commit = {
            "sha": hashlib.sha1(f"{repository}{message}{day}{minute}".encode()).hexdigest(),
            "author": {"login": by, "type": "User"},
            "commit": {
                "message": message,
                "author": {"date": at(day, minute)},
                "committer": {"date": at(day, minute)},
            },
            "repository": {"full_name": repository, "private": repository in self.private},
            "parents": [{}],
        }
        self.commits.append(commit)
        return commit

    def _id(self) -> int:
        self._ids += 1
        return self._ids

    @staticmethod
    def _path(issue: Json, part: str) -> str:
        return (
            "/repos/" + issue["repository_url"].partition("/repos/")[2] + "/" + part.format(issue["number"])
        )

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/search/issues", self._search_issues),
            web.get("/search/commits", self._search_commits),
            web.get("/users/mira/events", self._events),
            web.get("/repos/{owner}/{name}", self._repository),
            web.get(
                r"/repos/{owner}/{name}/{kind:issues|pulls}/{number}/{part:comments|reviews}", self._said
            ),
        ]

    async def _search_issues(self, request: web.Request) -> web.Response:
        query = re.fullmatch(r"is:(issue|pull-request) involves:mira updated:>=(\S+)", request.query["q"])
        assert query, request.query["q"]
        pulls = query[1] == "pull-request"
        found = [one for one in self.issues if ("pull_request" in one) == pulls]
        found = [one for one in found if str(one.get("updated_at")) >= query[2]]
        found = [one for one in found if self._involves(one)]
        return self._results(request, sorted(found, key=lambda one: str(one.get("updated_at"))))

    def _involves(self, issue: Json) -> bool:
        if "repository_url" not in issue:
            return True
        kinds = ("issues/{}/comments", "pulls/{}/comments", "pulls/{}/reviews")
        everybody = [issue, *(one for kind in kinds for one in self.said.get(self._path(issue, kind), []))]
        return any(
            isinstance(one, dict) and (one.get("user") or {}).get("login") == "mira" for one in everybody
        )

    async def _search_commits(self, request: web.Request) -> web.Response:
        query = re.fullmatch(r"author:mira committer-date:>=(\S+)", request.query["q"])
        assert query, request.query["q"]
        found = [one for one in self.commits if one["commit"]["committer"]["date"] >= query[1]]
        return self._results(request, sorted(found, key=lambda one: one["commit"]["committer"]["date"]))

    def _results(self, request: web.Request, found: list[Json]) -> web.Response:
        shown, headers = self._slice(request, found[:PER_SEARCH])
        body = {"total_count": len(found), "incomplete_results": False, "items": shown}
        return web.json_response(body, headers=headers)

    async def _repository(self, request: web.Request) -> web.Response:
        name = "{owner}/{name}".format(**request.match_info)
        return web.json_response({"full_name": name, "private": name in self.private})

    async def _said(self, request: web.Request) -> web.Response:
        return self._listing(request, self.said.get(request.path, []))

    async def _events(self, request: web.Request) -> web.Response:
        return self._listing(request, self.events[:300])

    def _listing(self, request: web.Request, everything: list[Json]) -> web.Response:
        etag = '"' + hashlib.sha1(json.dumps(everything).encode()).hexdigest() + '"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        shown, headers = self._slice(request, everything)
        return web.json_response(shown, headers={**headers, "ETag": etag})

    def _slice(self, request: web.Request, everything: list[Json]) -> tuple[list[Json], dict[str, str]]:
        size = min(self.page, int(request.query.get("per_page", 30)))
        number = int(request.query.get("page", 1))
        shown = everything[size * (number - 1) : size * number]
        if size * number >= len(everything):
            return shown, {}
        following = request.url.update_query(page=number + 1)
        return shown, {"Link": f'<{following}>; rel="next", <{following}>; rel="last"'}
