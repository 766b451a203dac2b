"""`twin review`: names nobody known answers to. The owner says who is a person; the records follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ingest.pipeline import REVIEW
from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.source import Person
from ingest.spellings import fold
from ingest.strangers import Stranger, Strangers
from ingest.vault import Vault
from storage.records import with_changes
from twin import show
from twin.build import Stores, open_stores
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings

VERDICTS = ("person", "no", "later")


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one name, and how many kept records lost it."""

    name: str
    verdict: str
    placeholder: str | None = None
    records_changed: int = 0


def waiting(home: Home) -> list[Stranger]:
    return _strangers(home).waiting()


async def decide(home: Home, settings: Settings, name: str, verdict: str) -> Decided:
    """A person goes to the roster and out of the records; anybody else is never asked about again."""
    if verdict not in VERDICTS:
        raise Told(f"'{verdict}' is no answer", f"say one of: {', '.join(VERDICTS)}", exit_code=2)
    if not fold(name).strip():
        raise Told("that is no name", "'twin review' lists them", exit_code=2)
    if verdict == "later":
        return Decided(name, verdict)
    with home.only_one("review"):
        strangers = _strangers(home)
        known = strangers.find(name)
        if verdict == "no" and known is None:
            raise Told(f"nobody asked about '{name}'", "'twin review' lists the names", exit_code=2)
        done = Decided(name, verdict)
        if verdict == "person":
            async with open_stores(home, settings) as stores:
                done = await _hide(home, settings, stores, known.name if known else name)
        strangers.decide(name)
        strangers.save(home.root / REVIEW)
    return done


async def _hide(home: Home, settings: Settings, stores: Stores, name: str) -> Decided:
    """The roster first: should we be stopped half way, saying it again finishes the records."""
    roster, vault = open_roster(home, settings)
    key = f"review:{fold(name)}"
    roster.learn(Person(key, (name,)))
    roster.save(home.root / "roster.json")
    if vault:
        vault.save()
    redactor = Redactor(roster)
    changed = []
    for record in await stores.records.find():
        if (text := redactor.redact(record.text)) != record.text:
            changed.append(with_changes(record, text=text))
    await stores.records.add_all(changed)
    return Decided(name, "person", roster.placeholder(key), len(changed))


async def ask(home: Home, settings: Settings, answer: Callable[[Stranger], str]) -> list[Decided]:
    """Every waiting name, one by one, until the answer is "quit"."""
    decided = []
    for stranger in waiting(home):
        if (verdict := answer(stranger)) == "quit":
            break
        decided.append(await decide(home, settings, stranger.name, verdict))
    return decided


def as_json(home: Home, settings: Settings, *, originals: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"waiting": [stranger.as_json() for stranger in waiting(home)]}
    if originals:
        found["originals"] = known_people(home, settings)
    return found


def known_people(home: Home, settings: Settings) -> dict[str, list[str]]:
    """Who the placeholders stand for. Only the vault knows, and only its key opens it."""
    vault = open_vault(home, settings)
    if vault is None:
        raise Told(
            "what the placeholders stand for is not kept, or the key is not here",
            "'twin review --new-key' makes a key; set it as TWIN_VAULT__KEY, then ingest again",
        )
    roster, _ = open_roster(home, settings)
    return {placeholder: vault.originals(placeholder) for placeholder in roster.people()}


def open_vault(home: Home, settings: Settings) -> Vault | None:
    key = settings.vault.key
    return Vault(home.root / "vault.bin", key.get_secret_value()) if key else None


def open_roster(home: Home, settings: Settings) -> tuple[Roster, Vault | None]:
    """Everybody the twin knows by name."""
    vault = open_vault(home, settings)
    roster = Roster(home.pseudonym_key(), settings.owner.owner(), vault.keep if vault else None)
    roster.load(home.root / "roster.json")
    return roster, vault


def show_waiting(found: list[Stranger]) -> None:
    rows = [(one.name, one.count, ", ".join(one.sources), next(iter(one.contexts), "")) for one in found]
    show.table(f"{len(found)} names nobody answers to", ("name", "records", "sources", "for example"), rows)


def show_decided(decided: list[Decided]) -> None:
    for one in decided:
        if one.verdict == "person":
            show.sentence(
                f"{one.name} is {one.placeholder} from now on; {one.records_changed} records changed"
            )
    if any(one.records_changed for one in decided):
        show.sentence("next: 'twin corpus build', so that nothing is trained on the old text")


def _strangers(home: Home) -> Strangers:
    strangers = Strangers()
    strangers.load(home.root / REVIEW)
    return strangers
