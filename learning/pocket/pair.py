"""How do two cores train one model? Two processes each take half of every step and add up their gradients.

Threads would wait for one another's Python. Both processes start alike and move their own copy of the weights
by the same sum, so the copies stay equal to the bit, and one process doing both halves gets the same model.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable
from multiprocessing.connection import wait

import torch

LONGEST_STEP_SECONDS = 300  # a busy or suspended machine is slow; a partner that is gone answers never
_fork = multiprocessing.get_context("fork")  # the partner inherits model and data as they are


class Alone:
    """One process does both halves."""

    halves = (0, 1)

    def total(self, own: list[torch.Tensor]) -> torch.Tensor:
        return own[0] + own[1]


class Half:
    """One of two processes; `total` waits for the other one's gradients."""

    def __init__(self, half: int, slots: torch.Tensor, barrier: threading.Barrier) -> None:
        self.halves = (half,)
        self._half = half
        self._slots = slots
        self._barrier = barrier
        self._step = 0

    def total(self, own: list[torch.Tensor]) -> torch.Tensor:
        # Two slots in turn: who has left the barrier may write again while the other one still reads.
        slot = self._slots[self._step % 2]
        slot[self._half] = own[0]
        self._barrier.wait(LONGEST_STEP_SECONDS)
        self._step += 1
        return slot[0] + slot[1]


def run_in_halves(steps: Callable[[Alone | Half], None], size: int, processes: int) -> None:
    """Run the same steps in one or two processes; this one always sees the end of them.

    `size` is the number of gradient values. Raises threading.BrokenBarrierError when the partner dies.
    """
    if processes < 2:
        steps(Alone())
        return
    slots = torch.frombuffer(mmap.mmap(-1, 4 * size * 4), dtype=torch.float32).view(2, 2, size)
    barrier = _fork.Barrier(2)

    def partner() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the first process decides
        threading.Thread(target=_leave_with_the_first, daemon=True).start()
        _or_abort(steps, Half(1, slots, barrier), barrier)

    process = _fork.Process(target=partner, daemon=True)
    with warnings.catch_warnings():
        # Python warns of forking beside other threads; ours are the tokenizer's, idle and not used again.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    try:
        _or_abort(steps, Half(0, slots, barrier), barrier)
    finally:
        process.join(timeout=5)
        process.terminate()


def _or_abort(steps: Callable[[Alone | Half], None], half: Half, barrier: threading.Barrier) -> None:
    try:
        steps(half)
    except BaseException:
        barrier.abort()
        raise


def _leave_with_the_first() -> None:
    first = multiprocessing.parent_process()
    if first is not None:
        wait([first.sentinel])
    os._exit(1)
