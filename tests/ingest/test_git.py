"""Do the owner's commits and comments come out of a repository, and nothing that it asks for is ever run?"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from settle import damaged, settle

from ingest import git_repository
from ingest.code_comments import comments
from ingest.git_repository import Clock, GitStopped, open_repository
from ingest.source import Owner, Person
from ingest.sources import git
from ingest.sources.git import SOURCE, people, read, recognise
from storage.records import Kind, Record, Skipped, stable_id

OWNER = Owner(name="Ola Brandt", accounts={"email": ("ola@example.org",), "github": ("olab",)})
OLA, TAM = ("Ola Brandt", "ola@example.org"), ("Tam Okonjo", "tam@example.org")
NOON = datetime(2024, 3, 10, 12, tzinfo=UTC)


class Repo:
    """A small repository, made by the real git with nobody's settings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.minute = 0
        path.mkdir(parents=True, exist_ok=True)
        self("init", "-q", "-b", "main")

    def __call__(self, *arguments: str, given: bytes = b"", **more: str) -> str:
        nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.path)}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={"PATH": os.environ["PATH"], **nobody, **more},
            input=given,
            capture_output=True,
            timeout=30,
            check=True,
        )
        return done.stdout.decode().strip()

    def commit(self, message: str, who: tuple[str, str] = OLA, **files: str) -> str:
        for name, text in files.items():
            file = self.path / name.replace("__", "/").replace("_py", ".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-F", "-", given=message.encode(), **self.signed(who))
        return self("rev-parse", "HEAD")

    def signed(self, who: tuple[str, str]) -> dict[str, str]:
        self.minute += 1
        at = (NOON + timedelta(minutes=self.minute)).isoformat()
        committer = {"GIT_COMMITTER_NAME": who[0], "GIT_COMMITTER_EMAIL": who[1], "GIT_COMMITTER_DATE": at}
        return committer | {"GIT_AUTHOR_NAME": who[0], "GIT_AUTHOR_EMAIL": who[1], "GIT_AUTHOR_DATE": at}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "moss")


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def message(commit: str, text: str, minute: int) -> Record:
    return Record(
        id=stable_id("git", commit),
        source="git",
        kind=Kind.COMMIT,
        author_id="owner",
        by_owner=True,
        thread_id="git:moss",
        said_at=at(minute),
        text=text,
        tags=("technical",),
        origin=f"moss#{commit[:12]}",
    )


def by_owner(commit: str, path: str, line: int, text: str, minute: int) -> Record:
    return Record(
        id=stable_id("git", "comment", commit, path, text),
        source="git",
        kind=Kind.COMMENT,
        author_id="owner",
        by_owner=True,
        thread_id=f"git:moss/{Path(path).name}",
        said_at=at(minute),
        text=text,
        tags=("technical",),
        origin=f"moss/{path}#{line}",
    )


def test_the_owners_messages_on_every_branch_come_in_and_nobody_elses(repo: Repo) -> None:
    first = repo.commit(
        "Water the moss daily\n\nIt was dry.\n\nSigned-off-by: Ola <ola@example.org>\nChange-Id: I1\n"
    )
    other = repo.commit("Not mine", TAM)
    login = repo.commit("From the website", ("somebody", "12+OlaB@users.noreply.github.com"))
    repo("switch", "-q", "-c", "side")
    side = repo.commit("On a branch of its own: naïve")
    repo("switch", "-q", "main")
    fixup = repo.commit("fixup! Water the moss daily")
    web = repo.commit("Update README.md", ("Ola Brandt", "noreply@github.com"))
    own = repo.commit("Update README.md")
    repo("merge", "-q", "--no-edit", "side", **repo.signed(OLA))
    merge = repo("rev-parse", "HEAD")
    where = "moss#"
    expected = [
        Skipped(where + merge[:12], "a message written by a program", failed=False),
        message(own, "Update README.md", 7),
        Skipped(where + web[:12], "a message written by a website", failed=False),
        Skipped(where + fixup[:12], "a message written by a program", failed=False),
        message(side, "On a branch of its own: naïve", 4),
        message(login, "From the website", 3),
        Skipped(where + other[:12], "somebody else's commit", failed=False),
        message(first, "Water the moss daily\n\nIt was dry.", 1),
    ]
    assert sorted(map(repr, read(repo.path, OWNER))) == sorted(map(repr, expected))
    assert list(people(repo.path, OWNER)) == [Person("git:tam@example.org", ("Tam Okonjo",), ())]
    repo("pack-refs", "--all")
    repo("gc", "-q")
    assert sorted(map(repr, read(repo.path, OWNER))) == sorted(map(repr, expected))


