"""How is somebody else's API asked? Politely, patiently, and without ever showing the key to a stranger."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import httpx

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]
Keys = Mapping[str, str]  # headers that say who asks; never logged, never in a message

ATTEMPTS = 5
LONGEST_BACKOFF = 30.0
PATIENCE = 300.0  # seconds that one question may wait because of a limit
TIMEOUT = 30.0
MAX_BODY = 64 << 20
_LIMIT = re.compile(r"rate.?limit|quotaExceeded", re.IGNORECASE)
_REASON = re.compile(r"[\w.-]{1,60}")


class ApiTrouble(Exception):
    """An API could not be read. The message is for people: what happened, and what to do."""


class ApiUnavailable(ApiTrouble):
    """It is down, or the way to it is; later it may answer."""


class ApiBusy(ApiTrouble):
    """It asks us to come back later than we are willing to wait now."""


class ApiRefused(ApiTrouble):
    """It does not accept the key."""


class ApiBroken(ApiTrouble):
    """It answered something that makes no sense."""


class ApiRejected(ApiTrouble):
    """It does not accept the question: an outdated page token, say."""


class ApiForbidden(ApiTrouble):
    """This one thing may not be read, or is not there."""

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class _Passing(Exception):
    """Worth another attempt, after `rest` seconds where the server says so."""

    def __init__(self, message: str, rest: float = 0.0) -> None:
        super().__init__(message)
        self.rest = rest


@dataclass(frozen=True, slots=True)
class Answer:
    """`next` is the address of the following page, where a Link header tells one."""

    status: int
    body: Any
    headers: Mapping[str, str]
    next: str | None = None

    @property
    def reason(self) -> str:
        """The API's own short word for what is wrong, if it is one."""
        body = self.body if isinstance(self.body, dict) else {}
        error = body.get("error")
        if isinstance(error, dict):
            inner = error.get("errors")
            first = inner[0] if isinstance(inner, list) and inner else error
            error = (first if isinstance(first, dict) else error).get("reason") or error.get("status")
        word = str(error or body.get("code") or "")
        return word if _REASON.fullmatch(word) else ""


class Api:
    def __init__(
        self,
        client: httpx.AsyncClient,
        name: str,
        url: str,
        *,
        keys: Keys | None = None,
        renew: Callable[[], Awaitable[Keys]] | None = None,
        advice: str = "",
        pace: float = 0.0,
        patience: float = PATIENCE,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client, self._name, self._url = client, name, url.rstrip("/")
        self._keys, self._renew, self._advice = keys, renew, advice
        self._pace, self._patience, self._sleep = pace, patience, sleep
        self._asked_at = self._not_before = 0.0
        self._is_down = False

    async def get(self, path: str, params: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        return await self.ask("GET", path, params=params, **more)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        as_text: bool = False,
    ) -> Answer:
        """The answer: 2xx, or 304 to an If-None-Match. Anything else is one of the exceptions above.

        `path` may be a whole address that the API gave us; only one of its own gets our key.
        """
        url, failures, refusals, waited, hops = self._address(path), 0, 0, 0.0, 0
        renewed = False
        while True:
            await self._take_turns()
            try:
                request = {"params": params, "json": json, "data": form}
                answer = await self._once(method, url, headers or {}, as_text, request)
            except (_Passing, httpx.TransportError, httpx.DecodingError) as problem:
                failures += 1
                if failures >= (1 if self._is_down else ATTEMPTS):
                    self._is_down = True  # the next question waits no longer for the same
                    raise ApiUnavailable(
                        f"{self._name} does not answer properly: {_in_words(problem)}"
                    ) from None
                rest = max(_backoff(failures), getattr(problem, "rest", 0.0))
                self._check_patience(rest)
                await self._sleep(rest)
                continue
            self._is_down = False
            if (rest := _asked_to_wait(answer, refusals)) is not None:
                refusals += 1
                waited += rest
                self._check_patience(waited)
                log.info("%s asks us to wait %.0f s", self._name, rest)
                await self._sleep(rest)
                continue
            self._not_before = time.monotonic() + _limit_used_up(answer)
            if answer.status == 401 and self._renew and not renewed:
                renewed, self._keys = True, await self._renew()
            elif answer.status in (301, 302, 307, 308) and hops < 3:
                hops, params = hops + 1, None
                url = self._address(answer.headers.get("location", ""), url)
            elif answer.status == 304 or 200 <= answer.status < 300:
                return answer
            else:
                raise self._problem(answer)

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], as_text: bool, request: Mapping[str, Any]
    ) -> Answer:
        if self._keys is None:
            self._keys = await self._renew() if self._renew else {}
        if not all(value.isascii() and value.isprintable() for value in self._keys.values()):
            raise ApiRefused(
                f"the key for {self._name} has characters that no key has. {self._advice}".strip()
            )
        given = {key: value for key, value in request.items() if value is not None}
        async with self._client.stream(method, url, headers={**headers, **self._keys}, **given) as response:
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MAX_BODY:
                    raise ApiBroken(f"{self._name} sent more than {MAX_BODY >> 20} MiB for one answer")
        if response.status_code >= 500:
            told = _seconds(response.headers.get("retry-after"))
            raise _Passing(f"it answered {response.status_code}", told or 0.0)
        following = response.links.get("next", {}).get("url")
        good = 200 <= response.status_code < 300
        if as_text and good:
            return Answer(
                response.status_code, data.decode("utf-8-sig", errors="replace"), response.headers, following
            )
        try:
            body = json.loads(data) if data.strip() else None
        except (ValueError, RecursionError):
            if good:
                raise _Passing("what it sent is not JSON") from None
            body = None
        return Answer(response.status_code, body, response.headers, following)

    def _address(self, path: str, relative_to: str | None = None) -> str:
        try:
            whole = urljoin(relative_to, path) if relative_to else path
            if "://" not in whole:
                return self._url + whole
            here, there = httpx.URL(self._url), httpx.URL(whole)
        except (httpx.InvalidURL, ValueError):
            raise ApiBroken(f"{self._name} sends us to an address that is none") from None
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise ApiBroken(f"{self._name} sends us to another server, {there.host}; the key stays here")
        return whole

    async def _take_turns(self) -> None:
        now = time.monotonic()
        rest = max(self._not_before, self._asked_at + self._pace) - now
        if rest > 0:
            self._check_patience(rest)
            await self._sleep(rest)
        self._not_before, self._asked_at = 0.0, time.monotonic()

    def _check_patience(self, rest: float) -> None:
        if rest > self._patience:
            raise ApiBusy(
                f"{self._name} wants no more questions for {rest / 60:.0f} minutes; "
                "the next run goes on from here"
            )

    def _problem(self, answer: Answer) -> ApiTrouble:
        told = f"{self._name} answered {answer.status}" + (f" ({answer.reason})" if answer.reason else "")
        if answer.status == 401:
            return ApiRefused(f"{self._name} does not accept the key. {self._advice}".strip())
        if answer.status in (403, 404, 410, 451):
            why = (
                "we may not read this"
                if answer.status in (403, 451)
                else "it is not there, or hidden from us"
            )
            return ApiForbidden(f"{told}: {why}", answer.status, answer.reason)
        return ApiRejected(told)


