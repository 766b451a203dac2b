"""What did the owner write in a git repository? Commit messages, and comments in lines that are theirs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ingest.code_comments import comments
from ingest.code_files import is_generated, worth_reading
from ingest.files import ExportUnreadable, open_export
from ingest.git_repository import Clock, GitStopped, GitUnreadable, Repository, git_folder, open_repository
from ingest.source import OWNER, Owner, Person, Source, place
from storage.records import Kind, Record, Skipped, stable_id

_MAX_CODE = 256 << 10
_BLAME_SECONDS, _ONE_BLAME = 300.0, 20.0
_MAX_PEOPLE = 50_000
_FORMAT = "--format=%H%n%P%n%an%n%ae%n%ce%n%aI%n%B"
_TRAILER = re.compile(
    r"^(?:[A-Z][A-Za-z-]*-by|Cc|Change-Id|git-svn-id|Reviewed-on|Link): ?.*$"
    r"|^\(cherry picked from commit .*\)$|^This reverts commit [0-9a-f]{7,64}\.?$",
    re.MULTILINE,
)
_BY_PROGRAM = re.compile(
    r"Merge (?:branch|pull request|remote|tag|commit)\b|Revert \"|Bump \S+ from \S+ to "
    r"|(?:fixup|squash|amend)! "
)
_BY_WEBSITE = re.compile(
    r"(?:Update|Create|Delete|Rename) \S+(?: to \S+)?|Add files via upload|Initial commit"
)
_NOREPLY = re.compile(r"(?:\d+\+)?(?P<login>[\w-]+)@users\.noreply\.github\.com", re.IGNORECASE)

IsOwner = Callable[[str, str], bool]  # by name and e-mail


@dataclass(slots=True)
class _Line:
    """One line of a file, and who wrote it when."""

    commit: str
    name: str = ""
    email: str = ""
    at: int = 0
    text: str = ""


def recognise(path: Path) -> float:
    """Notes kept in a repository are notes first: only one with code in it is surely read as a repository."""
    if not path.is_dir():
        with open_export(path):  # tells when there is nothing at all
            return 0.0
    folder = git_folder(path)
    if folder is None:
        return 0.0
    if folder == path:
        return 0.85
    with open_export(path) as export:
        vault = any(name.startswith(".obsidian/") for name in export.names)
        code = any(worth_reading(name) for name in export.names if not name.startswith("."))
    # What else lies in a repository with code, an export to test with say, is a part of it.
    return 0.97 if code and not vault else 0.6


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Everybody else who committed."""
    is_owner, told = _owner_of(owner), set[tuple[str, str]]()
    try:
        with open_repository(path) as repository:
            for record in repository.records(
                "log", "-z", "--stdin", "--format=%an%n%ae", given=repository.tips
            ):
                name, _, email = record.partition("\n")
                email = email.strip().lower()
                if (
                    (name, email) in told
                    or is_owner(name, email)
                    or len(told) >= _MAX_PEOPLE
                    or "[bot]" in name
                ):
                    continue
                told.add((name, email))
                login = _NOREPLY.fullmatch(email)
                yield Person(f"git:{email or name.lower()}", (name,), (login["login"],) if login else ())
    except (GitStopped, GitUnreadable, OSError):
        return  # reading it tells


def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
    """The owner's commits on all branches, then their comments in what is checked out."""
    name = path.resolve().name.removesuffix(".git") or "repository"
    if not path.exists():
        raise ExportUnreadable(f"There is no file or folder at {path}. Check the path and try again.")
    is_owner = _owner_of(owner)
    try:
        with open_repository(path) as repository:
            yield from _commits(repository, name, is_owner)
            if repository.head:
                yield from _comments(repository, repository.head, name, is_owner)
    except GitUnreadable as error:
        yield Skipped(path.name, str(error))
    except OSError as error:
        yield Skipped(path.name, f"git cannot be started ({error}); install it and try again")


def _commits(repository: Repository, name: str, is_owner: IsOwner) -> Iterator[Record | Skipped]:
    if not repository.tips:
        yield Skipped(name, "nothing was ever committed here", failed=False)
        return
    try:
        arguments = ("log", "-z", "--stdin", "--encoding=UTF-8", _FORMAT)
        for record in repository.records(*arguments, given=repository.tips):
            yield _commit(record, name, is_owner)
    except GitStopped as error:
        yield Skipped(place(name, "commits"), str(error))


def _commit(record: str, repository: str, is_owner: IsOwner) -> Record | Skipped:
    commit, parents, name, email, committer, at, message = (*record.split("\n", 6), *[""] * 7)[:7]
    where = place(repository, commit[:12] or "?")
    if not is_owner(name, email):
        return Skipped(where, "somebody else's commit", failed=False)
    subject = message.strip().partition("\n")[0]
    if len(parents.split()) > 1 or _BY_PROGRAM.match(subject):
        return Skipped(where, "a message written by a program", failed=False)
    if committer == "noreply@github.com" and _BY_WEBSITE.fullmatch(message.strip()):
        return Skipped(where, "a message written by a website", failed=False)
    said_at = _instant(at)
    if said_at is None:
        return Skipped(where, "no time that can be read")
    text = _TRAILER.sub("", message).strip()
    if not text:
        return Skipped(where, "no words in it", failed=False)
    return Record(
        id=stable_id("git", commit),
        source="git",
        kind=Kind.COMMIT,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"git:{repository}",
        said_at=said_at,
        text=text,
        tags=("technical",),
        audience="owner",
        origin=where,
    )


