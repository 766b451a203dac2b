"""Alerts fire and clear, and nothing on a dashboard is a figure that nobody tells."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from tools import ROOT, tool

from brain.replica_metrics import all_metrics
from brain.replicas import Replicas

HERE = ROOT / "deploy/monitoring"
TRIED = ROOT / "tests/deploy/alerts_test.yml"
NAME = re.compile(r"\b(?:twin|vllm)[_:][a-z0-9_:]+")


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((HERE / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


@pytest.fixture(scope="module")
def dashboards() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dashboards", HERE / "dashboards.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["dashboards"] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


def queries(dashboards: ModuleType) -> list[str]:
    panels = [panel for _, panels in dashboards.DASHBOARDS.values() for panel in panels]
    return [query for panel in panels for query in panel.lines.values()] + [rule["expr"] for rule in rules()]


def test_prometheus_takes_its_configuration() -> None:
    promtool("check", "config", "--syntax-only", HERE / "prometheus.yml")  # the token is made later
    promtool("check", "rules", HERE / "alerts.yml")


def test_every_alert_fires_and_clears() -> None:
    promtool("test", "rules", TRIED)
    tried: dict[str, list[bool]] = {}
    for one in yaml.safe_load(TRIED.read_text())["tests"]:
        for moment in one["alert_rule_test"]:
            tried.setdefault(moment["alertname"], []).append(bool(moment["exp_alerts"]))
    assert tried == {name: [True, False] for name in alerts()}


def test_an_alert_says_what_is_wrong_what_to_do_and_how_urgent_it_is() -> None:
    for name, alert in alerts().items():
        assert set(alert["annotations"]) == {"summary", "do"}, name
        assert alert["labels"]["severity"] in ("page", "ticket"), name


async def test_every_metric_on_a_dashboard_or_in_an_alert_is_told_by_somebody(
    dashboards: ModuleType,
) -> None:
    async with Replicas([]) as replicas:
        text = await all_metrics(replicas)
    of_replicas = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    code = " ".join(
        path.read_text(encoding="utf-8")
        for folder in ("api", "bot", "brain", "learning", "storage", "twin")
        for path in (ROOT / folder).rglob("*.py")
    )
    of_vllm = {line for line in (HERE / "vllm-metrics.txt").read_text().split("\n") if line[:5] == "vllm:"}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    named = {name for query in queries(dashboards) for name in NAME.findall(query)}
    assert len(named) > 20
    told = of_replicas | of_vllm | recorded | set(re.findall(r'"(twin_\w+)"', code))
    told |= {f"twin_{name}" for name in re.findall(r'gauge\(\s*"(\w+)"', code)}
    for name in named:
        bare = re.sub(r"_(bucket|count|sum)$", "", name)
        assert {name, bare, name.removesuffix("_total")} & told, f"nobody tells {name}"


def test_the_list_of_vllms_metrics_is_what_the_installed_vllm_has() -> None:
    package = next((ROOT / ".venv-vllm/lib").glob("python3*/site-packages/vllm"), None)
    if package is None:
        pytest.skip("there is no .venv-vllm here: make vllm")
    source = " ".join(path.read_text() for path in (package / "v1/metrics").rglob("*.py"))
    for name in (HERE / "vllm-metrics.txt").read_text().split():
        assert not name.startswith("vllm:") or f'"{name}"' in source or "spec_decode" in name, name


def test_the_dashboards_are_those_that_are_written_down(dashboards: ModuleType) -> None:
    assert {path.stem for path in dashboards.FOLDER.glob("*.json")} == set(dashboards.DASHBOARDS)
    for name in dashboards.DASHBOARDS:
        path = dashboards.FOLDER / f"{name}.json"
        assert path.read_text() == dashboards.as_text(name), "run: python deploy/monitoring/dashboards.py"
        for panel in json.loads(path.read_text())["panels"]:
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
            assert (
                panel["datasource"]["uid"]
                in (HERE / "grafana/provisioning/datasources/prometheus.yml").read_text()
            )


def test_what_is_promised_is_what_the_alerts_watch() -> None:
    page = (ROOT / "docs/slo.md").read_text()
    assert "99.5 %" in page
    assert "0.005" in alerts()["TwinAnswersSlowly"]["expr"]
    for name in alerts():
        assert name in page, f"docs/slo.md does not say when {name} is heard"