CODE = '''"""Waters the moss, and nothing else.

Twice on Sundays.
"""

import time  # noqa: E402

# It was dry, so we wait
# a little longer than one would think.
time.sleep(1)

# time.sleep(2)
# x = 3
print("# no comment")
'''


def test_comments_in_the_owners_lines_come_in_as_words(repo: Repo) -> None:
    licence = "// Copyright 2024 Ola Brandt, all rights reserved.\n\n"
    script = licence + "/**\n * Soft things\n *   come first.\n */\nlet a = 1; // because moss says so\n"
    first = repo.commit("x", water_py=CODE, **{"a.js": script})
    found = [one for one in read(repo.path, OWNER) if isinstance(one, Record) and one.kind is Kind.COMMENT]
    assert found == [
        by_owner(first, "a.js", 3, "Soft things\n  come first.", 1),
        by_owner(first, "a.js", 7, "because moss says so", 1),
        by_owner(first, "water.py", 1, "Waters the moss, and nothing else.\n\nTwice on Sundays.", 1),
        by_owner(first, "water.py", 8, "It was dry, so we wait\na little longer than one would think.", 1),
    ]
    reasons = [(one.where, one.why) for one in read(repo.path, OWNER) if isinstance(one, Skipped)]
    assert reasons == [
        ("moss/a.js#1", "a licence"),
        ("moss/water.py#6", "an instruction to a tool"),
        ("moss/water.py#12", "commented-out code"),
    ]


def test_a_comment_others_wrote_or_changed_is_not_the_owners(repo: Repo) -> None:
    repo.commit("x", TAM, a_py="# Tam wrote these words\n\nx = 1\n")
    mine = repo.commit(
        "y", OLA, a_py="# Tam wrote these words\n\nx = 1\n\n# I wrote these words\n# and those\n"
    )
    changed = "# Tam wrote these words\n\nx = 1\n\n# I wrote these words\n# and Tam those\n"
    changed += "\ny = 1\n\n# only my own\n"
    repo.commit("z", TAM, a_py=changed)
    last = repo.commit("z", OLA, a_py=changed.replace("only my own", "these are my own"))
    reasons = [(one.where, one.why) for one in read(repo.path, OWNER) if isinstance(one, Skipped)]
    assert reasons[-2:] == [
        ("moss/a.py#1", "somebody else's comment"),
        ("moss/a.py#5", "a comment partly somebody else's"),
    ]
    (found,) = (one for one in read(repo.path, OWNER) if isinstance(one, Record) and one.kind is Kind.COMMENT)
    assert found == by_owner(last, "a.py", 10, "these are my own", 4)
    assert mine != last


def test_what_is_vendored_generated_huge_or_no_file_is_left_out(repo: Repo) -> None:
    words = "# these would be words\n"
    repo.commit(
        "x",
        vendor__a_py=words,
        node_modules__b__c_py=words,
        api_pb2_py=words,
        made_py="# Generated by the maker. DO NOT EDIT\n" + words,
        long_py=words + "x = '" + "y" * 3000 + "'\n",
        huge_py=words * 20_000,
        **{"a.min.js": "// these would be words", "a.txt": words, "empty.py": ""},
    )
    (repo.path / "link.py").symlink_to("/etc/passwd")
    repo.commit("y", ok_py="# these are words\n")
    found = [
        one.text for one in read(repo.path, OWNER) if isinstance(one, Record) and one.kind is Kind.COMMENT
    ]
    assert found == ["these are words"]


