"""The model server of this machine, in the foreground, where the other commands of this home find it."""

from __future__ import annotations

import asyncio
import signal

from twin import show
from twin.build import find_base, register_server, start_server
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings


async def serve_model(home: Home, settings: Settings, *, engine: str | None, port: int) -> None:
    if engine not in (None, "auto", "embedded", "vllm"):
        raise Told(f"there is no engine '{engine}'", "choose auto, embedded or vllm", exit_code=2)
    base = await find_base(settings)
    stop = stop_signal()
    with home.only_one("serve"):
        async with start_server(home, settings, base, engine=engine, port=port) as server:
            registered = register_server(home, server)
            try:
                show.sentence(f"serving {base.label()} by {server.engine} at {server.url} (Ctrl-C stops it)")
                died = asyncio.create_task(server.wait())
                await asyncio.wait(
                    {died, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED
                )
                if died.done():
                    raise Told(f"the model server stopped by itself; its log is {server.log_path}")
            finally:
                registered.unlink(missing_ok=True)


def stop_signal() -> asyncio.Event:
    """Set on Ctrl-C and SIGTERM, so that everything is closed in order."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
