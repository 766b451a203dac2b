"""How do the dashboard's files travel? Compressed, kept for long, and trusted little."""

from __future__ import annotations

import gzip
import re

from api.dashboard import STATIC


async def test_scripts_travel_compressed_and_are_kept_for_ever(place):
    script = next((STATIC / "_next" / "static" / "chunks").glob("*.js"))
    path = f"/{script.relative_to(STATIC).as_posix()}"
    answer = await place.client().get(path, headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(gzip.compress(script.read_bytes(), 6))
    assert answer.content == script.read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    plain = await place.client().get(path, headers={"accept-encoding": "identity"})
    assert (plain.content, "content-encoding" in plain.headers) == (script.read_bytes(), False)


async def test_a_page_may_run_our_files_and_nothing_else(place):
    answer = await place.client().get("/inbox/")
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["script-src"].split() == ["'self'"]
    assert policy["connect-src"] == policy["default-src"] == "'self'"
    assert not re.search(r"\son\w+=", answer.text)


async def test_what_is_not_there_is_told_in_the_dashboards_own_page(place):
    answer = await place.client().get("/no-such-page/")
    assert (answer.status_code, "text/html" in answer.headers["content-type"]) == (404, True)
    assert (await place.client().get("/../pyproject.toml")).status_code == 404
