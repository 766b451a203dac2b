"""Who may come in, with what, and what did they do? Accounts, sessions, tokens, the audit log.

Secrets are never kept: a password as its Argon2 hash, a session's and a token's secret as their SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.records import now, stable_id
from storage.tables import AccountRow, AuditRow, SessionRow, TokenRow, columns, selecting, values

SEEN_EVERY = timedelta(minutes=1)  # how exactly we know when somebody was there last


class NameTaken(ValueError):
    """Somebody else has this name, or this account elsewhere."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is an account {name!r} already, or one with that Discord id; choose another")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may come in."""

    id: str
    name: str
    role: str  # owner, trainer, viewer
    created_at: datetime
    password_hash: str | None = None
    discord_id: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One browser in which somebody is signed in; `id` is the hash of what its cookie says."""

    id: str
    account_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str


@dataclass(frozen=True, slots=True)
class Token:
    """What a program signs in with; `hash` is that of its secret."""

    id: str
    account_id: str
    name: str
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)


@dataclass(frozen=True, slots=True)
class Audit:
    number: int
    at: datetime
    who: str
    action: str
    about: str
    outcome: str


def hashed(secret: str) -> str:
    """Of a secret as long as ours, nobody finds it out; a password needs Argon2 instead."""
    return hashlib.sha256(secret.encode()).hexdigest()


class AccessStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    # accounts

    async def add_account(
        self,
        name: str,
        role: str,
        *,
        password_hash: str | None = None,
        discord_id: str | None = None,
        first: bool = False,
    ) -> Account | None:
        """Raises NameTaken. `first`: only if nobody has an account with a password yet, else None."""
        at = now()
        account = Account(
            stable_id("account", name, at.isoformat()), name, role, at, password_hash, discord_id
        )
        try:
            async with self._database.transaction() as session:
                await self._database.alone(session, "accounts")
                if first and await session.scalar(select(func.count()).select_from(AccountRow)):
                    return None
                await session.execute(self._database.insert(AccountRow).values(values(account)))
        except IntegrityError as taken:
            raise NameTaken(name) from taken
        return account

    async def accounts(self) -> list[Account]:
        """Oldest first."""
        query = selecting(AccountRow, Account).order_by(AccountRow.created_at, AccountRow.id)
        async with self._database.reading() as session:
            return [Account(*row) for row in await session.execute(query)]

    async def account(self, **wanted: str) -> Account | None:
        """By `id`, `name` or `discord_id`."""
        query = selecting(AccountRow, Account).filter_by(**wanted)
        async with self._database.reading() as session:
            row = (await session.execute(query)).one_or_none()
        return Account(*row) if row else None

    async def set_password(self, account_id: str, password_hash: str, keep: str | None = None) -> None:
        """Whoever was signed in as them is not any more, but for the session `keep`."""
        changed = update(AccountRow).filter_by(id=account_id).values(password_hash=password_hash)
        gone = delete(SessionRow).where(SessionRow.account_id == account_id)
        async with self._database.transaction() as session:
            await session.execute(changed)
            await session.execute(gone.where(SessionRow.id != keep) if keep else gone)

    async def remove_account(self, account_id: str) -> bool:
        """With its sessions and tokens. False: there is none, or it is the last owner."""
        owners = select(func.count()).select_from(AccountRow).where(AccountRow.role == "owner")
        async with self._database.transaction() as session:
            await self._database.alone(session, "accounts")
            others = await session.scalar(owners.where(AccountRow.id != account_id))
            if not others:
                return False
            for row in (SessionRow, TokenRow):
                await session.execute(delete(row).where(row.account_id == account_id))
            return await self._database.touched(session, delete(AccountRow).filter_by(id=account_id)) == 1

    # sessions

    async def open_session(self, account_id: str, secret: str, lasts: timedelta, agent: str) -> Session:
        at = now()
        opened = Session(hashed(secret), account_id, at, at, at + lasts, agent)
        async with self._database.transaction() as session:
            await session.execute(delete(SessionRow).where(SessionRow.expires_at < at))
            await session.execute(self._database.insert(SessionRow).values(values(opened)))
        return opened

    async def of_session(self, secret: str) -> tuple[Account, Session] | None:
        """Whose it is, while it lasts."""
        query = (
            select(*columns(AccountRow, Account), *columns(SessionRow, Session))
            .join(AccountRow, AccountRow.id == SessionRow.account_id)
            .where(SessionRow.id == hashed(secret), SessionRow.expires_at > now())
        )
        found = await self._pair(query, Session)
        if found and now() - found[1].seen_at > SEEN_EVERY:
            await self._touch(update(SessionRow).filter_by(id=found[1].id).values(seen_at=now()))
        return found

    async def sessions(self, account_id: str) -> list[Session]:
        query = selecting(SessionRow, Session).filter_by(account_id=account_id)
        query = query.where(SessionRow.expires_at > now()).order_by(SessionRow.seen_at.desc())
        async with self._database.reading() as session:
            return [Session(*row) for row in await session.execute(query)]

    async def close_session(self, account_id: str, id: str) -> bool:
        async with self._database.transaction() as session:
            gone = delete(SessionRow).filter_by(account_id=account_id, id=id)
            return await self._database.touched(session, gone) == 1

    # tokens

    async def add_token(self, token: Token) -> None:
        await self._touch(self._database.insert(TokenRow).values(values(token)))

    async def of_token(self, secret: str) -> tuple[Account, Token] | None:
        """Whose it is, while it holds."""
        query = (
            select(*columns(AccountRow, Account), *columns(TokenRow, Token))
            .join(AccountRow, AccountRow.id == TokenRow.account_id)
            .where(TokenRow.hash == hashed(secret))
        )
        found = await self._pair(query, Token)
        if found is None or not found[1].holds(at := now()):
            return None
        if found[1].used_at is None or at - found[1].used_at > SEEN_EVERY:
            await self._touch(update(TokenRow).filter_by(id=found[1].id).values(used_at=at))
        return found

    async def tokens(self, account_id: str | None = None) -> list[Token]:
        """Oldest first; of everybody where nobody is named."""
        query = selecting(TokenRow, Token).order_by(TokenRow.created_at, TokenRow.id)
        query = query.filter_by(account_id=account_id) if account_id else query
        async with self._database.reading() as session:
            return [Token(*row) for row in await session.execute(query)]

    async def revoke(self, id: str, account_id: str | None = None) -> bool:
        """False: there is none that still holds. `account_id`: only if it is theirs."""
        gone = update(TokenRow).filter_by(id=id, revoked_at=None)
        gone = gone.filter_by(account_id=account_id) if account_id else gone
        async with self._database.transaction() as session:
            return await self._database.touched(session, gone.values(revoked_at=now())) == 1

    # the audit log

    async def note(self, who: str, action: str, about: str = "", outcome: str = "") -> None:
        row = {"at": now(), "who": who, "action": action, "about": about[:300], "outcome": outcome}
        await self._touch(self._database.insert(AuditRow).values(row))

    async def audit(self, limit: int, before: int | None = None) -> Sequence[Audit]:
        """Newest first."""
        query = selecting(AuditRow, Audit).order_by(AuditRow.number.desc()).limit(limit)
        query = query if before is None else query.where(AuditRow.number < before)
        async with self._database.reading() as session:
            return [Audit(*row) for row in await session.execute(query)]

    async def _pair(self, query: Any, kind: type[Any]) -> tuple[Account, Any] | None:
        async with self._database.reading() as session:
            row = (await session.execute(query)).one_or_none()
        if row is None:
            return None
        width = len(Account.__slots__)
        return Account(*row[:width]), kind(*row[width:])

    async def _touch(self, statement: Any) -> None:
        async with self._database.transaction() as session:
            await session.execute(statement)
