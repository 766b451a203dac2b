"""What did the owner write on GitHub? Issues, pull requests, comments, reviews, releases, commit messages.

Four containers. "issues" and "pulls": those that involve the owner, found by search in the order of their
last change, each with its comments. The search leads straight to where the owner takes part, so nobody reads
all comments of a huge repository for a single one of theirs. "commits": search by author. "events": the feed
of the last 30 days, which alone has comments on commits and releases.

Ids: ("git", sha) for a commit, the same record as from a clone of the repository; for everything else
("github", "issue" | "comment" | "review" | "review_comment" | "commit_comment" | "release", GitHub's number).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ingest.api_client import Answer, Api, ApiBroken, ApiForbidden, Sleep, open_client
from ingest.api_source import ApiSource, Item, Position, Reached, Reading, Scanned, contained
from ingest.drift import known
from ingest.source import OWNER, Person, place
from ingest.sync_settings import SyncSettings
from ingest.values import as_dict, as_id, as_list, as_text, from_iso
from storage.records import Kind, Record, Skipped, stable_id

_QUOTED = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TRAILER = re.compile(r"^(?:[A-Z][A-Za-z-]*-by|Cc|Change-Id): ?.*$", re.MULTILINE)
_BY_PROGRAM = re.compile(r"Merge (?:branch|pull request|remote|tag|commit)\b|Revert \"|Bump \S+ from \S+ to ")
_REPOSITORY = re.compile(r"/repos/([\w.-]+/[\w.-]+)")
_FIRST = "2008-01-01T00:00:00Z"  # before GitHub
_PAGE = 100
_ADVICE = "Make a new token and put it into TWIN_SYNC__GITHUB_TOKEN; docs/sync.md says how."
PARTS = {  # of a thread: below which path, under which name there, and what we call one
    "issues": (("issues", "comments", "comment"),),
    "pulls": (
        ("issues", "comments", "comment"),
        ("pulls", "comments", "review_comment"),
        ("pulls", "reviews", "review"),
    ),
}

_LINKS = (
    "url html_url issue_url node_id id user created_at updated_at author_association body body_text body_html"
)
_KNOWN = {
    "issue": known(
        f"{_LINKS} repository_url repository labels_url comments_url events_url timeline_url number"
        " title labels state state_reason locked active_lock_reason assignee assignees milestone"
        " comments closed_at closed_by draft pull_request performed_via_github_app reactions score"
        " text_matches type sub_issues_summary parent_issue_url issue_dependencies_summary"
        " issue_field_values pinned_comment"
    ),
    "comment": known(f"{_LINKS} performed_via_github_app reactions pin minimized"),
    "review_comment": known(
        f"{_LINKS} pull_request_review_id diff_hunk path position original_position commit_id"
        " original_commit_id in_reply_to_id pull_request_url _links start_line original_start_line"
        " start_side line original_line side subject_type reactions"
    ),
    "review": known(f"{_LINKS} state pull_request_url _links submitted_at commit_id"),
    "commit_comment": known(f"{_LINKS} position line path commit_id reactions"),
    "release": known(
        f"{_LINKS} assets_url upload_url tarball_url zipball_url discussion_url tag_name"
        " target_commitish name draft prerelease immutable published_at author assets reactions"
        " mentions_count is_short_description_html_truncated short_description_html"
    ),
    "commit": known(
        "url sha node_id html_url comments_url commit author committer parents repository score text_matches"
        " stats files"
    ),
}


def github(settings: SyncSettings, sleep: Sleep) -> ApiSource:
    return ApiSource("github", partial(_read, settings, sleep))


async def _read(settings: SyncSettings, sleep: Sleep, reading: Reading) -> AsyncIterator[Item]:
    assert settings.github_token
    keys = {
        "Authorization": f"Bearer {settings.github_token.get_secret_value()}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    async with open_client() as client:
        api = Api(client, "GitHub", settings.github_url, keys=keys, advice=_ADVICE, sleep=sleep)
        mine = _Mine(api, reading, settings.github_repositories)
        containers: dict[str, Callable[[Position], AsyncIterator[Item]]] = {
            "issues": partial(mine.threads, "issues", "is:issue"),
            "pulls": partial(mine.threads, "pulls", "is:pull-request"),
            "commits": mine.commits,
            "events": mine.events,
        }
        for name, items in containers.items():
            async for item in contained(name, reading.at(name), items(reading.at(name))):
                yield item


class _Mine:
    """Whatever is by the owner's accounts; `login` is the first of them."""

    def __init__(self, api: Api, reading: Reading, repositories: list[str]) -> None:
        self._api, self._reading, self._repositories = api, reading, repositories
        logins = reading.owner.accounts.get("github", ())
        self._login, self._logins = logins[0], {login.lower() for login in logins}
        self._public: dict[str, bool] = {}

    # issues and pull requests, with what was said in them

    async def threads(self, container: str, only: str, before: Position) -> AsyncIterator[Item]:
        etags: dict[str, str] = dict(before.get("etags", {}))
        fresh: dict[str, str] = {}
        newest = before.get("updated", "")
        since = _earlier(newest, self._reading.rescan)
        query = f"{only} involves:{self._login} updated:>="
        async for issue, updated in self._found("/search/issues", query, "updated", since, _updated):
            if isinstance(issue, Skipped):
                yield issue
                continue
            try:
                async for item in self._thread(container, issue, etags, fresh):
                    yield item
            except ApiForbidden as refused:  # this one; the others can be read
                yield Skipped(place(container, as_id(issue.get("id")) or "?"), str(refused))
            newest = max(updated, newest)
            yield Reached(container, {"updated": newest, "etags": {**etags, **fresh}})
        yield Reached(container, {"updated": newest or since, "etags": fresh})

    async def _thread(
        self, container: str, issue: dict[str, Any], etags: dict[str, str], fresh: dict[str, str]
    ) -> AsyncIterator[Item]:
        repository, number, issue_id = _repository(issue), as_id(issue.get("number")), as_id(issue.get("id"))
        if not repository or not number or not issue_id:
            yield Skipped(place(container, issue_id or "?"), "no repository, number and id")
            return
        if self._repositories and repository not in self._repositories:
            return
        about = f"{repository}#{number}"
        audience = "public" if await self._is_public(repository) else "owner"
        self._reading.drift.look("issue", issue, _KNOWN["issue"])
        for item in self._own(_by(issue, "issue", _title_and_body(issue), about, audience), issue):
            yield item
        present, whole = {_record_id("issue", issue_id)}, True
        for kind, part, name in PARTS[container]:
            listing = f"/repos/{repository}/{kind}/{number}/{part}"
            etag = etags.get(listing) if len(PARTS[container]) == 1 else None
            pages = [page async for page in self._pages(listing, etag)]
            if pages[0].status == 304 and etag:  # nothing came, changed or went
                fresh[listing] = etag
                return
            if len(pages) == 1 and (etag := pages[0].headers.get("etag")):
                fresh[listing] = etag
            for comment in (as_dict(one) for page in pages for one in as_list(page.body)):
                self._reading.drift.look(name, comment, _KNOWN[name])
                comment_id = as_id(comment.get("id"))
                whole = whole and comment_id is not None
                present.add(_record_id(name, comment_id or "?"))
                made = _by(comment, name, as_text(comment.get("body")), about, audience)
                for item in self._own(made, comment):
                    yield item
        if whole and (opened := from_iso(issue.get("created_at"))):
            yield Scanned(about, opened, self._reading.began, frozenset(present), f"github:{about}")

    async def _is_public(self, repository: str) -> bool:
        if repository not in self._public:
            try:
                about = as_dict((await self._api.get(f"/repos/{repository}")).body)
            except ApiForbidden:
                about = {}
            self._public[repository] = about.get("private") is False
        return self._public[repository]

    # commits

    async def commits(self, before: Position) -> AsyncIterator[Item]:
        newest, count = before.get("committed", ""), 0
        since = _earlier(newest, self._reading.rescan)
        query = f"author:{self._login} committer-date:>="
        found = self._found("/search/commits", query, "committer-date", since, _committed)
        async for commit, committed in found:
            if isinstance(commit, Skipped):
                yield commit
                continue
            if not self._repositories or _repository(commit) in self._repositories:
                self._reading.drift.look("commit", commit, _KNOWN["commit"])
                for item in self._own(_commit(commit), commit):
                    yield item
            newest, count = max(newest, committed), count + 1
            if count % _PAGE == 0:
                yield Reached("commits", {"committed": newest})
        yield Reached("commits", {"committed": newest or since})

    # the feed

    async def events(self, before: Position) -> AsyncIterator[Item]:
        path, etag = f"/users/{self._login}/events", before.get("etag")
        pages = [page async for page in self._pages(path, etag)]
        if pages[0].status == 304:
            return
        for event in (as_dict(one) for page in pages for one in as_list(page.body)):
            repository, payload = (
                as_text(as_dict(event.get("repo")).get("name")),
                as_dict(event.get("payload")),
            )
            name = {"CommitCommentEvent": "commit_comment", "ReleaseEvent": "release"}.get(
                as_text(event.get("type"))
            )
            what = as_dict(payload.get("release" if name == "release" else "comment"))
            if not name or (self._repositories and repository not in self._repositories):
                continue  # pushes, stars; and what the threads have in full
            self._reading.drift.look(name, what, _KNOWN[name])
            text = _title_and_body(what) if name == "release" else as_text(what.get("body"))
            audience = "public" if event.get("public") is True else "owner"
            thread = f"{repository}@{as_text(what.get('commit_id') or what.get('tag_name'))[:40]}"
            for item in self._own(_by(what, name, text, thread, audience), what):
                yield item
        yield Reached("events", {"etag": pages[0].headers.get("etag", "")})

    # asking

    async def _found(
        self, path: str, query: str, sort: str, since: str, when: Callable[[dict[str, Any]], str]
    ) -> AsyncIterator[tuple[dict[str, Any] | Skipped, str]]:
        """All that a search finds, oldest change first.

        Search gives at most 1,000 results, and one that changes meanwhile moves to the end and shifts the
        others. So the next page is asked for by time, and by its number only where a whole page has one time.
        """
        seen: set[tuple[str, str]] = set()
        following: str | None = None
        while True:
            params = {"q": f"{query}{since}", "sort": sort, "order": "asc", "per_page": _PAGE}
            answer = await (self._api.get(following) if following else self._api.get(path, params))
            body = as_dict(answer.body)
            if body.get("incomplete_results") is True:
                raise ApiBroken("GitHub could not finish its search; the next run asks again")
            items, last = as_list(body.get("items")), ""
            for number, item in enumerate(items):
                at = when(as_dict(item))
                if not at:
                    yield Skipped(place(path, number), "no time on it"), since
                    continue
                last = max(last, at)
                key = (str(as_dict(item).get("id") or as_dict(item).get("sha")), at)
                if key not in seen:
                    seen.add(key)
                    yield as_dict(item), at
            if not answer.next:
                return
            following = answer.next if last <= since else None
            since = max(last, since)

    async def _pages(self, path: str, etag: str | None) -> AsyncIterator[Answer]:
        headers = {"If-None-Match": etag} if etag else {}
        answer = await self._api.get(path, {"per_page": _PAGE}, headers=headers)
        yield answer
        while answer.next:
            answer = await self._api.get(answer.next)
            yield answer

    def _own(self, record: Record | Skipped, item: dict[str, Any]) -> Iterator[Item]:
        """The record if the owner wrote it; otherwise who did, so that their name is known and hidden."""
        user = as_dict(item.get("user") or item.get("author"))
        login = as_text(user.get("login"))
        where = record.where if isinstance(record, Skipped) else record.origin
        if login.lower() in self._logins:
            yield record
        elif not login or user.get("type") == "Bot":
            yield Skipped(where, "written by a bot, or by nobody any more", failed=False)
        else:
            yield Person(f"github:{login.lower()}", (), (login,))
            yield Skipped(where, "somebody else's", failed=False)


