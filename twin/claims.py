"""What may only one twin of this process have? A database, a port, an account in a chat app."""

from __future__ import annotations

from collections.abc import Collection

from twin.home import Home
from twin.settings import Settings


class Claims:
    """By kind and thing. Whoever came first has it until it is given back."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], str] = {}

    def take(self, twin: str, kind: str, thing: str) -> str | None:
        """Who has it instead; None: this twin does, from now on."""
        holder = self._of.setdefault((kind, thing), twin)
        return None if holder == twin else holder

    def free(self, kind: str, thing: str) -> bool:
        return (kind, thing) not in self._of

    def give_back(self, twin: str, but: Collection[tuple[str, str]] = ()) -> None:
        """All that it has, but for these (kind, thing)."""
        self._of = {what: holder for what, holder in self._of.items() if holder != twin or what in but}


def database_of(home: Home, settings: Settings) -> str:
    """Whose rows a twin reads and writes: the file or the server, and there which twin's."""
    url = settings.storage.url
    return f"{url.get_secret_value() if url else home.database_url} {settings.storage.twin}"


def wanted(settings: Settings) -> dict[str, tuple[str, str, str]]:
    """By part of the service: what it needs for itself (kind, thing), and what to say if another has it."""
    found: dict[str, tuple[str, str, str]] = {}
    if settings.api.on and settings.api.port:
        port = str(settings.api.port)
        found["api"] = ("port", port, f"port {port}; set another [api] port in its twin.toml")
    for part in ("discord", "telegram"):
        if token := getattr(settings, part).token:
            say = f"the same token; each needs its own bot: TWIN_{part.upper()}__TOKEN in its .env"
            found[part] = (part, token.get_secret_value(), say)
    return found
