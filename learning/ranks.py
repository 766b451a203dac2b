"""How do several processes train one adapter? Each takes its share of every update; the first one speaks.

Processes find each other by the environment that torchrun, `accelerate launch` and Ray Train set as well
(RANK, WORLD_SIZE, MASTER_ADDR, ...), so a trainer that runs here runs there, on several machines too.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty
from typing import Any

from torch import multiprocessing
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from learning.failures import TrainingFailed

LOOK_EVERY = 0.2  # seconds
OnProgress = Callable[[float, Mapping[str, Any]], None]


def is_one_of_many() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_first() -> bool:
    """The one process that writes the adapter and says how far the training is."""
    return int(os.environ.get("RANK", "0")) == 0


def together(
    train: Callable[..., dict[str, Any]],
    arguments: tuple[Any, ...],
    options: Mapping[str, Any],
    processes: int,
    on_progress: OnProgress,
) -> dict[str, Any]:
    """Call `train(*arguments, **options, on_progress=...)` in so many new processes; the first one's report.

    Ends all of them when one fails, and raises TrainingFailed with the sentence of the one that knew why.
    """
    told = multiprocessing.get_context("spawn").Queue()
    group = multiprocessing.spawn(
        _one, (train, arguments, dict(options), processes, _free_port(), told), processes, False, True
    )
    report: dict[str, Any] | None = None
    failure = ""
    try:
        running = True
        while running or not told.empty():
            try:
                kind, *news = told.get(timeout=LOOK_EVERY)
            except Empty:
                running = running and not group.join(timeout=0)
                continue
            if kind == "progress":
                on_progress(*news)
            elif kind == "report":
                [report] = news
            else:
                failure = failure or news[0]
    except (ProcessExitedException, ProcessRaisedException) as ended:
        while not told.empty():
            kind, *news = told.get()
            failure = news[0] if kind == "failed" and not failure else failure
        first_line = str(ended).strip().splitlines()[-1]
        raise TrainingFailed(failure or f"One of the training processes ended: {first_line}") from ended
    if report is None:
        raise TrainingFailed(failure or "The training processes ended without a report.")
    return report


def _one(
    rank: int,
    train: Callable[..., dict[str, Any]],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    processes: int,
    port: int,
    told: Any,
) -> None:
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }

    def tell(share: float, metrics: Mapping[str, Any]) -> None:
        if rank == 0:
            told.put(("progress", share, dict(metrics)))

    try:
        report = train(*arguments, **options, on_progress=tell)
    except TrainingFailed as failure:
        told.put(("failed", str(failure)))
        told.close()
        told.join_thread()  # said before this process is gone
        raise
    if rank == 0:
        told.put(("report", report))


def _end_with(parent: int) -> None:
    """A process never outlives the one that started the group, which may be killed without a word."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
