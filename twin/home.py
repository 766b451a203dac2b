"""Where does everything that one twin owns lie? Under one folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twin.errors import Told


@dataclass(frozen=True, slots=True)
class Home:
    root: Path

    @property
    def settings_file(self) -> Path:
        return self.root / "twin.toml"

    @property
    def database_url(self) -> str:
        return f"sqlite+aiosqlite:///{self.root / 'twin.db'}"

    @property
    def adapters(self) -> Path:
        return self.root / "adapters"

    @property
    def corpora(self) -> Path:
        return self.root / "corpora"

    @property
    def preferences(self) -> Path:
        return self.root / "preferences"

    @property
    def teacher(self) -> Path:
        return self.root / "teacher"

    @property
    def rewards(self) -> Path:
        """Reward models: what replies are scored with in training, and nobody is answered by."""
        return self.root / "rewards"

    @property
    def corrections(self) -> Path:
        return self.root / "corrections.json"

    @property
    def receipts(self) -> Path:
        """What was forgotten when, by count; not what it said."""
        return self.root / "receipts"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def make(self) -> None:
        """Make the folders, or say why that cannot be."""
        try:
            for folder in (self.adapters, self.corpora, self.preferences, self.teacher, self.runs, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise Told(
                f"cannot use {self.root} as the twin's home: {reason.strerror}", "choose another: --home DIR"
            ) from reason

    def pseudonym_key(self) -> bytes:
        """The secret that makes one person one placeholder for ever. Made once, for the owner's eyes."""
        path = self.root / "pseudonym.key"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _key_in(path)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
        except OSError:  # or an empty one would be the key from now on
            path.unlink(missing_ok=True)
            raise
        return _key_in(path)

    @contextmanager
    def only_one(self, what: str) -> Iterator[None]:
        """Hold the home for one `what` at a time; a second one is told, and a crash leaves nothing behind."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / f"{what}.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise Told(
                    f"'twin {what}' is already running on {self.root} (process {file.read().strip() or '?'})",
                    "stop that one first, or use another home: --home DIR",
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def _key_in(path: Path) -> bytes:
    with contextlib.suppress(ValueError):
        if key := bytes.fromhex(path.read_text().strip()):
            return key
    raise Told(
        f"{path} holds no key: it is empty or damaged",
        "bring it back from a backup; where nothing was ingested yet, delete it",
    )
