"""Does it cost memory to ask, five times a second for days, whether a training is over?"""

from __future__ import annotations

import asyncio
import sys

from learning.targets import local
from learning.targets.local import LocalTarget
from learning.targets.warm import Warm


class Sleeper(Warm):
    """A worker that is ready, and never done."""

    async def begin(self, job, added=None):
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "import time; time.sleep(600)"), start_new_session=True
        )
        return self._child


async def test_however_often_a_training_is_looked_at_one_wait_for_its_end_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "LOOK_EVERY", 0.001)
    warm = Sleeper()
    target = LocalTarget(warm=warm)
    handle = await target.start(tmp_path, "run")
    assert [await target.poll(handle) for _ in range(100)] == [None] * 100
    kept_by_asyncio = warm._child._transport._exit_waiters
    assert len(kept_by_asyncio) == 1
    await target.stop(handle)
    ended = await target.poll(handle)
    assert (ended.code, ended.out_of_memory) == (-15, False)
