"""How is a person told that something is wrong? What, where, and what to do."""

from __future__ import annotations

import errno


class Told(Exception):
    """Ends a command with a sentence instead of a traceback. Exit code 2: the command itself is wrong."""

    def __init__(self, what: str, advice: str = "", *, exit_code: int = 1) -> None:
        super().__init__(f"{what}\n{advice}" if advice else what)
        self.what, self.advice, self.exit_code = what, advice, exit_code


def in_words(problem: BaseException) -> Told | None:
    """The sentence for what the world did to us; None for a bug of ours, which should show its traceback."""
    from brain.live_adapter import AdapterUnusable
    from brain.model_client import ModelRefused, ModelUnavailable
    from brain.model_server import ServerFailed
    from brain.serving_choice import DoesNotFit
    from ingest.files import ExportUnreadable
    from ingest.vault import VaultLocked
    from learning.failures import TrainingFailed
    from learning.pocket import PocketUnavailable
    from storage.adapters import NothingToRollBack
    from storage.database import DatabaseTooNew, DatabaseUnavailable
    from storage.runs import AlreadyRunning

    match problem:
        case Told():
            return problem
        case BaseExceptionGroup(exceptions=[only]):
            return in_words(only)
        case ModelUnavailable():
            return Told(
                f"the model server does not answer: {problem}",
                "start it with 'twin serve', or see 'twin doctor'",
            )
        case NothingToRollBack():
            return Told("there is nothing to go back to: the base model is answering already")
        case AlreadyRunning():
            return Told(str(problem), "wait for it, or see 'twin doctor'")
        case (
            ModelRefused()
            | ServerFailed()
            | DoesNotFit()
            | AdapterUnusable()
            | TrainingFailed()
            | ExportUnreadable()
            | VaultLocked()
            | PocketUnavailable()
            | DatabaseTooNew()
            | DatabaseUnavailable()
        ):
            return Told(str(problem))
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Told(
                f"the disk is full{f': {problem.filename}' if problem.filename else ''}",
                "make room, then run the same command again",
            )
        case OSError(errno=errno.EROFS | errno.EFBIG | errno.EIO | errno.ENAMETOOLONG):
            return Told(
                f"{problem.filename or 'a file'}: {problem.strerror}",
                "check the disk and what may be written there ('df', 'ulimit -f')",
            )
        case FileNotFoundError() | PermissionError() | IsADirectoryError() | NotADirectoryError():
            return Told(f"{problem.filename}: {problem.strerror}", "check the path")
    return None
