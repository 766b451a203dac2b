"""Does the gate refuse what must never go live, and let through what is good?

    python -m benchmarks.gate [--quick] [--json]

For each seed a person is made up, an adapter is trained on what they wrote (the live one), another one goes
on from it with their corrections (good), and six that must be refused are made. All are held against the live
one, with the gate's default limits, on the pocket model. What went too far, good or bad, goes less far and
is looked at once more, as in a cycle. There is nothing beside it to compare with.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from benchmarks._gate_adapters import Workshop
    from learning.gate import Verdict

SEEDS = tuple(range(10, 20))  # the limits were chosen while looking at 0 to 5
QUICK = ("base copy", "somebody else", "collapsed")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, three of the six kinds, less text")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started = time.monotonic()
    seeds = SEEDS[:1] if options.quick else SEEDS
    tried = [one for seed in seeds for one in one_seed(seed, QUICK if options.quick else None)]
    found = {
        "figures": figures(tried),
        "conditions": {
            "model": "pocket",
            "seeds": list(seeds),
            "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
            "seconds": round(time.monotonic() - started),
        },
    }
    print(json.dumps(found)) if options.json else show(tried, found["figures"])


def one_seed(seed: int, kinds: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """What the gate says of each adapter: kind, whether it passed, the axes that refused at the last look
    and, where there was another, at the first."""
    from benchmarks._gate_adapters import BAD, SMALL, Sizes, Workshop
    from learning.pocket import default_cache_dir, ensure

    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(ensure(default_cache_dir()), Path(folder), seed, SMALL if kinds else Sizes())
        live = shop.live()
        chosen = {kind: make for kind, make in BAD.items() if kinds is None or kind in kinds}
        made = {"good": shop.good(live)} | {kind: make(shop, live) for kind, make in chosen.items()}
        verdicts = judged(shop, live, made)
        nearer = {kind: shop.less_far(live, made[kind]) for kind, one in verdicts.items() if one.too_far}
        again = judged(shop, live, nearer) if nearer else {}
        tried = []
        for kind, verdict in verdicts.items():
            last = again.get(kind, verdict)
            one = {"seed": seed, "kind": kind, "passed": last.passed, "refused_by": refused_by(last)}
            tried.append(one | {"refused_first_by": refused_by(verdict) if kind in again else {}})
            looks = [verdict, last] if kind in again else [verdict]
            told = "; less far ".join(" ".join(refused_by(look).values()) or "passed" for look in looks)
            Console(stderr=True, soft_wrap=True).print(f"seed {seed}, {kind}: {told}")
        return tried


def refused_by(verdict: Verdict) -> dict[str, str]:
    return {axis.name: axis.words for axis in verdict.axes if not axis.passed}


def judged(shop: Workshop, live: Path, made: Mapping[str, Path]) -> dict[str, Verdict]:
    """What the gate says of each."""
    from learning.adapter_folder import check
    from learning.evaluate import evaluate
    from learning.gate import judge
    from learning.settings import GateSettings

    roles = {"base": None, "live": live, **made}
    report = shop.folder / "report.json"
    models = evaluate(roles, shop.base, shop.corpus, shop.preferences, report)["models"]
    return {
        kind: judge(models[kind], models["live"], check(adapter, shop.base), GateSettings())
        for kind, adapter in made.items()
    }


def figures(tried: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    good = [one for one in tried if one["kind"] == "good"]
    bad = [one for one in tried if one["kind"] != "good"]
    return {
        "bad_refused": sum(not one["passed"] for one in bad),
        "bad_tried": len(bad),
        "good_passed": sum(one["passed"] for one in good),
        "good_tried": len(good),
    }


def show(tried: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> None:
    grid = Table("adapter", "tried", "refused", "by", box=None)
    for kind in dict.fromkeys(one["kind"] for one in tried):
        some = [one for one in tried if one["kind"] == kind]
        axes: dict[str, int] = {}
        for axis in (axis for one in some for axis in one["refused_by"]):
            axes[axis] = axes.get(axis, 0) + 1
        told = ", ".join(f"{axis} ({count})" for axis, count in sorted(axes.items(), key=lambda x: -x[1]))
        grid.add_row(kind, str(len(some)), str(sum(not one["passed"] for one in some)), told)
    Console().print(grid)
    Console().print(
        f"refused {found['bad_refused']} of {found['bad_tried']} bad ones, "
        f"passed {found['good_passed']} of {found['good_tried']} good ones"
    )


if __name__ == "__main__":
    main()
