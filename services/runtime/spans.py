"""Spans, by the SDK of OpenTelemetry. Imported only where they are wanted: see `services.runtime.telemetry`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.domain.tracing import TRACEPARENT, Headers, SpanIds, picked
from services.runtime.kafka import Header

Attributes = Mapping[str, str | bool | int | float | Sequence[str] | Sequence[int]]
EXPORT_TIMEOUT_S = 5.0


class Spans:
    """Of one process. A child follows its parent: what the planner did not pick, nobody records."""

    def __init__(self, service: str, processor: SpanProcessor, share: float) -> None:
        """`share`: of the messages whose way is told, 0 to 1."""
        self.share = share
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            sampler=ParentBased(ALWAYS_ON),
            resource=Resource.create({SERVICE_NAME: f"peal-{service}"}),
            id_generator=self._ids,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("peal")
        self._propagator = TraceContextTextMapPropagator()

    def close(self) -> None:
        """Waits until what is finished is sent, or given up."""
        self._provider.shutdown()

    def tell(
        self, name: str, ids: SpanIds, began_at: datetime, ended_at: datetime, attributes: Attributes,
        error: Exception | None = None,
    ) -> None:  # fmt: skip
        """A root span that is over, with ids that were known before it began."""
        with self._ids.given(ids):
            span = self._tracer.start_span(name, Context(), attributes=attributes, start_time=_nanoseconds(began_at))
        if error is not None:
            span.record_exception(error, timestamp=_nanoseconds(ended_at))
            self.fail(span, str(error))
        span.end(_nanoseconds(ended_at))

    @staticmethod
    def fail(span: Span, why: str) -> None:
        span.set_status(Status(StatusCode.ERROR, why))

    @contextmanager
    def child(self, name: str, parent: SpanIds, attributes: Attributes) -> Iterator[Span]:
        """The current span while the block runs; an exception that leaves the block is recorded."""
        context = trace.set_span_in_context(_remote(parent), Context())
        with self._tracer.start_as_current_span(name, context, SpanKind.PRODUCER, attributes) as span:
            yield span

    @contextmanager
    def call(self, name: str, messages: Sequence[Headers], attributes: Attributes) -> Iterator[Span]:
        """A call to a provider for these messages, which are all sampled: child of the first, linked to the others."""
        contexts = [
            self._propagator.extract({k: v.decode("ascii", "replace") for k, v in headers}, Context())
            for headers in messages
        ]
        links = [Link(trace.get_current_span(context).get_span_context()) for context in contexts[1:]]
        with self._tracer.start_as_current_span(name, contexts[0], SpanKind.CLIENT, attributes, links) as span:
            yield span

    def header_of(self, span: Span) -> Header:
        """What makes a record a child of this span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, trace.set_span_in_context(span))
        return TRACEPARENT, carrier[TRACEPARENT].encode()

    def message_headers(self) -> Callable[[int], list[Header]] | None:
        """By a message's number: its headers, as a child of the current span. None where there is no current span."""
        current = trace.get_current_span().get_span_context()
        if not current.is_valid:
            return None
        sampled, other = (
            [self.header_of(NonRecordingSpan(SpanContext(current.trace_id, current.span_id, False, flags)))]
            for flags in (TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT))
        )
        share = self.share
        return lambda number: sampled if picked(number, share) else other


def otlp_processor(endpoint: str) -> SpanProcessor:
    """In batches by OTLP over HTTP, from a thread. `endpoint`: the collector's, without `/v1/traces`."""
    url = endpoint.rstrip("/") + "/v1/traces"
    return BatchSpanProcessor(OTLPSpanExporter(url, timeout=EXPORT_TIMEOUT_S))


class _GivenIds(RandomIdGenerator):
    """Random, save where they are known beforehand."""

    def __init__(self) -> None:
        self._next: SpanIds | None = None

    @contextmanager
    def given(self, ids: SpanIds) -> Iterator[None]:
        """Not to be awaited in: the next span of this process takes them."""
        self._next = ids
        try:
            yield
        finally:
            self._next = None

    def generate_trace_id(self) -> int:
        return self._next.trace_id if self._next else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self._next.span_id if self._next else super().generate_span_id()


def _remote(ids: SpanIds) -> NonRecordingSpan:
    return NonRecordingSpan(SpanContext(ids.trace_id, ids.span_id, True, TraceFlags(TraceFlags.SAMPLED)))


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6) * 1000
