"""Serves the app in this process, beside whatever else runs in it, and ends when it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from api.world import World

GRACE_SECONDS = 5  # for answers under way when we are told to stop


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C is for whoever runs us to pass on."""
        yield


def bound(host: str, port: int) -> socket.socket:
    """The socket to listen on; 0 is any free port. Raises OSError when somebody has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By name, or asyncio does not take it for TCP, and the end of an answer waits 40 ms for its beginning.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


async def serve(app: FastAPI, world: World, listening: socket.socket) -> None:
    """Until it is cancelled: streams of events end then, and answers under way have a few seconds."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        await world.events.close()
        await world.talk.close()
        server.should_exit = True
        await serving
        listening.close()
