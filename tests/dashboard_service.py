"""How does a browser get to see the dashboard? `twin up` on the sample home, with the pocket model."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import dashboard_home
from chat_service import ChatService
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from learning.pocket.cache import default_cache_dir, ensure
from storage.database import Database

START_SECONDS = 120.0
NAME, PASSWORD = "mira", "a password of the sample"
CODE = re.compile(r"#setup=([0-9a-f]+)")
DESK, PHONE = (1280, 860), (390, 844)


class Dashboard:
    """The service on a home of its own. `code`: what the first owner has to type."""

    def __init__(self, home: Path, *, sample: bool = True) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._service = ChatService(
            home,
            {"telegram": dashboard_home.OWNER},
            settings={
                "owner": {"name": "Mira Vale"},
                "model": {"base": "pocket", "temperature": 0.5},
                "api": {"port": self.port, "requests_per_minute": 6000, "answers_per_minute": 600},
            },
        )
        if sample:
            # In a thread of its own: a test may have a loop already.
            filling = threading.Thread(target=lambda: asyncio.run(_fill(home)))
            filling.start()
            filling.join()

    def start(self) -> None:
        self._service.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            late = not self._service.running or time.monotonic() > deadline
            assert not late, self._service.last_words()
            time.sleep(0.1)

    def stop(self) -> None:
        if process := self._service.process:
            process.terminate()
            process.wait(timeout=60)

    @property
    def code(self) -> str:
        found = CODE.search(self._service.output.read_text(encoding="utf-8", errors="replace"))
        assert found, self._service.last_words()
        return found[1]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


async def _fill(home: Path) -> None:
    database = await Database.open(f"sqlite+aiosqlite:///{home / 'twin.db'}")
    base = ensure(default_cache_dir(), lambda share, doing: None)
    await dashboard_home.fill(home, database, base)
    await database.close()


class Browser:
    """Chromium that sees nothing but the dashboard; whatever goes wrong in a page is kept in `wrong`."""

    def __init__(self, playwright: Playwright, path: str, url: str) -> None:
        self._browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        self._url = url
        self.wrong: list[str] = []

    def context(
        self, *, scheme: str = "light", size: tuple[int, int] = DESK, state: object = None
    ) -> BrowserContext:
        context = self._browser.new_context(
            base_url=self._url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            storage_state=state,  # type: ignore[arg-type]
            has_touch=size == PHONE,
        )
        context.set_default_timeout(15_000)
        return context

    def page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda said: said.type == "error" and self._complain(said.text))
        page.on("request", lambda asked: self._look(asked.url))
        return page

    def _complain(self, text: str) -> None:
        # What the twin refuses (a wrong password, say) a browser tells as an error, too.
        if not text.startswith("Failed to load resource"):
            self.wrong.append(text)

    def _look(self, url: str) -> None:
        if not url.startswith((self._url, "data:", "blob:")):
            self.wrong.append(f"asked for {url}")

    def close(self) -> None:
        self._browser.close()


def come_in(page: Page, dashboard: Dashboard) -> None:
    """The first time as the first owner."""
    page.goto("/")
    page.get_by_label("Name").wait_for()
    begin = page.get_by_role("button", name="Begin")
    if begin.is_visible():
        page.get_by_label("Code").fill(dashboard.code)
    page.get_by_label("Name").fill(NAME)
    page.locator("input[type=password]").fill(PASSWORD)
    begin.or_(page.get_by_role("button", name="Sign in", exact=True)).click()
    page.get_by_role("navigation", name="Pages").first.wait_for()


def begin(page: Page) -> None:
    """A new conversation, once it is the one that is open."""
    page.get_by_role("button", name="New conversation").first.click()
    current = page.get_by_role("complementary", name="Conversations").locator("[aria-current=true]")
    expect(current).to_contain_text("Nothing was said yet")
    expect(page.get_by_label("Message")).to_be_visible()