def _by(item: dict[str, Any], name: str, text: str, thread: str, audience: str) -> Record | Skipped:
    number = as_id(item.get("id"))
    where = place(thread, f"{name}-{number or '?'}")
    at = from_iso(item.get("created_at") or item.get("submitted_at") or item.get("published_at"))
    if not number or at is None:
        return Skipped(where, "no time that can be read" if number else "no id")
    text = _QUOTED.sub("", _COMMENT.sub("", text.replace("\r\n", "\n"))).strip()
    if not text:
        return Skipped(where, "no words in it", failed=False)
    edited = from_iso(item.get("updated_at"))
    answered = as_id(item.get("in_reply_to_id"))
    return Record(
        id=_record_id(name, number),
        source="github",
        kind=Kind.POST if name in ("issue", "release") else Kind.COMMENT,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"github:{thread}",
        said_at=at,
        text=text,
        reply_to=_record_id(name, answered) if answered else None,
        tags=("technical",),
        audience=audience,
        origin=where,
        edited_at=edited if name != "issue" and edited and edited > at else None,
    )


def _commit(item: dict[str, Any]) -> Record | Skipped:
    sha, commit = as_text(item.get("sha")), as_dict(item.get("commit"))
    where = place("commits", sha[:12] or "?")
    at = from_iso(as_dict(commit.get("author")).get("date"))
    if not re.fullmatch(r"[0-9a-f]{40,64}", sha) or at is None:
        return Skipped(where, "no sha and time")
    message = as_text(commit.get("message")).replace("\r\n", "\n").strip()
    if _BY_PROGRAM.match(message) or len(as_list(item.get("parents"))) > 1:
        return Skipped(where, "a message written by a program", failed=False)
    text = _TRAILER.sub("", message).strip()
    if not text:
        return Skipped(where, "no words in it", failed=False)
    repository = as_dict(item.get("repository"))
    return Record(
        id=stable_id("git", sha),
        source="github",
        kind=Kind.COMMIT,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"github:{_repository(item) or 'unknown'}",
        said_at=at,
        text=text,
        tags=("technical",),
        audience="public" if repository.get("private") is False else "owner",
        origin=where,
    )


def _record_id(name: str, number: str) -> str:
    return stable_id("github", name, number)


def _repository(item: dict[str, Any]) -> str:
    """owner/name, of an issue or of a commit."""
    found = _REPOSITORY.search(as_text(item.get("repository_url")))
    return found[1] if found else as_text(as_dict(item.get("repository")).get("full_name"))


def _title_and_body(item: dict[str, Any]) -> str:
    title = as_text(item.get("title") or item.get("name")).strip()
    return "\n\n".join(part for part in (title, as_text(item.get("body")).strip()) if part)


def _updated(issue: dict[str, Any]) -> str:
    return _utc(from_iso(issue.get("updated_at")))


def _committed(item: dict[str, Any]) -> str:
    return _utc(from_iso(as_dict(as_dict(item.get("commit")).get("committer")).get("date")))


def _earlier(at: str | None, by: timedelta) -> str:
    when = from_iso(at)
    return _utc(when - by) if when and when.year > 2008 else _FIRST


def _utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""
