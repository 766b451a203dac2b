"""What does each page show while it waits, when it was refused, when there is nothing, when offline?"""

from __future__ import annotations

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from dashboard_quick import QuickTwin
from playwright.sync_api import Route, expect

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
PROBLEM = {"title": "Not found", "status": 404, "detail": "it was made to fail"}
PAGES = {  # what each asks for first, and what it says when there is nothing
    "chat": (r"/api/conversations\?", "Say hello"),
    "inbox": (r"/api/replies\?", "Everything is labelled"),
    "models": (r"/api/adapters\?", "Nothing was learned yet"),
    "training": (r"/api/runs\?", "Nothing ran yet"),
    "data": (r"/api/sources$", "Nothing was read yet"),
    "people": (r"/api/people\?", "Nobody yet"),
    "pulse": (r"/api/pulse\?", "Nothing was said in this time"),
}


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory):
    """Nothing was ever said to this one."""
    twin = QuickTwin(tmp_path_factory.mktemp("empty"))
    twin.start()
    yield twin
    twin.close()


@pytest.fixture(scope="module")
def context(browser, signed_in):
    context = browser.context(state=signed_in)
    yield context
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_waits_for_what_went_wrong_and_what_is_not_there(context, browser, name):
    asked_for, nothing = PAGES[name]
    page = browser.page(context)
    held: list[Route] = []
    page.route(re.compile(asked_for), lambda route: held.append(route))
    with page.expect_request(re.compile(asked_for)):
        page.goto(f"/{name}/")
    expect(page.locator("main [aria-busy=true]").first).to_be_visible()
    page.wait_for_function("() => document.readyState === 'complete'")
    refused = json.dumps(PROBLEM)
    while not held:  # the request is told before it is handed over
        page.wait_for_timeout(10)
    for route in held:
        route.fulfill(status=404, content_type="application/problem+json", body=refused)
    page.unroute(re.compile(asked_for))
    alert = page.get_by_role("alert").filter(has_text="it was made to fail")
    expect(alert).to_be_visible()
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_text(nothing)).to_be_visible()
    expect(alert).to_be_hidden()

    page.wait_for_function("() => !document.querySelector('main [aria-busy=true]')")
    wrong = Axe().run(page, options=RULES).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in wrong] == []
    context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    expect(page.get_by_text(nothing)).to_be_visible()
    context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_be_hidden()
    page.close()
    assert browser.wrong == []