def test_nothing_the_repository_asks_for_is_run_or_fetched(repo: Repo, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho run >> {tmp_path}/ran\nexit 1\n")
    trap.chmod(0o755)
    repo.commit("x", a_py="# these are words\n", **{".gitattributes": "*.py diff=bad filter=bad\n"})
    tree = repo("write-tree")
    who = "Ola Brandt <ola@example.org> 1710072000 +0000"
    parent = repo("rev-parse", "HEAD")
    signature = "-----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----"
    signed = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\ngpgsig {signature}\n\nSigned\n"
    commit = repo("hash-object", "-t", "commit", "-w", "--stdin", given=signed.encode())
    (repo.path / ".git" / "refs" / "heads" / "main").write_text(f"{commit}\n")
    for setting in (
        *("core.fsmonitor", "core.pager", "pager.log", "pager.blame", "core.sshCommand", "core.editor"),
        *("gpg.program", "diff.external", "diff.bad.textconv", "diff.bad.command", "filter.bad.smudge"),
        *("filter.bad.clean", "filter.bad.process", "core.gitProxy", "credential.helper", "core.askPass"),
        *("core.alternateRefsCommand", "uploadpack.packObjectsHook", "remote.origin.uploadpack"),
    ):
        repo("config", setting, str(trap))
    for setting, value in {
        "log.showSignature": "true",
        "core.hooksPath": str(tmp_path),
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::{trap}",
        "remote.origin.promisor": "true",
        "protocol.ext.allow": "always",
        "alias.log": f"!{trap}",
    }.items():
        repo("config", setting, value)
    for hook in ("post-checkout", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(trap, repo.path / ".git" / "hooks" / hook)
    blob = repo("rev-parse", "HEAD:a.py", GIT_NO_LAZY_FETCH="1")
    found = list(read(repo.path, OWNER))
    assert [one.text for one in found if isinstance(one, Record)] == ["Signed", "x", "these are words"]
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    found = list(read(repo.path, OWNER))
    assert Skipped("moss/a.py", "its text is not in the repository") in found
    list(people(repo.path, OWNER))
    assert not (tmp_path / "ran").exists()


def test_nothing_in_the_repository_changes(repo: Repo) -> None:
    repo.commit("x", a_py="# these are words\n")

    def state() -> dict[str, tuple[int, bytes]]:
        files = (file for file in repo.path.rglob("*") if file.is_file())
        return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}

    before = state()
    assert len(list(read(repo.path, OWNER))) == 2
    assert state() == before


def test_bare_shallow_empty_and_sha256_repositories_are_read(repo: Repo, tmp_path: Path) -> None:
    repo.commit("first", a_py="# these are words\n")
    repo.commit("second")
    texts = sorted(one.text for one in read(repo.path, OWNER) if isinstance(one, Record))
    assert texts == ["first", "second", "these are words"]
    repo("clone", "-q", "--bare", str(repo.path), str(tmp_path / "moss.git"))
    assert sorted(one.text for one in read(tmp_path / "moss.git", OWNER) if isinstance(one, Record)) == texts
    assert recognise(tmp_path / "moss.git") > 0.8
    repo("clone", "-q", "--depth", "1", f"file://{repo.path}", str(tmp_path / "shallow"))
    found = list(read(tmp_path / "shallow", OWNER))
    assert [one.text for one in found if isinstance(one, Record)][:1] == ["second"]
    assert not [one for one in found if isinstance(one, Skipped) and one.failed]
    empty = Repo(tmp_path / "empty")
    assert list(read(empty.path, OWNER)) == [
        Skipped("empty", "nothing was ever committed here", failed=False)
    ]
    repo("init", "-q", "--object-format=sha256", str(tmp_path / "sha256"))
    wide = Repo.__new__(Repo)
    wide.path, wide.minute = tmp_path / "sha256", 0
    wide.commit("wide")
    assert [one.text for one in read(wide.path, OWNER) if isinstance(one, Record)] == ["wide"]


def test_what_leads_elsewhere_is_refused(repo: Repo, tmp_path: Path) -> None:
    repo.commit("x")
    repo("clone", "-q", "-s", str(repo.path), str(tmp_path / "borrows"))
    (only,) = read(tmp_path / "borrows", OWNER)
    assert isinstance(only, Skipped)
    assert "borrows from another" in only.why
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".git").symlink_to(repo.path / ".git")
    repo("worktree", "add", "-q", str(tmp_path / "worktree"))
    for path in (tmp_path / "linked", tmp_path / "worktree", tmp_path):
        assert recognise(path) == 0
        (only,) = read(path, OWNER)
        assert isinstance(only, Skipped)
        assert "no git repository" in only.why


