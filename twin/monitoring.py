"""Where do traces go? Nowhere, unless [monitoring] names a collector."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from twin.errors import Told

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


class MonitoringSettings(BaseModel):
    """[monitoring] in twin.toml."""

    model_config = ConfigDict(extra="forbid")

    traces: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")] | None = (
        None  # None: none are made
    )
    trace_share: float = Field(default=1.0, gt=0, le=1)


@contextlib.contextmanager
def traced(settings: MonitoringSettings, exporter: SpanExporter | None = None) -> Iterator[None]:
    """While the block runs, what happens is told to the collector: ids and counts, never what was said.

    Once per process, because OpenTelemetry knows one collector. Raises Told where the extra is missing.
    """
    if settings.traces is None:
        yield
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as missing:
        raise Told(
            f"monitoring.traces is set, and {missing.name} is not installed",
            "pip install 'twin[monitoring]', or take the setting out",
        ) from missing
    provider = TracerProvider(
        resource=Resource.create({"service.name": "twin"}),
        sampler=ParentBased(TraceIdRatioBased(settings.trace_share)),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(settings.traces)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()  # what is not sent yet is
