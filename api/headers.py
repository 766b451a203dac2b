"""What is said with every answer? That browsers must not trust anything that is not ours."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 2_000_000  # bytes; uploads are streamed and have a limit of their own
WITH_PICTURES = 28_000_000  # bytes of words with pictures in them
MAY_HAVE_PICTURES = ("/api/conversations/", "/v1/chat/completions")
OF_AN_ANSWER = "default-src 'none'; frame-ancestors 'none'"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Headed:
    """ASGI: the headers, and no body that is larger than anything we ask for."""

    def __init__(self, app: ASGIApp, *, https: bool, upload_bytes: int) -> None:
        self._app = app
        self._https = https
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", OF_AN_ANSWER)
                if scope["path"].startswith(("/api", "/v1")):
                    headers.setdefault("cache-control", "no-cache, private")
                if self._https:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        limit = self._limit(scope["path"])
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            body = {"title": "Too large", "status": 413, "detail": f"at most {limit} bytes are taken here"}
            refusal = JSONResponse(body, 413, media_type="application/problem+json")
            await refusal(scope, receive, headed)
            return
        await self._app(scope, _limited(receive, limit), headed)

    def _limit(self, path: str) -> int:
        if path == "/api/uploads":
            return self._upload_bytes
        return WITH_PICTURES if path.startswith(MAY_HAVE_PICTURES) else LARGEST_BODY


def _limited(receive: Receive, limit: int) -> Receive:
    """A body that comes without its length is cut off at the limit: whoever sends it is gone, as it were."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > limit else message

    return limited
