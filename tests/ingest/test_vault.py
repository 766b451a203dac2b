"""Does the vault tell only whoever has the key?"""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.source import Owner, Person
from ingest.vault import Vault, VaultLocked, new_key

pytest.importorskip("cryptography", reason="pip install 'twin[vault]'")


def test_what_placeholders_stand_for_comes_back_with_the_key_and_not_without(tmp_path: Path) -> None:
    key, path = new_key(), tmp_path / "vault.bin"
    vault = Vault(path, key)
    roster = Roster(bytes(32), Owner(), vault.keep)
    roster.learn(Person("chat:1", ("Tamsin Okonjo",)))
    text = Redactor(roster).redact("Tamsin: tam@example.org")
    vault.save()
    assert b"amsin" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    person, mail = text.split(": ")
    again = Vault(path, key)
    assert again.originals(person) == ["Tamsin Okonjo"]
    assert again.originals(mail) == ["tam@example.org"]
    again.forget(person)
    assert again.originals(person) == []
    with pytest.raises(VaultLocked, match="another key"):
        Vault(path, new_key())
    with pytest.raises(VaultLocked, match="no key"):
        Vault(path, "1234")
