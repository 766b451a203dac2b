"""Traces go to the collector that is named, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry import trace

from twin.errors import Told
from twin.monitoring import MonitoringSettings, traced

PROGRAM = """
import sys
from storage import tracing
from twin.monitoring import MonitoringSettings, traced

with traced(MonitoringSettings(traces=sys.argv[1])), tracing.span(tracing.TURN, platform="kitchen-app"):
    pass
"""


def test_a_collector_hears_of_a_turn_before_the_program_ends() -> None:
    heard: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    root = Path(__file__).parents[2]
    try:
        subprocess.run([sys.executable, "-c", PROGRAM, url], cwd=root, check=True, timeout=60)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    [(path, body)] = heard
    assert path == "/v1/traces"
    assert b"twin.turn" in body
    assert b"kitchen-app" in body


def test_without_a_collector_nothing_is_set_up() -> None:
    before = trace.get_tracer_provider()
    with traced(MonitoringSettings()):
        assert trace.get_tracer_provider() is before


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    collector = MonitoringSettings(traces="http://127.0.0.1:1/v1/traces")
    with pytest.raises(Told, match=r"twin\[monitoring\]"), traced(collector):
        pass
