"""Is what the owner wrote on GitHub read once, whole and politely?"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from api_server import Home, Naps, answers, cut, running, text
from github_server import GithubServer, at
from pydantic import SecretStr

from ingest.apis.github import github
from ingest.source import Owner
from ingest.sync_settings import SyncSettings
from storage.database import Database
from storage.records import Kind, stable_id

OWNER = Owner("Mira Vale", accounts={"github": ("mira",)})


@pytest.fixture
async def hub() -> AsyncIterator[GithubServer]:
    async with running(GithubServer()) as server:
        yield server


@pytest.fixture
def home(sqlite_database: Database, tmp_path: Path) -> Home:
    return Home(sqlite_database, tmp_path, OWNER)


def source(hub: GithubServer, naps: Naps | None = None, **more: Any):
    settings = SyncSettings(github_token=SecretStr("the-key"), github_url=hub.url, **more)
    return github(settings, naps or Naps())


async def test_everything_the_owner_wrote_comes_in_and_nobody_elses_words(
    hub: GithubServer, home: Home
) -> None:
    bug = hub.issue("ann/tool", 7, "It crashes.\r\n<!-- a template -->\r\n> quoted\r\nFor me.")
    hub.comment(bug, "Mine, too", by="ann", minute=2)
    hub.comment(bug, "Thanks @ann, fixed", minute=3)
    hub.comment(bug, "A reminder", by="helper[bot]", minute=4)
    hub.comment(bug, "A ghost's words", by=None, minute=5)
    change = hub.issue("mira/garden", 3, "Adds beds", pull=True, day=1)
    hub.comment(change, "Why this line?", part="pulls/{}/comments", minute=6)
    hub.comment(change, "Looks good to me", part="pulls/{}/reviews", minute=7)
    hub.private.add("mira/garden")
    commit = hub.commit("mira/garden", "Dig the beds\n\nSigned-off-by: Mira <m@example.org>")
    hub.commit("mira/garden", "Merge branch 'main'")
    hub.events.append(
        {
            "type": "CommitCommentEvent",
            "public": True,
            "repo": {"name": "ann/tool"},
            "payload": {
                "comment": {
                    "id": 9,
                    "body": "Nice commit",
                    "created_at": at(2),
                    "commit_id": "abc",
                    "user": {"login": "mira"},
                }
            },
        }
    )
    hub.events.append({"type": "PushEvent", "public": True, "repo": {"name": "ann/tool"}, "payload": {}})
    report = await home.sync(source(hub))
    assert report.ledger.unknown == []
    kept = await home.by_text()
    assert report.troubles == []
    assert set(kept) == {
        "Title 7\n\nIt crashes.\n\nFor me.",
        next(one for one in kept if one.startswith("Thanks")),
        "Title 3\n\nAdds beds",
        "Why this line?",
        "Looks good to me",
        "Dig the beds",
        "Nice commit",
    }
    assert not any("ann" in one for one in kept)  # @ann is somebody, too
    assert kept["Dig the beds"].id == stable_id("git", commit["sha"])
    assert kept["Dig the beds"].kind is Kind.COMMIT
    assert kept["Title 3\n\nAdds beds"].audience == "owner"
    assert kept["Nice commit"].audience == "public"
    assert all(record.by_owner and record.tags[0] == "technical" for record in kept.values())
    assert report.ledger.dropped["somebody else's"] == 1


async def test_a_second_run_changes_nothing_and_asks_little(hub: GithubServer, home: Home) -> None:
    for number in range(1, 6):
        issue = hub.issue("mira/garden", number, "words", day=number)
        hub.comment(issue, f"comment {number}", day=number)
    first = await home.sync(source(hub))
    kept = await home.records.find()
    hub.asked.clear()
    second = await home.sync(source(hub))
    assert (first.ledger.kept, second.ledger.kept) == (10, 0)
    assert await home.records.find() == kept
    assert len(hub.asked) <= 10
    assert second.ledger.seen <= 5  # the comments were not sent again: 304


async def test_pages_are_all_read_however_many_share_one_time(hub: GithubServer, home: Home) -> None:
    hub.page = 3
    for number in range(1, 9):
        hub.issue("mira/garden", number, "words", minute=5 if 2 <= number <= 6 else number * 10)
    for number in range(10):
        hub.commit("mira/garden", f"Commit {number}", minute=number)
    report = await home.sync(source(hub))
    assert (report.ledger.kept, report.ledger.merged, report.troubles) == (18, 0, [])


async def test_more_than_a_search_shows_is_read_all_the_same(hub: GithubServer, home: Home) -> None:
    for number in range(1_150):
        hub.commit("mira/garden", f"Commit {number}", minute=number)
    report = await home.sync(source(hub))
    assert (report.ledger.kept, report.troubles) == (1_150, [])


async def test_edits_and_deletions_of_late_are_seen(hub: GithubServer, home: Home) -> None:
    issue = hub.issue("mira/garden", 1, "words", day=1)
    edited = hub.comment(issue, "first words", day=1, minute=1)
    deleted = hub.comment(issue, "taken back", day=1, minute=2)
    hub.comment(issue, "stays", day=1, minute=3)
    await home.sync(source(hub))
    hub.edit(issue, edited, "second words", day=2)
    hub.delete(issue, deleted)
    report = await home.sync(source(hub))
    assert sorted(await home.texts()) == ["Title 1\n\nwords", "second words", "stays"]
    assert report.deleted == 1
    assert (await home.by_text())["second words"].edited_at == datetime(2026, 3, 3, 9, tzinfo=UTC)


async def test_nothing_is_deleted_after_a_scan_with_a_hole_in_it(hub: GithubServer, home: Home) -> None:
    issue = hub.issue("mira/garden", 1, "words", day=1)
    comment = hub.comment(issue, "here before", day=1)
    hub.comment(issue, "and another", day=1, minute=2)
    await home.sync(source(hub))
    comment["id"] = "damaged"
    report = await home.sync(source(hub))
    assert report.deleted == 0
    assert report.ledger.failed["no id"] == 1
    assert "here before" in await home.texts()


async def test_malformed_items_are_counted_and_the_rest_is_kept(hub: GithubServer, home: Home) -> None:
    issue = hub.issue("mira/garden", 1, "words")
    path = "/repos/mira/garden/issues/1/comments"
    hub.said[path] = [None, "text", {"id": 5}, {"id": 6, "body": ["x"], "user": 7, "created_at": 8}]  # type: ignore[list-item]
    hub.comment(issue, "fine", minute=9)
    hub.issues.append({"id": 99, "updated_at": at(0), "user": {"login": "mira"}})
    hub.issues.append(
        {
            "updated_at": "yesterday",
            "repository_url": f"{hub.url}/repos/mira/garden",
            "number": 5,
            "user": {"login": "mira"},
        }
    )
    report = await home.sync(source(hub))
    assert sorted(await home.texts()) == ["Title 1\n\nwords", "fine"]
    assert report.ledger.failed["no repository, number and id"] == 1
    assert report.ledger.failed["no time on it"] == 1


async def test_a_used_up_limit_is_waited_for(hub: GithubServer, home: Home) -> None:
    hub.issue("mira/garden", 1, "words")
    naps = Naps()
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 40)}
    hub.fault("/search/issues", answers(403, {"message": "API rate limit exceeded"}, reset))
    hub.fault("/search/commits", answers(429, {"message": "slow down"}, {"Retry-After": "17"}))
    hub.fault("/events", answers(403, {"message": "You have exceeded a secondary rate limit"}))
    report = await home.sync(source(hub, naps))
    assert report.troubles == []
    assert [round(nap) for nap in naps.seconds if nap > 10] == pytest.approx([41, 17], abs=1)
    assert len(naps.seconds) >= 3


async def test_the_last_question_before_a_limit_waits_for_the_next(hub: GithubServer, home: Home) -> None:
    naps = Naps()
    body = {"items": [], "incomplete_results": False}
    last = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 30)}
    hub.fault("/search/issues", answers(200, body, last))
    await home.sync(source(hub, naps))
    assert max(naps.seconds) == pytest.approx(30, abs=2)


async def test_a_limit_beyond_our_patience_ends_the_run_and_keeps_the_position(
    hub: GithubServer, home: Home
) -> None:
    hub.issue("mira/garden", 1, "words")
    hub.fault("/search/commits", answers(429, {}, {"Retry-After": "3000"}))
    naps = Naps()
    report = await home.sync(source(hub, naps))
    assert "50 minutes" in report.troubles[0].why
    assert not report.well
    assert naps.seconds == []
    assert await home.texts() == ["Title 1\n\nwords"]
    assert (await home.sync(source(hub))).well


async def test_5xx_a_cut_connection_and_half_an_answer_are_tried_again(hub: GithubServer, home: Home) -> None:
    hub.issue("mira/garden", 1, "words")
    hub.fault("/search/issues", answers(502, {}), cut, text(200, "<html>a proxy speaks</html>"))
    naps = Naps()
    report = await home.sync(source(hub, naps))
    assert (report.ledger.kept, report.troubles) == (1, [])
    assert len(naps.seconds) == 3
    assert naps.seconds[0] < naps.seconds[2]


async def test_a_container_that_is_down_leaves_the_others_alone(hub: GithubServer, home: Home) -> None:
    hub.issue("mira/garden", 1, "words")
    hub.commit("mira/garden", "Dig")
    hub.fault("/search/issues", *[answers(500)] * 5)
    report = await home.sync(source(hub))
    assert [(one.container, one.known) for one in report.troubles] == [("issues", False)]
    assert await home.texts() == ["Dig"]
    assert await home.position("github", "issues") is None
    assert (await home.sync(source(hub))).ledger.kept == 1


async def test_a_thread_that_may_not_be_read_is_told_and_the_next_one_read(
    hub: GithubServer, home: Home
) -> None:
    hub.issue("ann/tool", 1, "closed to us")
    hub.comment(hub.issue("ann/tool", 2, "open", minute=2), "said", minute=3)
    hub.fault("/issues/1/comments", answers(403, {"message": "Resource not accessible"}))
    report = await home.sync(source(hub))
    assert "said" in await home.texts()
    assert [one for one in report.ledger.failed if "403" in one]


async def test_a_refused_key_is_told_with_what_to_do_and_never_shown(
    hub: GithubServer, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    hub.key = ("Authorization", "Bearer another-key")
    caplog.set_level("DEBUG")
    report = await home.sync(source(hub))
    assert len(report.troubles) == 1
    assert "TWIN_SYNC__GITHUB_TOKEN" in report.troubles[0].why
    assert hub.strangers == 1
    assert "the-key" not in caplog.text + str(report.as_json())


async def test_the_key_goes_to_no_other_server(hub: GithubServer, home: Home) -> None:
    async with running(GithubServer()) as stranger:
        link = {"Link": f'<{stranger.url}/search/issues?page=2>; rel="next"'}
        hub.fault("/search/issues", answers(200, {"items": []}, link))
        hub.fault("/search/commits", answers(302, {}, {"Location": f"{stranger.url}/search/commits"}))
        report = await home.sync(source(hub))
        assert stranger.asked == []
    assert [one.container for one in report.troubles] == ["issues", "commits"]


async def test_a_search_that_did_not_finish_moves_nothing_on(hub: GithubServer, home: Home) -> None:
    hub.fault("/search/issues", answers(200, {"items": [], "incomplete_results": True}))
    report = await home.sync(source(hub))
    assert "could not finish" in report.troubles[0].why
    assert await home.position("github", "issues") is None


async def test_only_the_repositories_that_were_named_are_read(hub: GithubServer, home: Home) -> None:
    hub.issue("mira/garden", 1, "words")
    hub.issue("ann/tool", 1, "elsewhere", minute=1)
    hub.commit("ann/tool", "Elsewhere")
    await home.sync(source(hub, github_repositories=["mira/garden"]))
    assert await home.texts() == ["Title 1\n\nwords"]
