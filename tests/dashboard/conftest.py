"""One service for all tests of the dashboard, and one browser for each file of them.

While Playwright is there, no test in this process can have an event loop: so it leaves with its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dashboard_service import DESK, Browser, Dashboard, come_in
from playwright.sync_api import Page, Playwright, expect, sync_playwright

expect.set_options(timeout=20_000)  # how long it may take on a machine that does other things, too


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def dashboard(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """The service on the sample home."""
    dashboard = Dashboard(tmp_path_factory.mktemp("dashboard"))
    dashboard.start()
    yield dashboard
    dashboard.stop()


@pytest.fixture(scope="module")
def browser(chromium: str, playwright: Playwright, dashboard: Dashboard) -> Iterator[Browser]:
    browser = Browser(playwright, chromium, dashboard.url)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, dashboard: Dashboard) -> Any:
    """What a browser keeps of a session. On the first day the owner chooses a password for it."""
    context = browser.context()
    come_in(browser.page(context), dashboard)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def visit(browser: Browser, signed_in: Any) -> Iterator[Callable[..., Page]]:
    """`visit("/inbox/")`: a page of somebody who is signed in. Whatever goes wrong in it fails the test."""
    contexts = []

    def open_page(path: str, *, scheme: str = "light", size: tuple[int, int] = DESK) -> Page:
        context = browser.context(scheme=scheme, size=size, state=signed_in)
        contexts.append(context)
        page = browser.page(context)
        page.goto(path)
        page.get_by_role("heading", level=1).first.wait_for()
        return page

    browser.wrong.clear()
    yield open_page
    for context in contexts:
        context.close()
    assert browser.wrong == []
