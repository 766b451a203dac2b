"""What does a placeholder stand for? One encrypted file, only where the owner made a key; off by default."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path


class VaultLocked(Exception):
    """The vault cannot be opened: no library, no valid key, or not this key."""


class Vault:
    """Placeholder -> what was written, encrypted with a key that lies elsewhere (TWIN_VAULT__KEY)."""

    def __init__(self, path: Path, key: str) -> None:
        try:
            from cryptography.fernet import Fernet, InvalidToken
        except ImportError as missing:
            raise VaultLocked("the vault needs a library: pip install 'twin[vault]'") from missing
        try:
            self._cipher = Fernet(key)
        except ValueError as invalid:
            raise VaultLocked("TWIN_VAULT__KEY is no key; 'twin review --new-key' makes one") from invalid
        self._path = path
        self._said: defaultdict[str, list[str]] = defaultdict(list)
        try:
            if path.exists():
                self._said.update(json.loads(self._cipher.decrypt(path.read_bytes())))
        except InvalidToken as wrong:
            raise VaultLocked(f"{path} was locked with another key") from wrong

    def keep(self, placeholder: str, written: str) -> None:
        said = self._said[placeholder]
        if written not in said:
            said.append(written)

    def originals(self, placeholder: str) -> list[str]:
        return list(self._said.get(placeholder, ()))

    def forget(self, placeholder: str) -> None:
        self._said.pop(placeholder, None)

    def save(self) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._cipher.encrypt(json.dumps(self._said, ensure_ascii=False).encode()))
        fresh.replace(self._path)


def new_key() -> str:
    try:
        from cryptography.fernet import Fernet
    except ImportError as missing:
        raise VaultLocked("the vault needs a library: pip install 'twin[vault]'") from missing
    key: bytes = Fernet.generate_key()
    return key.decode()
