"""Is what is served built from what lies in dashboard/? Whoever changes that runs `make dashboard`."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from api.app import create_app, describe
from api.settings import ApiSettings

ROOT = Path(__file__).parents[2]
SOURCES, BUILT = ROOT / "dashboard", ROOT / "api" / "static"
PAGES = sorted(BUILT.rglob("*.html"))
SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<inline>.*?)</script>", re.DOTALL)
BUDGET_KB = 250  # of script, as it travels, before a page can be used


def hash_of_sources() -> str:
    """As dashboard/scripts/sources.mjs computes it."""
    parts = re.search(r"PARTS = \[(.*?)\]", (SOURCES / "scripts" / "sources.mjs").read_text(), re.DOTALL)
    assert parts
    files = []
    for part in re.findall(r"'([^']+)'", parts[1]):
        path = SOURCES / part
        files += [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(SOURCES).as_posix(), path) for path in files):
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def test_what_is_served_was_built_from_these_sources():
    assert (BUILT / "sources.txt").read_text().strip() == hash_of_sources(), "run `make dashboard`"


def test_the_client_was_generated_from_this_api():
    assert json.loads((SOURCES / "openapi.json").read_text()) == describe(create_app(ApiSettings())), (
        "run `make dashboard`"
    )


def test_it_is_small_enough_to_lie_in_the_package():
    assert sum(path.stat().st_size for path in BUILT.rglob("*") if path.is_file()) < 3_000_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(BUILT).as_posix())
def test_a_page_loads_little_script_first_and_has_none_of_its_own(page):
    scripts = set()
    for found in SCRIPT.finditer(page.read_text(encoding="utf-8")):
        assert not found["inline"].strip(), "an inline script would need a weaker Content-Security-Policy"
        scripts |= set(re.findall(r'src="/([^"]+)"', found["attributes"]))
    assert scripts
    assert sum(len(gzip.compress((BUILT / one).read_bytes(), 6)) for one in scripts) < BUDGET_KB * 1000


def test_nothing_comes_from_outside():
    """In pages and styles. (Addresses in scripts are names: the journeys look at what is really fetched.)"""
    for path in [*PAGES, *BUILT.rglob("*.css")]:
        assert not re.search(
            r"""(?:src|href)="https?:|url\(["']?https?:|@import""", path.read_text(encoding="utf-8")
        ), path
