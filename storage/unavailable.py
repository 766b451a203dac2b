"""The database said no: what does that mean to a person, and what should they do about it?"""

from __future__ import annotations

from sqlalchemy import URL


class DatabaseUnavailable(Exception):
    """The database cannot be used now. The message says which, why, and what to do; never a password."""


class DatabaseTooNew(Exception):
    """A newer twin has written this database."""


# By the name that SQLite gives the error; the extended names begin with these.
SQLITE = {
    "SQLITE_FULL": "the disk is full. Make room, then start again; what was kept before is still there",
    "SQLITE_READONLY": "it can only be read. Give this user the right to write the file and its folder",
    "SQLITE_NOTADB": "the file is damaged or is no SQLite database. Restore a backup, or move the file away",
    "SQLITE_CORRUPT": "the file is damaged. Restore a backup, or move the file away",
    "SQLITE_BUSY": "another program kept it locked for too long. Find and stop that program, or try again",
    "SQLITE_LOCKED": "another program kept it locked for too long. Find and stop that program, or try again",
    "SQLITE_CANTOPEN": "it cannot be opened. Check the path, and that this user may write there",
    "SQLITE_PERM": "this user may not open it. Check who owns the file",
    "SQLITE_AUTH": "this user may not open it. Check who owns the file",
    "SQLITE_IOERR": "the disk failed to read or write. Check its free space and its health",
    "SQLITE_PROTOCOL": "its locks do not work. Keep it on a local disk, not on a network share",
}
POOLED = (
    "a pooler (pgbouncer, say) stands in between and does not hand on whose rows a connection may see "
    "(twin.id). Name Postgres itself in the URL: each process keeps a small pool of its own"
)
# By SQLSTATE, or its first characters; the first that fits.
POSTGRES = {
    "08P01": POOLED,
    "28": "the server refused the user or the password. Check both in the URL",
    "3D000": "the server has no such database. Make it with createdb, or correct the name in the URL",
    "42501": "this user may not do that there. Grant it CREATE on the schema public",
    "25006": "the server only allows reading. Use the primary, not a standby",
    "53100": "the server's disk is full. Make room there, then start again",
    "53": "the server is out of connections or memory. Try again, or raise its limits",
    "55P03": "another program kept it locked for too long. Find and stop that program, or try again",
    "57014": "the server gave up on a statement that took too long. Try again when it is less busy",
    "57P": "the server is stopping or starting. Try again in a moment",
    "08": "the connection broke. Check that the server is running, then try again",
    "58": "the server's disk failed. Look at the server's log",
    "XX00": "the server found damaged data. Look at the server's log, and restore a backup",
}
UNKNOWN_OPTION = "an option in the URL, after the question mark, is none the driver knows. Remove it"
NOBODY_THERE = "nobody answers there. Start the server, or correct the URL"


def shown(url: URL) -> str:
    """The URL as it may be logged: no password, not even one among the options."""
    return url.set(query={}).render_as_string(hide_password=True)


def explain(url: URL, error: Exception) -> DatabaseUnavailable | None:
    """What to raise instead, or None when the error is our own mistake and should be seen as it is.

    Only for what a driver raised: a TypeError, say, means a wrong option there.
    """
    reason = _reason(error)
    return DatabaseUnavailable(f"cannot use the database {shown(url)}: {reason}.") if reason else None


def _reason(error: Exception) -> str | None:
    if isinstance(error, OSError | TimeoutError):
        return NOBODY_THERE
    if isinstance(error, TypeError):
        return UNKNOWN_OPTION
    cause = getattr(error, "orig", error)
    if name := getattr(cause, "sqlite_errorname", None):
        return next((words for prefix, words in SQLITE.items() if name.startswith(prefix)), None)
    if state := getattr(cause, "sqlstate", None):
        return next((words for prefix, words in POSTGRES.items() if state.startswith(prefix)), None)
    return POSTGRES["08"] if getattr(error, "connection_invalidated", False) else None