@asynccontextmanager
async def open_client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=TIMEOUT, headers={"User-Agent": "twin"}) as client:
        yield client


def _backoff(failures: int) -> float:
    return min(LONGEST_BACKOFF, 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0)


def _asked_to_wait(answer: Answer, refusals: int) -> float | None:
    """Seconds; None when this answer is no request to come back later."""
    told = _seconds(answer.headers.get("retry-after"))
    if told is None and isinstance(answer.body, dict):
        told = _seconds(answer.body.get("retry_after"))
    if answer.status == 403:
        used_up = _limit_used_up(answer)
        body = answer.body if isinstance(answer.body, dict) else {}
        words = f"{answer.reason} {body.get('message', '')}"
        if told is None and not used_up and not _LIMIT.search(words):
            return None
        told = told if told is not None else used_up or None
    elif answer.status != 429:
        return None
    if told is None:
        told = _limit_used_up(answer) or _backoff(refusals + 3)
    return max(told, _backoff(refusals)) + random.uniform(0.0, 0.5)


def _limit_used_up(answer: Answer) -> float:
    """How long until we may ask again, when this answer was the last we may have for now."""
    if answer.headers.get("x-ratelimit-remaining", "").strip() != "0":
        return 0.0
    after = _seconds(answer.headers.get("x-ratelimit-reset-after"))
    if after is None and (at := _seconds(answer.headers.get("x-ratelimit-reset"))) is not None:
        after = max(0.0, at - time.time()) + 1.0
    return after or 0.0


def _seconds(told: Any) -> float | None:
    """A number, or the date that Retry-After may be."""
    if told is None or isinstance(told, bool):
        return None
    try:
        seconds = float(told)
    except (TypeError, ValueError, OverflowError):
        try:
            at = parsedate_to_datetime(str(told))
        except (TypeError, ValueError, OverflowError):
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return seconds if 0 <= seconds < 1e10 else None


def _in_words(problem: Exception) -> str:
    """Not what httpx says: its messages may hold an address."""
    if isinstance(problem, _Passing):
        return str(problem)
    if isinstance(problem, httpx.TimeoutException):
        return "it takes too long"
    return (
        "the connection cannot be made" if isinstance(problem, httpx.ConnectError) else "the connection broke"
    )
