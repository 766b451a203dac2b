"""The program: `twin ...` or `python -m twin ...`."""

from __future__ import annotations

import io
import os
import sys

from twin import show
from twin.cli import app
from twin.errors import in_words


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None when it is closed
            stream.reconfigure(errors="replace")  # of a terminal without our signs, better a "?" than an end
    try:
        app(prog_name="twin")
    except OSError as problem:  # while showing a result: standard output is a full disk, say
        if (told := in_words(problem)) is None:
            raise
        show.sentence(f"{told.what}\n  {told.advice}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush fails once more
        sys.exit(told.exit_code)


if __name__ == "__main__":
    main()
