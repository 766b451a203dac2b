"""`python -m api.openapi` prints the API's description: what the dashboard's client is generated from."""

from __future__ import annotations

import json
import sys

from api.app import create_app, describe
from api.settings import ApiSettings


def main() -> None:
    sys.stdout.write(json.dumps(describe(create_app(ApiSettings())), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
