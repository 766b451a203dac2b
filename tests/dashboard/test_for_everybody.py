"""Can everybody use it? axe looks at every page in light, dark and on a phone; none scrolls sideways."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from dashboard_service import DESK, PHONE

PAGES = ("chat", "inbox", "models", "training", "data", "people", "pulse")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
LOOKS = {"light": ("light", DESK), "dark": ("dark", DESK), "phone": ("light", PHONE)}


def told(violations: list[dict]) -> list[str]:
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in violations
    ]


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_keeps_anybody_out(visit, look):
    scheme, size = LOOKS[look]
    page = visit("/chat/", scheme=scheme, size=size)
    wrong = {}
    for name in PAGES:
        page.goto(f"/{name}/")
        page.get_by_role("heading", level=1).first.wait_for()
        page.wait_for_function("() => !document.querySelector('main [aria-busy=true]')")
        wrong[name] = told(Axe().run(page, options=RULES).response["violations"])
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            wrong[name].append(f"scrolls sideways by {wide} px")
    assert not any(wrong.values()), wrong


def test_the_door_keeps_nobody_out_either(browser, signed_in):
    context = browser.context()
    page = browser.page(context)
    page.goto("/")
    page.get_by_role("button", name="Sign in").wait_for()
    assert told(Axe().run(page, options=RULES).response["violations"]) == []
    context.close()
