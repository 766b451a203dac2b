"""How do we talk to a model server? The only file that does; vLLM and the embedded one look alike to it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from brain.events import Chunk, Events, Refused, Usage
from brain.patience import Patience
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


class Sampling(msgspec.Struct, frozen=True):
    """How the next words are chosen."""

    temperature: float = 0.7
    top_p: float = 0.95
    max_tokens: int = 256
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def named(self) -> dict[str, Any]:
        """As it is kept with an answer."""
        return msgspec.structs.asdict(self) | {"stop": list(self.stop)}


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    first_token_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says to anything but a question."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class ModelClient:
    """One server. Raises ModelUnavailable, ModelRefused and UnknownModel, and nothing of aiohttp.

    `timeout` is the longest silence in seconds before the server counts as unavailable.
    """

    def __init__(
        self, base_url: str = "http://127.0.0.1:8000/v1", api_key: str | None = None, timeout: float = 60.0
    ) -> None:
        self.root = base_url.rstrip("/").removesuffix("/v1")
        self._key = api_key
        self._timeout = timeout
        self._http: aiohttp.ClientSession | None = None
        self._chat = f"{self.root}/v1/chat/completions"

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
        with (
            tracing.asking(self.root, model, sampling.max_tokens, sampling.temperature) as asked,
            self._asking(),
        ):
            headers = {**asked.headers, "X-Session-ID": session} if session else asked.headers
            asking = self._session().post(self._chat, json=body, headers=headers, allow_redirects=False)
            async with asking as response, Patience(response, self._timeout) as patience:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise _refusal(Answer(response.status, await response.read()))
                complete, finish_reason, events = False, "", Events()
                more = True
                while more:
                    patience.waits()
                    arrived = await response.content.readany()
                    patience.heard()
                    more = bool(arrived)
                    for event in events.of(arrived) if more else events.last():
                        if event is None:
                            complete = True
                            continue
                        if isinstance(event, Refused):
                            raise _error(event)
                        finish_reason = event.finish_reason or finish_reason
                        if used := event.usage:
                            asked.answered(finish_reason, used.prompt_tokens, used.completion_tokens)
                        yield event
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
        return [card["id"] for card in (await self._get("/v1/models")).json()["data"]]

    async def context(self) -> int | None:
        """Tokens that prompt and answer may have together; None: the server does not say."""
        cards = (await self._get("/v1/models")).json()["data"]
        return next((int(card["max_model_len"]) for card in cards if card.get("max_model_len")), None)

    async def count(self, text: str) -> int:
        """How many tokens of the base model that is, as it stands in a prompt."""
        answer = await self._post("/tokenize", {"prompt": text, "add_special_tokens": False})
        return int(answer.json()["count"])

    async def healthy(self) -> bool:
        try:
            return (await self._told("GET", "/health")).status < HTTPStatus.MULTIPLE_CHOICES
        except ModelUnavailable:
            return False

    async def sleep(self) -> None:
        """Give the GPU's memory to somebody else; what is being answered is finished first. vLLM only."""
        await self._post("/sleep?level=1&mode=wait")

    async def wake(self) -> None:
        await self._post("/wake_up")

    async def asleep(self) -> bool:
        """Whether somebody has put it to sleep; a server that cannot sleep is awake."""
        answer = await self._told("GET", "/is_sleeping")
        if answer.status == HTTPStatus.NOT_FOUND:
            return False
        return bool(_checked(answer).json()["is_sleeping"])

    async def metrics(self) -> str:
        """The server's own figures, in Prometheus' text format."""
        return (await self._get("/metrics")).body.decode()

    async def aclose(self) -> None:
        if self._http:
            await self._http.close()

    async def _get(self, path: str) -> Answer:
        return _checked(await self._told("GET", path))

    async def _post(
        self, path: str, body: Mapping[str, Any] | None = None, *, refuses_with_500: bool = False
    ) -> Answer:
        answer = await self._told("POST", path, body)
        # vLLM answers a bad adapter with 500 and is as well as before.
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and refuses_with_500:
            raise ModelRefused(500, _refused(answer).message)
        return _checked(answer)

    async def _told(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        with self._asking():
            request = self._session().request(method, f"{self.root}{path}", json=body, allow_redirects=False)
            async with request as response:
                return Answer(response.status, await response.read())

    def _session(self) -> aiohttp.ClientSession:
        """Made where it is first used: it belongs to the event loop. Model servers have private addresses, so
        that a proxy is never on the way."""
        if self._http is None:
            headers = {"Accept-Encoding": "identity"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
                json_serialize_bytes=msgspec.json.encode,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=min(CONNECT_SECONDS, self._timeout), sock_read=self._timeout
                ),
            )
        return self._http

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except aiohttp.ServerTimeoutError as error:
            raise ModelUnavailable(f"the model server at {self.root} does not answer in time") from error
        except aiohttp.ClientConnectorError as error:
            raise ModelUnreachable(f"no model server answers at {self.root}; is it running?") from error
        except aiohttp.ClientError as error:
            raise ModelUnavailable(
                f"the connection to the model server at {self.root} broke: {error}"
            ) from error
        except msgspec.DecodeError as error:
            raise ModelUnavailable(f"what the model server at {self.root} says is no answer") from error


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


def _checked(answer: Answer) -> Answer:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise _refusal(answer)
    return answer


def _refusal(answer: Answer) -> ModelRefused | ModelUnavailable:
    return _error(_refused(answer))


def _error(told: Refused) -> ModelRefused | ModelUnavailable:
    if told.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ModelUnavailable(f"the model server failed ({told.status}): {told.message}")
    kind = UnknownModel if told.status == HTTPStatus.NOT_FOUND else ModelRefused
    return kind(told.status, told.message)


def _refused(answer: Answer) -> Refused:
    try:
        return Refused(answer.status, str(answer.json()["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        return Refused(answer.status, answer.body.decode(errors="replace")[:300] or f"status {answer.status}")
