"""What would the gate say of an adapter that was measured outside a cycle?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learning.adapter_folder import check
from learning.evaluation.personal import Scan, personal
from learning.gate import judge
from twin.home import Home
from twin.review import open_roster
from twin.second_look import SecondLook
from twin.settings import Settings


async def with_verdict(
    report: Mapping[str, Any], adapter: Path, base: str | Path, home: Home, settings: Settings
) -> dict[str, Any]:
    """The report with what the trainer could not know: personal things in what it says, and the verdict."""
    models = dict(report["models"])
    scan = await asyncio.to_thread(personal_scan, home, settings)
    models["candidate"] = {**models["candidate"], "personal": personal(report, scan)}
    problems = await asyncio.to_thread(check, adapter, base)
    verdict = judge(models["candidate"], models[report["against"]], problems, settings.learning.gate)
    return {**report, "models": models, "verdict": verdict.as_json()}


def personal_scan(home: Home, settings: Settings) -> Scan:
    """What looks for personal things in what an adapter says."""
    roster, _ = open_roster(home, settings)
    return SecondLook(roster.names()).kinds
