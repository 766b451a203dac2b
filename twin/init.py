"""What does a new owner's twin.toml look like?"""

from __future__ import annotations

import json

from twin.errors import Told
from twin.home import Home

FIRST_SETTINGS = """\
# Everything that can be set; what is left out has a sensible default. Secrets go to .env, never here.

[owner]
name = {name}
timezone = "UTC"          # of exports that do not say; a history is possible, see docs/settings.md
languages = ["en"]
facts = []                # short sentences that everybody may hear, such as "You live in Lisbon."

[owner.accounts]          # who you are in your exports
# discord = "your user id"
# telegram = "your user id"

[model]
base = "pocket"           # a tiny stand-in trained on this machine; "google/gemma-3-12b-it" is the real thing
# servers = ["http://127.0.0.1:8000/v1"]   # a vLLM that runs elsewhere
"""


def write_first_settings(home: Home, name: str) -> str:
    path = home.settings_file
    try:
        written = FIRST_SETTINGS.format(name=json.dumps(name, ensure_ascii=False)).encode()
    except UnicodeEncodeError as problem:
        raise Told("that name is no text in UTF-8", "set your terminal to UTF-8", exit_code=2) from problem
    try:
        with path.open("xb") as file:
            try:
                file.write(written)
                file.flush()
            except OSError:  # or an empty one would keep the next 'twin init' from writing it
                path.unlink(missing_ok=True)
                raise
    except FileExistsError:
        raise Told(f"{path} is there already", "edit it, or choose another home: --home DIR") from None
    return str(path)
