"""Where do the tests get programs that are not Python? What is missing is told loudly.

Under CI, what the set-up installs on any Debian fails instead.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTALL = {
    "promtool": "deploy/test-services.sh installs it (Debian's package prometheus)",
    "kubectl": "install kubectl 1.27 or newer: its 'kubectl kustomize' is used, no cluster",
    "dclint": "npm ci --prefix deploy/lint",
    "network": "a package index must be in reach",
}
ON_DEBIAN = {"promtool"}
missing: list[str] = []


def tool(name: str) -> str:
    """The path of the program; the test ends here when there is none."""
    places = [Path(sys.executable).parent, ROOT / "deploy/lint/node_modules/.bin"]
    for place in places:
        if (place / name).exists():
            return str(place / name)
    return shutil.which(name) or lacks(name)


def lacks(name: str) -> str:
    sentence = f"{name} is missing: {INSTALL.get(name, 'install the extra dev')}"
    if sentence not in missing:
        missing.append(sentence)
    if os.environ.get("CI") and name in ON_DEBIAN:
        pytest.fail(sentence)
    pytest.skip(sentence)
