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
from PIL import Image, ImageDraw
from playwright.sync_api import Page, sync_playwright
from services import CHROMIUM

SCREENS = Path(__file__).parents[1] / "docs" / "screens"
PAGES = ("chat", "inbox", "models", "training", "data", "people", "pulse")
LOOKS = {"light": ("light", DESK), "dark": ("dark", DESK), "phone": ("light", PHONE)}
TALLEST = {DESK: 2200, PHONE: 1250}  # pixels of a page that are shown
SETTLED_MS = 1500  # after the last answer, for what is drawn


def talk(page: Page) -> None:
    """So that the chat has something to show."""
    page.goto("/chat/")
    page.get_by_role("button", name="New conversation").first.click()
    for words in ("hey, how was your day?", "can we meet tomorrow at 7?", "look where i am"):
        if words.startswith("look"):
            picture = {"name": "lake.jpg", "mimeType": "image/jpeg", "buffer": lake()}
            page.locator("input[type=file]").first.set_input_files(picture)
            page.get_by_alt_text("Picture 1 to send").wait_for()
        page.get_by_label("Message").fill(words)
        page.get_by_label("Message").press("Enter")
        page.get_by_role("log").get_by_text(words).wait_for()
        page.get_by_role("button", name="Say it again, differently").wait_for(timeout=60_000)
    page.get_by_role("button", name="Like", exact=True).last.click()


def lake() -> bytes:
    """An evening at a lake, drawn here."""
    wide, tall = 720, 440
    picture = Image.new("RGB", (wide, tall))
    draw = ImageDraw.Draw(picture)
    for y in range(tall):
        up = 1 - y / (tall * 0.6)
        sky = (247 - int(90 * up), 190 - int(60 * up), 140 + int(60 * up))
        water = (60 + y // 6, 110 + y // 8, 140 + y // 9)
        draw.line([(0, y), (wide, y)], fill=sky if y < tall * 0.6 else water)
    draw.ellipse([470, 120, 550, 200], fill=(255, 236, 190))
    for colour, ridge in (
        ((122, 112, 150), [(0, 220), (130, 110), (250, 190), (380, 90), (520, 200), (640, 130), (720, 190)]),
        ((70, 74, 112), [(0, 250), (180, 190), (330, 245), (470, 180), (600, 240), (720, 215)]),
    ):
        draw.polygon([*ridge, (wide, 266), (0, 266)], fill=colour)
    for y in range(270, tall, 14):
        draw.line([(440 - (y - 270) // 2, y), (580 + (y - 270) // 2, y)], fill=(242, 200, 160), width=3)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


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
                    page.wait_for_function("() => !document.querySelector('main [aria-busy=true]')")
                    page.wait_for_timeout(SETTLED_MS)
                    tall = page.evaluate("document.documentElement.scrollHeight")
                    page.set_viewport_size(
                        {"width": size[0], "height": min(max(tall, size[1]), TALLEST[size])}
                    )
                    page.wait_for_timeout(SETTLED_MS)
                    take(page, SCREENS / f"{name}-{look}.webp")
                    page.set_viewport_size({"width": size[0], "height": size[1]})
        finally:
            browser.close()
            dashboard.stop()


if __name__ == "__main__":
    main()
