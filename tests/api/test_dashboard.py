import base64
import hashlib

import pytest

from api import dashboard

SCRIPT = "self.__next_f = []; let a = '<b>&amp;';"
PAGE = f"<!doctype html><script src='/_next/static/a.js'></script><script>{SCRIPT}</script><p>hi"


@pytest.fixture
def built(tmp_path, monkeypatch):
    """What the dashboard's build leaves behind, in small."""
    folder = tmp_path / "static"
    for path, text in {
        "index.html": PAGE,
        "inbox/index.html": "<p>inbox",
        "404.html": "<p>nothing here",
        "_next/static/a.js": "1",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (tmp_path / "secret.txt").write_text("hidden words")
    monkeypatch.setattr(dashboard, "STATIC", folder)


async def test_pages_are_served_by_their_names_to_anybody(place, built):
    client = place.client()
    for url, text in {"/": "hi", "/inbox": "inbox", "/inbox/": "inbox", "/nowhere": "nothing here"}.items():
        answer = await client.get(url)
        assert text in answer.text
        assert answer.status_code == (404 if url == "/nowhere" else 200)
    script = await client.get("/_next/static/a.js")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"].startswith("text/javascript")


async def test_of_scripts_in_a_page_only_its_own_may_run(place, built):
    policy = (await place.client().get("/")).headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == f"script-src 'self' 'sha256-{digest}'"


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/a%00b.js"])
async def test_nothing_outside_its_folder_is_served(place, built, path):
    answer = await place.client().get(path)
    assert "hidden" not in answer.text
    assert answer.status_code == 404


async def test_without_a_build_it_says_how_to_make_one(place, tmp_path, monkeypatch):
    monkeypatch.setattr(dashboard, "STATIC", tmp_path / "nothing")
    answer = await place.client().get("/")
    assert "make dashboard" in answer.text


async def test_the_description_is_for_whoever_is_signed_in(place, viewer):
    assert (await place.client().get("/api/openapi.json")).status_code == 401
    described = (await viewer.get("/api/openapi.json")).json()
    assert described["paths"]["/api/records"]["get"]["x-role"] == "owner"
    assert "Problem" in described["components"]["schemas"]
