"""The commands that keep the whole twin in a file, and bring it back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from dotenv import dotenv_values

from twin import show
from twin.console import home, problems_in_words, run, settings
from twin.errors import Told
from twin.sealed import is_sealed
from twin.settings import Settings

app = typer.Typer()
VARIABLE = "TWIN_BACKUP__PASSPHRASE"


@app.command()
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(help=r"Default: a new one in \[backup] folder, older ones rotated."),
    ] = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="With a passphrase.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")] = False,
) -> None:
    """Everything that makes this twin, in one verified file; also while it runs."""
    from twin.backup import Made, make_backup
    from twin.build import open_stores

    chosen = settings()
    with problems_in_words():  # asked before there is a loop, which Ctrl-C at the question would not end
        passphrase = _passphrase(chosen) if encrypt else None

    async def work() -> Made:
        async with open_stores(home(), chosen) as stores:
            with show.progress("backup") as on_progress:
                return await make_backup(
                    home(),
                    chosen,
                    stores,
                    target=file.absolute() if file else None,
                    passphrase=passphrase,
                    on_progress=on_progress,
                )

    made = run(work())
    if json:
        show.as_json(made.as_json())
        return
    told = made.as_json()
    size = f"{told['files']} files, {told['bytes'] / 1e6:.1f} MB"
    show.sentence(f"wrote {made.path}: {size}, read again and found whole")
    if made.missing:
        show.sentence(f"not in it, their folders are gone: {', '.join(made.missing)}")
    if made.removed:
        show.sentence(f"removed, their time was over: {', '.join(told['removed'])}")
    if told["secrets"]:
        show.sentence(f"not in it, keep them elsewhere: {', '.join(told['secrets'])}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What 'twin backup' wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Into a home that is not empty: what is there is set aside.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")] = False,
) -> None:
    """The twin as it was when the backup was made, in a home that is empty."""
    from twin.restore import Restored
    from twin.restore import restore as bring_back

    with problems_in_words(), file.open("rb") as start:
        passphrase = _ask(home().root / ".env") if is_sealed(start.read(16)) else ""

    async def work() -> Restored:
        with show.progress("restore") as on_progress:
            return await bring_back(home(), file, lambda: passphrase, force=force, on_progress=on_progress)

    done = run(work())
    if json:
        told: dict[str, Any] = {key: done.manifest[key] for key in ("made_at", "rows", "adapters")}
        aside = str(done.set_aside) if done.set_aside else None
        show.as_json({"home": str(home().root), **told, "set_aside": aside, "secrets": done.secrets})
        return
    show.sentence(f"restored to {home().root}: the twin of {done.manifest['made_at'][:16]} UTC")
    if done.set_aside:
        show.sentence(f"what was there before lies in {done.set_aside}: delete it when it is not needed")
    if done.secrets:
        show.sentence(f"set these before 'twin up', they are in no backup: {', '.join(done.secrets)}")


def _passphrase(settings: Settings) -> str:
    secret = settings.backup.passphrase
    return secret.get_secret_value() if secret else _ask(twice=True)


def _ask(secrets: Path | None = None, *, twice: bool = False) -> str:
    """The passphrase: from the environment, from the .env of a home, or typed."""
    if given := os.environ.get(VARIABLE) or (secrets and dotenv_values(secrets).get(VARIABLE)):
        return given
    if not show.people.is_terminal:
        raise Told("this needs a passphrase", f"put {VARIABLE}=... into the environment", exit_code=2)
    typed: str = typer.prompt("passphrase", hide_input=True, confirmation_prompt=twice, err=True)
    return typed
