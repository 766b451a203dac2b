"""What can go wrong with a training? One exception, one sentence that says what to do."""

from __future__ import annotations

import errno

FULL_DISK = (
    "No space left on device",
    "File too large",
    f"os error {errno.ENOSPC}",
    f"os error {errno.EFBIG}",
)


class TrainingFailed(Exception):
    """A training did not lead to an adapter. The message is one sentence; no adapter folder was left."""


class TeacherRefused(TrainingFailed):
    """There is nobody to learn from: the teacher is not there, or cannot be asked. One sentence, too."""


def explained(error: BaseException) -> TrainingFailed | None:
    """The error in one sentence if it is the world's fault; None for a bug, which keeps its traceback."""
    if isinstance(error, TrainingFailed):
        return error
    text = str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return TrainingFailed("Out of memory while training: lower batch_size or max_length in the recipe.")
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or any(
        sign in text for sign in FULL_DISK
    ):
        return TrainingFailed("The disk is full: free some space, then start the training again.")
    if isinstance(error, OSError):
        return TrainingFailed(
            f"A file could not be read or written: {text.splitlines()[0] if text else error!r}"
        )
    return None
