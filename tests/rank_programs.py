"""What do the processes of a test's group do? They are started anew, so they must be able to import it."""

from __future__ import annotations

import os
import time

from learning.failures import TrainingFailed


def counts(total, *, on_progress):
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    on_progress(0.5, {"rank": rank})
    return {"rank": rank, "share": total / size}


def second_fails(*, on_progress):
    if os.environ["RANK"] == "1":
        raise TrainingFailed("The disk is full: free some space.")
    time.sleep(600)


def second_dies(*, on_progress):
    if os.environ["RANK"] == "1":
        os._exit(7)
    time.sleep(600)


def tells_its_pid(file, *, on_progress):
    with open(f"{file}.{os.environ['RANK']}", "w") as note:
        note.write(str(os.getpid()))
    time.sleep(600)
