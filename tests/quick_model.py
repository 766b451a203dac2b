"""A model server that needs no model: which question was answered, and what when it dies?

It speaks the OpenAI protocol as vLLM does. Questions carry numbers ("#12"); each answer names those of the
words it was asked last, so that every answer in a chat can be matched with its question from outside.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any

from aiohttp import web

NUMBER = re.compile(r"#(\d+)")
NAME = "quick"
TAIL = "is what you asked, and that is all there is to say"


class QuickModel:
    def __init__(self, *, piece_seconds: float = 0.0, tells_model: bool = False, name: str = NAME) -> None:
        self.name = name
        self.piece_seconds = piece_seconds
        self.tells_model = tells_model  # each answer begins with the name of the model that was asked
        self.down = False  # every request is cut off
        self.fails = False  # every question is answered with 500
        self.asleep = False
        self.probe_seconds = 0.0  # that it takes to say whether it sleeps
        self.silent = False  # answers are accepted, and no word of them ever comes
        self.dies_after: int | None = None  # pieces; then the connection is cut, each time
        self.hangs_after: int | None = None  # pieces; then nothing more comes
        self.refuses: set[str] = set()  # adapters
        self.adapters: dict[str, str] = {}
        self.asked: list[str] = []  # the last words of each prompt
        self.sessions: list[str | None] = []  # X-Session-ID of each
        self.traces: list[str | None] = []  # traceparent of each
        self.harmed = 0  # answers that ended in 500, or never
        self.abandoned = 0  # answers nobody listened to to the end
        self.busy = 0
        self.most_at_once = 0
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        application = web.Application()
        application.router.add_get("/health", self._health)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/v1/models", self._models)
        application.router.add_post("/v1/chat/completions", self._answer)
        application.router.add_post("/sleep", self._sleep)
        application.router.add_post("/wake_up", self._sleep)
        application.router.add_get("/is_sleeping", self._is_sleeping)
        application.router.add_post("/v1/load_lora_adapter", self._load)
        application.router.add_post("/v1/unload_lora_adapter", self._unload)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0.2, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response(status=503 if self.down else 200)

    async def _sleep(self, request: web.Request) -> web.Response:
        self.asleep = request.path == "/sleep"
        return web.Response()

    async def _is_sleeping(self, request: web.Request) -> web.Response:
        answer = {"is_sleeping": self.asleep}
        await asyncio.sleep(self.probe_seconds)  # what it says is old by then
        return web.json_response(answer)

    async def _metrics(self, request: web.Request) -> web.Response:
        lines = (
            "# HELP vllm:num_requests_running Number of requests.",
            "# TYPE vllm:num_requests_running gauge",
            f'vllm:num_requests_running{{model_name="{self.name}"}} {self.busy}',
            "# TYPE vllm:lora_requests_info gauge",
            'vllm:lora_requests_info{running_lora_adapters="a"} 1',
            "# TYPE process_start_seconds gauge",
            "process_start_seconds 1",
        )
        return web.Response(text="\n".join(lines) + "\n")

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": name} for name in (self.name, *self.adapters)]})

    async def _load(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["lora_name"] in self.refuses:
            return _error(400, f"{body['lora_name']} is no good")
        self.adapters[body["lora_name"]] = body["lora_path"]
        return web.Response()

    async def _unload(self, request: web.Request) -> web.Response:
        body = await request.json()
        return web.Response() if self.adapters.pop(body["lora_name"], None) else _error(404, "not there")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        try:
            return await self._stream(request)
        except ConnectionError:  # whoever asked has gone
            self.abandoned += 1
            return web.Response()
        except asyncio.CancelledError:  # likewise
            self.abandoned += 1
            raise
        finally:
            self.busy -= 1

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        words = last_words(body["messages"])
        self.asked.append(words)
        self.sessions.append(request.headers.get("X-Session-ID"))
        self.traces.append(request.headers.get("traceparent"))
        if self.fails:
            self.harmed += 1
            return _error(500, "out of order")
        if body["model"] not in (self.name, *self.adapters):
            return _error(404, f"there is no {body['model']}")
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        answer = f"{body['model']} {answer_to(words)}" if self.tells_model else answer_to(words)
        pieces = [f"{piece} " for piece in answer.split()]
        if not self.down:
            await stream.prepare(request)
            if self.silent:
                await asyncio.Event().wait()
            for number, piece in enumerate(pieces):
                if self.down or number == self.dies_after:
                    break
                if number == self.hangs_after:
                    self.harmed += 1
                    await asyncio.Event().wait()
                await stream.write(_event({"choices": [{"delta": {"content": piece}}]}))
                await asyncio.sleep(self.piece_seconds)
            else:
                used = {"prompt_tokens": len(words.split()), "completion_tokens": len(pieces)}
                await stream.write(_event({"choices": [], "usage": used}) + b"data: [DONE]\n\n")
                return stream
        if request.transport:
            request.transport.abort()
        return stream


def answer_to(words: str) -> str:
    return " ".join([*(f"#{number}" for number in NUMBER.findall(words)), TAIL])


def last_words(messages: list[dict[str, str]]) -> str:
    """Of one person: where several talk, each line begins with a name."""
    lines = messages[-1]["content"].splitlines()
    speakers = [line.partition(": ")[0] if ": " in line else "" for line in lines]
    while speakers and speakers[0] != speakers[-1]:
        del speakers[0], lines[0]
    later = next((at for at in range(len(speakers), 0, -1) if speakers[at - 1] != speakers[-1]), 0)
    return "\n".join(lines[later:])


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": status}}, status=status)


async def _serve(port: int, piece_seconds: float, tells_model: bool) -> None:
    """As a process of its own, to be killed or stopped; on its input it hears how to behave, and
    says each time how many answers it has harmed so far.

    python tests/quick_model.py PORT PIECE_SECONDS [quietly]
    """
    model = QuickModel(piece_seconds=piece_seconds, tells_model=tells_model)
    await model.start(port)
    print("ready", flush=True)
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        model.fails, model.hangs_after = word == "fails", 3 if word == "hangs" else None
        print(model.harmed, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]), "quietly" not in sys.argv))
