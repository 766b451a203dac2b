"""How is a teacher asked that another machine serves? By the completions of vLLM's protocol, in token ids.

Ids and not text: what the teacher reads is exactly what its own template made here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx

from learning.chunks import Encoded
from learning.failures import TeacherRefused

AT_ONCE = 16  # requests under way: the server makes batches of them
TIMEOUT = 600.0  # seconds

T = TypeVar("T")
R = TypeVar("R")


class TeacherServer:
    """Raises TeacherRefused when the server is down, serves somebody else, or says no."""

    def __init__(self, url: str, teacher: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._root = url.rstrip("/").removesuffix("/v1")
        self._http = httpx.Client(base_url=self._root, timeout=TIMEOUT, trust_env=False, transport=transport)
        self._teacher, self._name = teacher, ""

    def __enter__(self) -> TeacherServer:
        with ExitStack() as closing:
            closing.enter_context(self._http)
            served = [card["id"] for card in self._said("GET", "/v1/models")["data"]]
            names = [name for name in (self._teacher, Path(self._teacher).name) if name in served]
            if not names:
                raise TeacherRefused(
                    f"The server at {self._root} serves {', '.join(served)} and not the teacher "
                    f"{self._teacher}: correct [learning] teacher or teacher_url."
                )
            self._name = names[0]
            closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def score(self, rows: Sequence[Encoded]) -> list[list[float]]:
        """For each row the log-probability of every token of its answer, in nats."""
        return self._each(self._score, rows)

    def answer(self, prompts: Sequence[list[int]], most: int) -> list[str | None]:
        """The likeliest answer to each prompt; None where it does not end within `most` tokens."""
        return self._each(lambda ids: self._answer(ids, most), prompts)

    def _score(self, row: Encoded) -> list[float]:
        asked = {"prompt": row.ids, "echo": True, "max_tokens": 0, "logprobs": 0}
        found = self._completed(asked)["logprobs"]["token_logprobs"]
        return [float(value) for value in found[row.start : len(row.ids)]]

    def _answer(self, ids: list[int], most: int) -> str | None:
        choice = self._completed({"prompt": ids, "max_tokens": most})
        return str(choice["text"]).strip() if choice["finish_reason"] == "stop" else None

    def _completed(self, asked: dict[str, Any]) -> dict[str, Any]:
        body = {"model": self._name, "temperature": 0, **asked}
        choice: dict[str, Any] = self._said("POST", "/v1/completions", body)["choices"][0]
        return choice

    def _said(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, json=body)
            answer.raise_for_status()
            said: dict[str, Any] = answer.json()
        except httpx.HTTPStatusError as refusal:
            why = refusal.response.text.strip()[:200]
            raise TeacherRefused(f"The teacher's server at {self._root} says no: {why}") from refusal
        except (httpx.HTTPError, ValueError) as problem:
            raise TeacherRefused(
                f"The teacher's server at {self._root} does not answer ({problem}): "
                "start it, or correct [learning] teacher_url."
            ) from problem
        return said

    def _each(self, ask: Callable[[T], R], what: Sequence[T]) -> list[R]:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(ask, what))
