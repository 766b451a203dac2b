"""Where do traces go? Nowhere, unless [monitoring] names a collector."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from storage import tracing
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
    with contextlib.ExitStack() as closing:
        try:
            closing.enter_context(tracing.collected(settings.traces, settings.trace_share, exporter))
        except ImportError as missing:
            raise Told(
                f"monitoring.traces is set, and {missing.name} is not installed",
                "pip install 'twin[monitoring]', or take the setting out",
            ) from missing
        yield
