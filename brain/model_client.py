"""How do we talk to a model server? The only file that does; vLLM and the embedded one look alike to it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from storage import tracing
from storage.records import Prompt

ADAPTER_NAME = re.compile(r"^[a-z0-9][a-z0-9._:-]{0,80}$")
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 3.0  # vLLM hangs up after 5; a request that crosses with that would be lost


class ModelUnavailable(Exception):
    """The server cannot be reached, is broken, or fell silent in mid-answer. Trying later may help."""


class ModelUnreachable(ModelUnavailable):
    """Nobody listens there: the server is down, or not up yet. Nothing of the request has been done."""


class ModelBusy(ModelUnavailable):
    """Every server has as much to do as it may have, and as many wait already as may wait."""


class ModelRefused(Exception):
    """The server answered, and the answer is no. Trying again will not help."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class UnknownModel(ModelRefused):
    """The server has no model, adapter or adapter folder of that name."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next words are chosen."""

    temperature: float = 0.7
    top_p: float = 0.95
    max_tokens: int = 256
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer, as it comes."""

    text: str
    token_logprob: float | None = None
    finish_reason: str | None = None  # stop or length, on the last piece of text
    usage: Usage | None = None  # on the very last chunk


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    first_token_ms: float
    total_ms: float


class ModelClient:
    """One server. Raises ModelUnavailable, ModelRefused and UnknownModel, and nothing of httpx.

    `timeout` is the longest silence in seconds before the server counts as unavailable.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000/v1",
        api_key: str | None = None,
        timeout: float = 60.0,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.root = base_url.rstrip("/").removesuffix("/v1")
        self._http = httpx.AsyncClient(
            base_url=self.root,
            headers={"Accept-Encoding": "identity"}
            | ({"Authorization": f"Bearer {api_key}"} if api_key else {}),
            timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            trust_env=False,  # model servers have private addresses; a proxy is never on the way
            transport=transport or AiohttpTransport(client=_connections),
        )

    async def stream_chat(
        self,
        model: str,
        messages: Prompt,
        sampling: Sampling,
        *,
        session: str | None = None,
        logprobs: bool = False,
    ) -> AsyncGenerator[Chunk]:
        """The answer, piece by piece. Leaving early closes the connection; the server stops generating.

        `session` goes along as X-Session-ID: a router behind this URL keeps a chat on one server by it.
        """
        body = _chat_body(model, messages, sampling) | {
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if logprobs:
            body["logprobs"] = True
        with tracing.asking(self.root, model, sampling.max_tokens, sampling.temperature) as asked:
            headers = {**asked.headers, **({"X-Session-ID": session} if session else {})}
            asking = self._http.stream("POST", "/v1/chat/completions", json=body, headers=headers)
            async with self._asking(), asking as response:
                if response.is_error:
                    await response.aread()
                    raise _refusal(response)
                complete, finish_reason = False, ""
                async for event in _events(response):
                    complete = complete or event is None
                    if event is not None:
                        chunk = _chunk(event)
                        finish_reason = chunk.finish_reason or finish_reason
                        if used := chunk.usage:
                            asked.answered(finish_reason, used.prompt_tokens, used.completion_tokens)
                        yield chunk
                if not complete:
                    raise ModelUnavailable(
                        f"the model server at {self.root} broke off in the middle of an answer"
                    )

    async def chat(self, model: str, messages: Prompt, sampling: Sampling) -> Completion:
        return await whole(self.stream_chat(model, messages, sampling))

    async def score(self, model: str, token_ids: list[int]) -> list[float | None]:
        """The logprob of each token after those before it; None for the first."""
        body = {"model": model, "prompt": token_ids, "echo": True, "max_tokens": 0, "logprobs": 0}
        answer = await self._post("/v1/completions", body | {"temperature": 0})
        scores: list[float | None] = answer.json()["choices"][0]["logprobs"]["token_logprobs"]
        return scores[: len(token_ids)]

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """What each text means, as a server that serves an embedding model sees it."""
        answer = await self._post("/v1/embeddings", {"model": model, "input": list(texts)})
        rows = sorted(answer.json()["data"], key=lambda row: row["index"])
        return [[float(value) for value in row["embedding"]] for row in rows]

    async def load_adapter(self, name: str, path: Path | str) -> None:
        """The folder must be readable where the server runs. A bad one is refused; a bad name, too."""
        if not ADAPTER_NAME.match(name):
            raise ModelRefused(400, f"'{name}' is no name for an adapter; use lower case, digits and . _ : -")
        body = {"lora_name": name, "lora_path": str(path)}
        await self._post("/v1/load_lora_adapter", body, refuses_with_500=True)

    async def unload_adapter(self, name: str) -> None:
        """New requests do not get it any more; those under way finish on it."""
        await self._post("/v1/unload_lora_adapter", {"lora_name": name})

    async def models(self) -> list[str]:
        """The base model first, then the adapters."""
        async with self._asking():
            answer = await self._http.get("/v1/models")
        return [card["id"] for card in _checked(answer).json()["data"]]

    async def context(self) -> int | None:
        """Tokens that prompt and answer may have together; None: the server does not say."""
        async with self._asking():
            answer = await self._http.get("/v1/models")
        cards = _checked(answer).json()["data"]
        return next((int(card["max_model_len"]) for card in cards if card.get("max_model_len")), None)

    async def count(self, text: str) -> int:
        """How many tokens of the base model that is, as it stands in a prompt."""
        answer = await self._post("/tokenize", {"prompt": text, "add_special_tokens": False})
        return int(answer.json()["count"])

    async def healthy(self) -> bool:
        try:
            return (await self._http.get("/health")).is_success
        except httpx.HTTPError:
            return False

    async def sleep(self) -> None:
        """Give the GPU's memory to somebody else; what is being answered is finished first. vLLM only."""
        async with self._asking():
            answer = await self._http.post("/sleep", params={"level": 1, "mode": "wait"})
        _checked(answer)

    async def wake(self) -> None:
        async with self._asking():
            answer = await self._http.post("/wake_up")
        _checked(answer)

    async def asleep(self) -> bool:
        """Whether somebody has put it to sleep; a server that cannot sleep is awake."""
        async with self._asking():
            answer = await self._http.get("/is_sleeping")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        return bool(_checked(answer).json()["is_sleeping"])

    async def metrics(self) -> str:
        """The server's own figures, in Prometheus' text format."""
        async with self._asking():
            answer = await self._http.get("/metrics")
        return _checked(answer).text

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _post(
        self, path: str, body: dict[str, Any], *, refuses_with_500: bool = False
    ) -> httpx.Response:
        async with self._asking():
            answer = await self._http.post(path, json=body)
        # vLLM answers a bad adapter with 500 and is as well as before.
        if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR and refuses_with_500:
            raise ModelRefused(500, _message(answer))
        return _checked(answer)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise ModelUnreachable(f"no model server answers at {self.root}; is it running?") from error
        except httpx.HTTPError as error:
            # A server that hangs up is a ConnectTimeout, too, to the one who translates aiohttp's errors.
            if isinstance(error, httpx.TimeoutException) and isinstance(error.__cause__, TimeoutError):
                raise ModelUnavailable(f"the model server at {self.root} does not answer in time") from error
            raise ModelUnavailable(
                f"the connection to the model server at {self.root} broke: {error}"
            ) from error


def _connections() -> aiohttp.ClientSession:
    """aiohttp's, because httpx takes longer over its own than the brain over all the rest."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def whole(chunks: AsyncIterator[Chunk]) -> Completion:
    """An answer that comes in pieces, once it is all there."""
    began = time.perf_counter()
    text, finish_reason, usage, first_token_ms = "", "", Usage(0, 0), 0.0
    async for chunk in chunks:
        if chunk.text and not text:
            first_token_ms = 1000 * (time.perf_counter() - began)
        text += chunk.text
        finish_reason = chunk.finish_reason or finish_reason
        usage = chunk.usage or usage
    total_ms = 1000 * (time.perf_counter() - began)
    return Completion(
        text, finish_reason, usage.prompt_tokens, usage.completion_tokens, first_token_ms, total_ms
    )


def _chat_body(model: str, messages: Prompt, sampling: Sampling) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": [dict(turn) for turn in messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    return body


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any] | None]:
    """The server-sent events of a stream; None stands for the closing [DONE]."""
    async for line in _lines(response):
        if not line.startswith(b"data:"):
            continue
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            yield None
            continue
        event = json.loads(data)
        if error := event.get("error"):
            raise _error(int(error.get("code") or 500), str(error.get("message")))
        yield event


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """httpx has this, too, but takes as long for it as for all the rest of a short event."""
    rest = b""
    async for piece in response.aiter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest


def _chunk(event: dict[str, Any]) -> Chunk:
    usage = event.get("usage")
    counted = Usage(usage["prompt_tokens"], usage["completion_tokens"]) if usage else None
    if not event["choices"]:
        return Chunk("", usage=counted)
    choice = event["choices"][0]
    tokens = (choice.get("logprobs") or {}).get("content") or []
    return Chunk(
        text=choice["delta"].get("content") or "",
        token_logprob=sum(token["logprob"] for token in tokens) if tokens else None,
        finish_reason=choice.get("finish_reason"),
        usage=counted,
    )


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        raise _refusal(response)
    return response


def _refusal(response: httpx.Response) -> ModelRefused | ModelUnavailable:
    return _error(response.status_code, _message(response))


def _error(status: int, message: str) -> ModelRefused | ModelUnavailable:
    if status >= 500:
        return ModelUnavailable(f"the model server failed ({status}): {message}")
    return UnknownModel(status, message) if status == httpx.codes.NOT_FOUND else ModelRefused(status, message)


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:300] or response.reason_phrase
