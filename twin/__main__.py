"""The program: `twin ...` or `python -m twin ...`."""

from __future__ import annotations

from twin.cli import app


def main() -> None:
    app(prog_name="twin")


if __name__ == "__main__":
    main()
