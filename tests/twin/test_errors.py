"""Is what the world does to us told in words, and a bug of ours not?"""

from __future__ import annotations

import errno
import os

import pytest

from twin.errors import Told, in_words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full: twin.db"),
        (errno.EDQUOT, "the disk is full: twin.db"),
        (errno.EROFS, "twin.db: Read-only file system"),
        (errno.EFBIG, "twin.db: File too large"),
        (errno.EIO, "twin.db: Input/output error"),
        (errno.ENAMETOOLONG, "twin.db: File name too long"),
        (errno.EACCES, "twin.db: Permission denied"),
    ],
)
def test_what_a_disk_does_not_do_is_told_with_the_file_and_what_to_do(number, words):
    told = in_words(OSError(number, os.strerror(number), "twin.db"))
    assert isinstance(told, Told)
    assert told.what == words
    assert told.advice


def test_what_a_disk_does_not_do_is_told_also_without_a_name():
    for number, words in ((errno.EFBIG, "a file: File too large"), (errno.ENOSPC, "the disk is full")):
        told = in_words(OSError(number, os.strerror(number)))
        assert isinstance(told, Told)
        assert told.what == words


def test_a_bug_of_ours_keeps_its_traceback():
    assert in_words(KeyError("x")) is None
