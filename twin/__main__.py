"""The program: `twin ...` or `python -m twin ...`."""

from __future__ import annotations

import io
import os
import signal
import sys


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None when it is closed
            stream.reconfigure(errors="replace")  # of a terminal without our signs, better a "?" than an end
    try:
        from twin.cli import app  # takes seconds on a busy machine, and Ctrl-C may come meanwhile

        app(prog_name="twin")
    except KeyboardInterrupt:
        sys.stderr.write("stopped before anything was begun\n")
        sys.exit(130)
    except OSError as problem:  # while showing a result: standard output is a full disk, say
        from twin import show
        from twin.errors import in_words

        if (told := in_words(problem)) is None:
            raise
        show.sentence(f"{told.what}\n  {told.advice}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush fails once more
        sys.exit(told.exit_code)
    finally:  # all is done: Ctrl-C may still cut short how Python ends, but not with a traceback
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
