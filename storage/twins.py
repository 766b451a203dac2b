"""Whose is it? Several twins may live on one server, and none of them sees another's rows."""

from __future__ import annotations

THE_ONE = "twin"  # where there is one twin only, nobody needs to name it
SLUG = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"  # as it may stand in SQL, in a path, in a model's name
