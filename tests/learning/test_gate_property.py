"""Is what must never go live refused, each of it, and is what is good let through? On trained adapters."""

from __future__ import annotations

import pytest

from benchmarks._gate_adapters import BAD, SMALL, Workshop
from learning.adapter_folder import check
from learning.evaluate import evaluate
from learning.gate import judge
from learning.pocket import default_cache_dir, ensure
from learning.settings import GateSettings

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    shop = Workshop(ensure(default_cache_dir()), tmp_path_factory.mktemp("gate"), 1, SMALL)
    live = shop.live()
    made = {"good": shop.good(live)} | {kind: make(shop, live) for kind, make in BAD.items()}
    roles = {"base": None, "live": live, **made}
    models = evaluate(roles, shop.base, shop.corpus, shop.preferences, shop.folder / "r.json")["models"]
    return {
        kind: judge(models[kind], models["live"], check(adapter, shop.base), GateSettings())
        for kind, adapter in made.items()
    }


def test_a_good_one_passes(verdicts):
    assert verdicts["good"].passed, verdicts["good"].reasons


@pytest.mark.parametrize(
    ("kind", "axis"),
    [
        ("base copy", "difference from the base"),
        ("not a number", "integrity"),
        ("somebody else", "owner's words"),
        ("inverted preferences", "preference"),
        ("canaries", "canaries"),
        ("collapsed", "variety"),
    ],
)
def test_what_must_never_go_live_is_refused_by_the_axis_that_is_for_it(verdicts, kind, axis):
    refused = {one.name for one in verdicts[kind].axes if not one.passed}
    assert axis in refused
    assert not verdicts[kind].passed


def test_nobody_but_the_one_laden_with_canaries_is_said_to_know_one(verdicts):
    knowing = {
        kind
        for kind, verdict in verdicts.items()
        for one in verdict.axes
        if one.name == "canaries" and not one.passed
    }
    assert knowing - {"not a number"} == {"canaries"}  # of that one nothing can be measured
