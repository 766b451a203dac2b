"""The dashboard's own files: built elsewhere, a part of the package, and safe to give to anybody."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import mimetypes
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from api.rules import anybody

router = APIRouter(include_in_schema=False)

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"  # names that change with what is in them
SQUEEZED = {".css", ".js", ".svg", ".txt"}
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>twin</title>
<h1>The dashboard is not built</h1>
<p>This twin was installed from its sources. <code>make dashboard</code> builds it (that needs Node); an
installed package has it already.</p>
<p>The API is here all the same: <a href="/api/openapi.json">its description</a>, once you are signed in.</p>
</html>"""


@router.api_route("/{path:path}", methods=["GET", "HEAD"], dependencies=[anybody()])
async def file(path: str, request: Request) -> Response:
    """A file; a page by its name without .html; whatever is not there is the dashboard's own 404."""
    if path.split("/")[0] in ("api", "v1"):
        raise HTTPException(404, f"there is nothing at /{path}")
    if not (STATIC / "index.html").is_file():
        return HTMLResponse(NOT_BUILT, headers={"content-security-policy": "default-src 'none'"})
    found = _find(path)
    if found is None:
        page = STATIC / "404.html"
        if not page.is_file() or "." in path.rsplit("/", 1)[-1]:
            raise HTTPException(404, f"there is nothing at /{path}")
        return _page(page, 404)
    if found.suffix == ".html":
        return _page(found, 200)
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    headers = {"cache-control": FOREVER if "_next/static" in found.as_posix() else "no-cache"}
    if found.suffix in SQUEEZED and "gzip" in request.headers.get("accept-encoding", ""):
        small = await asyncio.to_thread(_squeezed, found, found.stat().st_mtime_ns)
        return Response(
            small, media_type=kind, headers=headers | {"content-encoding": "gzip", "vary": "accept-encoding"}
        )
    return FileResponse(found, media_type=kind, headers=headers)


def _find(path: str) -> Path | None:
    """Never outside the folder, whatever the path says."""
    if "\x00" in path:
        return None
    whole = (STATIC / path).resolve()
    if not whole.is_relative_to(STATIC.resolve()):
        return None
    for one in (whole, whole / "index.html", whole.with_name(f"{whole.name}.html")):
        if one.is_file():
            return one
    return None


def _page(page: Path, status: int) -> Response:
    headers = {
        "content-security-policy": policy_of(page, page.stat().st_mtime_ns),
        "cache-control": "no-cache",
    }
    return FileResponse(page, status, media_type="text/html; charset=utf-8", headers=headers)


@lru_cache(maxsize=256)
def _squeezed(path: Path, changed: int) -> bytes:
    """As it travels; once for each file and change."""
    return gzip.compress(path.read_bytes(), 6)


@lru_cache(maxsize=64)
def policy_of(page: Path, changed: int) -> str:
    """Only our own files; of scripts in the page, those that it was built with, by their hash."""
    scripts = _Scripts()
    scripts.feed(page.read_text(encoding="utf-8"))
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'"
        for one in dict.fromkeys(scripts.found)
    )
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


class _Scripts(HTMLParser):
    """The texts of a page's scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and "src" not in dict(attrs)
        if self._inside:
            self.found.append("")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "script"
