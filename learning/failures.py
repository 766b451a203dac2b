"""What can go wrong with a training? One exception, one sentence that says what to do."""

from __future__ import annotations

import errno

FULL_DISK = (
    "No space left on device",
    "File too large",
    f"os error {errno.ENOSPC}",
    f"os error {errno.EFBIG}",
)


DISK = "The disk is full: free some space, then start the training again."
MEMORY = "Out of memory while training: lower batch_size or max_length in the recipe."
NO_MEMORY = ("MemoryError", "OutOfMemoryError", "Cannot allocate memory", "can't allocate memory")


class TrainingFailed(Exception):
    """A training did not lead to an adapter. The message is one sentence; no adapter folder was left."""


class TrainerKilled(TrainingFailed):
    """Its process was killed from outside, which says nothing about the training: it may be tried again."""


class RunPostponed(TrainingFailed):
    """What the run needs is away for a while. It waits in the queue meanwhile, and that is no attempt."""


class RunCancelled(TrainingFailed):
    """Somebody asked for the run to stop."""


class RunLost(TrainingFailed):
    """The run is somebody else's by now, or over: nothing may be written about it any more."""


class TeacherRefused(TrainingFailed):
    """There is nobody to learn from: the teacher is not there, or cannot be asked. One sentence, too."""


def explained(error: BaseException) -> TrainingFailed | None:
    """The error in one sentence if it is the world's fault; None for a bug, which keeps its traceback."""
    if isinstance(error, TrainingFailed):
        return error
    text = str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return TrainingFailed(MEMORY)
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or any(
        sign in text for sign in FULL_DISK
    ):
        return TrainingFailed(DISK)
    if isinstance(error, OSError):
        return TrainingFailed(
            f"A file could not be read or written: {text.splitlines()[0] if text else error!r}"
        )
    return None


def last_words(log: str) -> str | None:
    """What the end of a log says of a process that came to no result: the disk, the memory, or nothing."""
    if any(sign in log for sign in FULL_DISK):
        return DISK
    return MEMORY if any(sign in log for sign in NO_MEMORY) else None
