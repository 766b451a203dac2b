"""Discord's sign-in in small, on a real socket: codes, PKCE, and people it knows."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class OAuthServer:
    """`person` is whoever signs in there next. `url` is set while it serves."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self.person = {"id": "1", "username": "somebody"}
        self.url = ""
        self._client = (client_id, client_secret)
        self._codes: dict[str, tuple[str, str]] = {}  # code -> challenge, redirect
        self._tokens: dict[str, dict[str, str]] = {}

    def let_through(self, query: dict[str, str]) -> str:
        """What Discord does when somebody says yes: the address their browser is sent back to."""
        assert query["client_id"] == self._client[0]
        assert (query["response_type"], query["scope"]) == ("code", "identify")
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._codes[code] = (query["code_challenge"], query["redirect_uri"])
        return f"{query['redirect_uri']}?code={code}&state={query['state']}"

    @asynccontextmanager
    async def served(self) -> AsyncIterator[OAuthServer]:
        app = web.Application()
        app.router.add_post("/api/v10/oauth2/token", self._token)
        app.router.add_get("/api/v10/users/@me", self._me)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        basic = base64.b64decode(request.headers.get("authorization", "Basic ").split(" ")[1]).decode()
        challenge, redirect = self._codes.pop(str(form.get("code")), ("", ""))
        verifier = str(form.get("code_verifier", ""))
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        right = digest == challenge and form.get("redirect_uri") == redirect
        if basic != ":".join(self._client) or not right:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = secrets.token_hex(8)
        self._tokens[token] = self.person
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 600})

    async def _me(self, request: web.Request) -> web.Response:
        person = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return web.json_response(person or {"message": "401"}, status=200 if person else 401)
