"""A collector of traces on a real socket: what is told to it over OTLP, by whatever process, is read here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Heard:
    """One span. Ids in hexadecimal; `parent` is empty where it has none."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    about: dict[str, Any]


class Collector:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def spans(self) -> list[Heard]:
        """In the order in which they arrived."""
        return [span for body in list(self.bodies) for span in _spans(body)]

    def named(self, name: str) -> list[Heard]:
        return [span for span in self.spans() if span.name == name]


def _spans(body: bytes) -> Sequence[Heard]:
    told = ExportTraceServiceRequest.FromString(body)
    return [
        Heard(
            str(_plain(group.resource.attributes).get("service.name", "")),
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            _plain(span.attributes),
        )
        for group in told.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in attributes}