def test_git_is_stopped_when_it_takes_too_long_or_says_too_much(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("x")
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    with open_repository(repo.path) as repository, monkeypatch.context() as patched:
        patched.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
        began = time.monotonic()
        with pytest.raises(GitStopped, match="more than 0 seconds"):
            list(repository.run("log", seconds=0.3))
        assert time.monotonic() - began < 10
        slow.write_text("#!/bin/sh\nexec yes\n")
        monkeypatch.setattr(git_repository, "MAX_OUTPUT", 1 << 20)
        began = time.monotonic()
        with pytest.raises(GitStopped, match="said more"):
            list(repository.run("log", seconds=30))
        assert time.monotonic() - began < 10
    assert Clock(-1).left < 0


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="the system cannot limit another process")
def test_git_may_not_take_all_the_memory(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nsleep 1\nulimit -v\n")
    fake.chmod(0o755)
    with open_repository(repo.path) as repository:
        monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
        assert b"".join(repository.run("log")) == f"{git_repository.MAX_MEMORY >> 10}\n".encode()


def test_when_the_time_for_comments_is_over_each_file_says_so(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("x", a_py="# these are words\n", b_py="# these are words\n")
    monkeypatch.setattr(git, "_BLAME_SECONDS", 0.0)
    late = "no time left to see who wrote it"
    assert list(read(repo.path, OWNER))[1:] == [Skipped("moss/a.py", late), Skipped("moss/b.py", late)]


def test_a_repository_of_notes_is_less_surely_code(repo: Repo) -> None:
    repo.commit("x", **{"a.md": "note"})
    assert recognise(repo.path) == 0.6
    repo.commit("y", a_py="x = 1\n")
    assert recognise(repo.path) > 0.95


@pytest.mark.parametrize(
    ("owner", "name", "email", "own"),
    [
        (OWNER, "anybody", "OLA@example.org", True),
        (OWNER, "ola brandt", "old@example.org", True),
        (OWNER, "x", "olab@users.noreply.github.com", True),
        (OWNER, "Ola", "x@example.org", False),
        (Owner(name="Ola"), "ola", "x@example.org", True),
        (Owner(), "", "", False),
        (Owner(name="Ola", accounts={"email": ("o@x",)}), "Ola", "x@example.org", False),
    ],
)
def test_the_owner_is_known_by_address_or_whole_name(owner: Owner, name: str, email: str, own: bool) -> None:
    assert git._owner_of(owner)(name, email) is own


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(data=st.data())
def test_a_damaged_repository_never_raises(repo: Repo, data: st.DataObject) -> None:
    if not (repo.path / "a.py").exists():
        repo.commit("x", a_py="# these are words\n")
    copy = repo.path.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(repo.path, copy)
    files = sorted(
        file for file in (copy / ".git").rglob("*") if file.is_file() and "hooks" not in file.parts
    )
    file = data.draw(st.sampled_from(files))
    file.chmod(0o644)
    file.write_bytes(data.draw(damaged(file.read_bytes())))
    settle(SOURCE, copy, OWNER)


def test_a_missing_git_is_one_sentence(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit("x")
    monkeypatch.setenv("PATH", "/nowhere")
    (only,) = read(repo.path, OWNER)
    assert isinstance(only, Skipped)
    assert "install it" in only.why


def test_words_are_found_in_comments_of_many_languages() -> None:
    cases: dict[str, Any] = {
        "a.rs": "/// Soft and green\nfn main() {} // wet as well\n",
        "a.sql": "-- Soft and green\nselect 1; /* wet as well */\n",
        "a.lua": "--[[ Soft and green ]]\nx = 1\n-- wet as well\n",
        "a.hs": "{-| Soft and green -}\nx = 1 -- wet as well\n",
        "a.c": "/* Soft and green */\nint x; // wet as well\n",
        "a.sh": "#!/bin/sh\n# Soft and green\necho '# none' # wet as well\n",
        "a.css": "/* Soft and green */\na {} /* wet as well */\n",
        "Dockerfile": "# Soft and green\nFROM x\n# wet as well\n",
    }
    for path, code in cases.items():
        assert [one.text for one in comments(path, code)] == ["Soft and green", "wet as well"], path


@settings(max_examples=50, deadline=None)
@given(
    st.text(alphabet="#/*-\"' \nabc=(){};`\\$<!"), st.sampled_from(["a.py", "a.js", "a.c", "a.sql", "a.rb"])
)
def test_no_code_raises(code: str, path: str) -> None:
    lines = code.count("\n") + 1
    assert all(1 <= one.first <= one.last <= lines for one in comments(path, code))
