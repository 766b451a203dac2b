"""Which spans does the twin leave behind, and what are they called? Here, because everybody may import it.

Ids and counts, never what anybody said: a span takes no exception's message, for it may quote one. Without
twin/monitoring.py nobody collects them, and none is begun. What a model does is named as OpenTelemetry names
it for generative AI; those names still change, and stand in this file only.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from storage.metrics import counted
from storage.whose import whose

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

log = logging.getLogger(__name__)

TURN = "twin.turn"  # one person is answered: from what they said to the last message that was sent
REPLY = "twin.reply"  # the brain: recall, compose, ask
SEND = "twin.send"  # one message of an answer into a chat app
READ, WRITE = "twin.storage.read", "twin.storage.write"
ASKED = "twin.run.asked"  # somebody, or the clock, wants a run: here its trace begins
RUN = "twin.run"  # something long, by whoever is at it: a training, an evaluation. One for each attempt
COLLECT, EXPORT = "twin.collect", "twin.export"  # the feedback; the rows that trainers read
JOB = "twin.job"  # what is left to a process that trains
STEP = "twin.step"  # one step of it, in there
GATE = "twin.gate"
PUBLISH, LOAD, PROBE = "twin.publish", "twin.load", "twin.probe"  # the way to the model servers

PARENT = "TRACEPARENT"  # as OpenTelemetry carries a context in an environment
COLLECTOR = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

Value = str | int | float | bool
_tracer: Tracer | None = None  # None: nobody collects
_collector: str | None = None  # where this process sends its traces


@contextmanager
def collected(collector: str, share: float = 1.0, exporter: SpanExporter | None = None) -> Iterator[None]:
    """While the block runs, what happens is told to the collector. Once per process: OpenTelemetry knows one.

    Raises ImportError where twin[monitoring] is not installed.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    global _collector, _tracer
    provider = TracerProvider(
        resource=Resource.create({"service.name": "twin"}),
        sampler=ParentBased(TraceIdRatioBased(share)),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(collector)))
    trace.set_tracer_provider(provider)
    _collector, _tracer = collector, provider.get_tracer("twin")
    try:
        yield
    finally:
        _collector = _tracer = None
        provider.shutdown()  # what is not sent yet is


def here() -> str | None:
    """W3C's traceparent of what happens now, to go on from later or elsewhere; None: it is not traced."""
    carried: dict[str, str] = {}
    propagate.inject(carried)
    return carried.get("traceparent")


def onward() -> dict[str, str]:
    """The environment of another process that goes on with what happens here; empty: it is not traced."""
    parent = here()
    return {PARENT: parent, COLLECTOR: _collector} if _collector and parent else {}


@contextmanager
def within(parent: str | None) -> Iterator[None]:
    """What happens in the block happens within that, whoever began it, and when; None: within nothing new.

    What is not a traceparent counts as None.
    """
    if parent is None:
        yield
        return
    token = context.attach(propagate.extract({"traceparent": parent}))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def continued(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """What happens in the block happens within what the process that started this one is at."""
    parent, collector = environment.get(PARENT), environment.get(COLLECTOR)
    with ExitStack() as closing:
        if parent and collector:
            try:
                closing.enter_context(collected(collector))
            except ImportError as missing:  # another machine than the one that asked
                log.warning("not traced here: %s is not installed", missing.name)
            closing.enter_context(within(parent))
        yield


@contextmanager
def span(name: str, **about: Value) -> Iterator[Span]:
    """What happens in the block happens within it; `about` becomes its attributes, as `twin.NAME`."""
    if (begun := _begun(name, SpanKind.INTERNAL, _named(about))) is None:
        yield trace.INVALID_SPAN
        return
    try:
        with trace.use_span(begun, record_exception=False, set_status_on_exception=False):
            yield begun
    except BaseException as error:
        _end(begun, error)
        raise
    else:
        _end(begun)


class storing(counted):
    """A transaction. Nothing happens within it: its block is begun and ended by other hands."""

    __slots__ = ("_span",)

    def __init__(self, name: str, system: str) -> None:
        super().__init__(name.rpartition(".")[2])
        self._span = _begun(name, SpanKind.CLIENT, {"db.system.name": system})

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        super().__exit__(kind, error, where)
        _end(self._span, error)


class asking:
    """One request to a model server. Not the current span: an answer comes piece by piece, and others run
    in between.
    """

    __slots__ = ("_span", "headers")

    def __init__(self, server: str, model: str, max_tokens: int, temperature: float) -> None:
        about: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": max_tokens,
            "gen_ai.request.temperature": temperature,
            "server.address": server,
        }
        self._span = _begun(f"chat {model}", SpanKind.CLIENT, about)
        # W3C's traceparent, so that the server's own spans hang on ours, or on whose work it is
        self.headers: dict[str, str] = {}
        if within := trace.set_span_in_context(self._span) if self._span else context.get_current():
            propagate.inject(self.headers, within)

    def __enter__(self) -> Self:
        return self

    def answered(self, finish_reason: str, prompt_tokens: int, completion_tokens: int) -> None:
        if self._span:
            self._span.set_attributes(
                {
                    "gen_ai.response.finish_reasons": [finish_reason],
                    "gen_ai.usage.input_tokens": prompt_tokens,
                    "gen_ai.usage.output_tokens": completion_tokens,
                }
            )

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        _end(self._span, error)


def note(**about: Value) -> None:
    """Something that is known by now about what is happening."""
    if _tracer:
        trace.get_current_span().set_attributes(_named(about))


def _named(about: Mapping[str, Value]) -> dict[str, Value]:
    return {f"twin.{name}": value for name, value in about.items()}


def _whose() -> dict[str, Value]:
    return {"twin.name": name} if (name := whose()) else {}


def _begun(name: str, kind: SpanKind, about: Mapping[str, Value]) -> Span | None:
    return _tracer.start_span(name, kind=kind, attributes={**about, **_whose()}) if _tracer else None


def _end(begun: Span | None, error: BaseException | None = None) -> None:
    if begun is None:
        return
    if isinstance(error, Exception):
        begun.set_attribute("error.type", type(error).__name__)
        begun.set_status(Status(StatusCode.ERROR))
    begun.end()