def _comments(repository: Repository, head: str, name: str, is_owner: IsOwner) -> Iterator[Record | Skipped]:
    clock = Clock(_BLAME_SECONDS)
    try:
        paths = list(_code_files(repository, head))
    except GitStopped as error:
        yield Skipped(place(name, "files"), str(error))
        return
    for path, why_not in paths:
        where = f"{name}/{path}"
        if why_not:
            yield Skipped(where, why_not)
            continue
        if clock.left <= 0:
            yield Skipped(where, "no time left to see who wrote it")
            continue
        try:
            lines = list(_blame(repository, head, path, min(_ONE_BLAME, clock.left)))
        except GitStopped as error:
            yield Skipped(where, str(error))
            continue
        code = "\n".join(line.text for line in lines)
        if not lines or is_generated(code):
            yield Skipped(where, "empty, or written by a program", failed=False)
            continue
        for comment in comments(path, code):
            spot = place(where, comment.first)
            own = [is_owner(line.name, line.email) for line in lines[comment.first - 1 : comment.last]]
            if not any(own):
                yield Skipped(spot, "somebody else's comment", failed=False)
            elif not all(own):
                yield Skipped(spot, "a comment partly somebody else's", failed=False)
            elif comment.why_not:
                yield Skipped(spot, comment.why_not, failed=False)
            else:
                yield _comment(comment.text, path, spot, name, lines[comment.first - 1 : comment.last])


def _comment(text: str, path: str, where: str, repository: str, lines: list[_Line]) -> Record | Skipped:
    try:
        said_at = datetime.fromtimestamp(max(line.at for line in lines), UTC)
    except (ValueError, OverflowError, OSError):
        return Skipped(where, "no time that can be read")
    return Record(
        id=stable_id("git", "comment", lines[0].commit, path, text),
        source="git",
        kind=Kind.COMMENT,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"git:{repository}/{PurePosixPath(path).name}",
        said_at=said_at,
        text=text,
        tags=("technical",),
        audience="owner",
        origin=where,
    )


def _code_files(repository: Repository, head: str) -> Iterator[tuple[str, str | None]]:
    """Each file of code in the commit and why it is not read, if so. mode type hash size<tab>path"""
    for record in repository.records("ls-tree", "-r", "-z", "-l", "--full-tree", head):
        about, _, path = record.partition("\t")
        mode, _, _, size = (*about.split(), "", "", "", "")[:4]
        if not mode.startswith("100") or not worth_reading(path):  # a link, a submodule, or no code
            continue
        if not size.isdigit():
            yield path, "its text is not in the repository"
        elif int(size) > _MAX_CODE:
            yield path, f"larger than {_MAX_CODE >> 10} KiB"
        elif int(size):
            yield path, None


def _blame(repository: Repository, head: str, path: str, seconds: float) -> Iterator[_Line]:
    """git blame --line-porcelain: some lines about each line, and then a tab and the line itself."""
    line: _Line | None = None
    arguments = ("blame", "-w", "--line-porcelain", head, "--", path)
    for record in repository.records(*arguments, end=b"\n", seconds=seconds):
        if line is None:
            line = _Line(record.partition(" ")[0])
        elif record.startswith("\t"):
            line.text = record[1:].rstrip("\r")
            yield line
            line = None
        else:
            key, _, value = record.partition(" ")
            if key == "author":
                line.name = value
            elif key == "author-mail":
                line.email = value.strip("<>")
            elif key == "author-time" and value.isdigit() and len(value) < 12:
                line.at = int(value)


def _owner_of(owner: Owner) -> IsOwner:
    """By e-mail, or by a name of at least two words; one word alone counts where no e-mail is known."""
    emails = {email.lower() for key in ("email", "git") for email in owner.accounts.get(key, ())}
    logins = {login.lower() for login in owner.accounts.get("github", ())}
    names = {
        name.casefold() for name in (owner.name, *owner.aliases) if " " in name.strip() or not emails
    } - {""}

    def is_owner(name: str, email: str) -> bool:
        noreply = _NOREPLY.fullmatch(email)
        by_login = bool(noreply) and noreply["login"].lower() in logins if noreply else False
        return email.lower() in emails or by_login or name.strip().casefold() in names

    return is_owner


def _instant(written: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(written)
        return at.astimezone(UTC) if at.tzinfo and at.year >= 1970 else None
    except (ValueError, OverflowError):
        return None


SOURCE = Source("git", recognise, read, people)
