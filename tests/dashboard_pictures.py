"""What does the dashboard look like? `python tests/dashboard_pictures.py` takes docs/screens/ anew.

Every page in light, dark and on a phone, of the real service on the sample home.
"""

# ruff: noqa: E402

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from dashboard_service import DESK, PHONE, Browser, Dashboard, come_in
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from services import CHROMIUM

SCREENS = Path(__file__).parents[1] / "docs" / "screens"
PAGES = ("chat", "inbox", "models", "training", "data", "people", "pulse")
LOOKS = {"light": ("light", DESK), "dark": ("dark", DESK), "phone": ("light", PHONE)}
TALLEST = 1250  # pixels of a page that are shown
SETTLED_MS = 1500  # after the last answer, for what is drawn


def talk(page: Page) -> None:
    """So that the chat has something to show."""
    page.goto("/chat/")
    page.get_by_role("button", name="New conversation").first.click()
    for words in ("hey, how was your day?", "can we meet tomorrow at 7?", "what should i cook tonight?"):
        page.get_by_label("Message").fill(words)
        page.get_by_label("Message").press("Enter")
        page.get_by_role("log").get_by_text(words).wait_for()
        page.get_by_role("button", name="Say it again, differently").wait_for(timeout=60_000)
    page.get_by_role("button", name="Like", exact=True).last.click()


def take(page: Page, file: Path) -> None:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, "WEBP", quality=80, method=6)


def main() -> None:
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        dashboard = Dashboard(Path(home))
        dashboard.start()
        browser = Browser(playwright, CHROMIUM.path(), dashboard.url)
        try:
            context = browser.context()
            page = browser.page(context)
            page.goto("/")
            page.get_by_label("Code").wait_for()
            take(page, SCREENS / "door.webp")
            come_in(page, dashboard)
            talk(page)
            state = context.storage_state()
            for look, (scheme, size) in LOOKS.items():
                page = browser.page(browser.context(scheme=scheme, size=size, state=state))
                for name in PAGES:
                    page.goto(f"/{name}/")
                    page.get_by_role("heading", level=1).first.wait_for()
                    page.wait_for_timeout(SETTLED_MS)
                    tall = page.evaluate("document.documentElement.scrollHeight")
                    page.set_viewport_size({"width": size[0], "height": min(max(tall, size[1]), TALLEST)})
                    page.wait_for_timeout(SETTLED_MS)
                    take(page, SCREENS / f"{name}-{look}.webp")
                    page.set_viewport_size({"width": size[0], "height": size[1]})
        finally:
            browser.close()
            dashboard.stop()


if __name__ == "__main__":
    main()
