"""Spans: what a campaign's life looks like to whoever collects traces, and that nobody else pays for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from span_collector import span_collector

from schemas import (
    Account,
    CampaignRecord,
    CampaignStatus,
    Channel,
    Command,
    CommandResult,
    Content,
    FieldError,
    FrozenAudience,
    StepRecord,
)
from services.domain.messages import SendMessage
from services.domain.tracing import is_sampled, picked, trace_headers
from services.planner.core import lifecycle
from services.planner.core.campaign_span import Reached, attributes_of, failure_of, span_ids
from services.planner.core.decisions import Accepted
from services.planner.emitter import request_headers
from services.planner.tracing import CampaignTracer, page_span
from services.runtime.settings import Settings
from services.runtime.spans import Spans
from services.runtime.telemetry import spans, start_telemetry, stop_telemetry, use_spans
from services.senders.core.outcomes import Accepted as Taken
from services.senders.core.outcomes import Failed
from services.senders.items import Item
from services.senders.tracing import call_span
from services.senders.transport import Transport, find_transports

NOW = datetime(2026, 11, 21, 9, 0, 0, 123_456, tzinfo=UTC)
RECORD = CampaignRecord(
    campaign_id="spring", brand="default", name="Spring", status=CampaignStatus.ACTIVE, epoch=1,
    steps=[StepRecord(channel=channel, account="default", content=Content()) for channel in ("email", "sms", "email")],
    audience=FrozenAudience(snapshot_id="s", count=20), created_at=NOW, updated_at=NOW, launched_at=NOW,
)  # fmt: skip


@pytest.fixture
def memory() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    use_spans(Spans("test", SimpleSpanProcessor(exporter), 0.25))
    yield exporter
    use_spans(None)


def messages(headers: list[tuple[str, bytes]], count: int = 1) -> list[Item]:
    message = SendMessage(
        send_id="spring/1/c", campaign_id="spring", step=1, recipient="default/c", ord=0, attempt=1, epoch=1,
        channel="email", address="a@example.com", expires_at=NOW, request_offset=0, routed_at=NOW,
    )  # fmt: skip
    return [Item(i, msgspec.structs.replace(message, ord=i), trace=trace_headers(headers)) for i in range(count)]


def test_services_import_nothing_of_opentelemetry_where_it_is_off() -> None:
    code = (
        "import services.planner.app, services.senders.service, services.router.app, services.tracker.service, sys; "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_an_endpoint_no_message_carries_a_header_and_no_span_is_made() -> None:
    start_telemetry("planner", Settings(otlp_endpoint=""))
    assert spans() is None
    with page_span(RECORD, 1, 5):
        assert request_headers()(0) == []
    item = messages([])[0]
    with call_span(transport(), [item]) as tell:
        tell([Taken("x")])
    assert item.trace == ()


@pytest.mark.parametrize("name", ["PEAL_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])
async def test_either_setting_turns_it_on_and_spans_arrive_by_otlp(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with span_collector() as collector:
        monkeypatch.setenv(name, collector.url + "/")
        start_telemetry("planner", Settings())
        try:
            with page_span(RECORD, 2, 5):
                pass
        finally:
            await stop_telemetry()
        assert [service for service, _ in collector.spans] == ["peal-planner"]
        assert len(collector.find("campaign.expand_page", campaign_id="spring", campaign_step=2, page_wanted=5)) == 1


def test_every_owner_of_a_campaign_hangs_its_spans_on_the_same_one(memory: InMemorySpanExporter) -> None:
    with page_span(RECORD, 1, 5):
        pass
    use_spans(Spans("after-a-restart", SimpleSpanProcessor(memory), 0.25))
    read_again = CampaignRecord.read(RECORD.write())
    paused_and_resumed = read_again.model_copy(update={"epoch": 3, "updated_at": NOW + timedelta(hours=1)})
    with page_span(paused_and_resumed, 1, 5):
        pass
    first, second = memory.get_finished_spans()
    assert (first.context.trace_id, first.parent) == (second.context.trace_id, second.parent)
    ids = span_ids(RECORD)
    assert first.parent is not None
    assert ids == (first.context.trace_id, first.parent.span_id)
    assert first.context.span_id != second.context.span_id


def test_a_campaign_that_a_raised_budget_reopens_gets_a_second_span_in_the_same_trace() -> None:
    done = lifecycle.complete(RECORD, NOW + timedelta(hours=1))
    budget = {"total": "5.00", "currency": "USD"}
    command = Command.model_validate(
        {"type": "campaign.budget", "command_id": "k", "campaign_id": "c", "budget": budget}
    )
    reopened = lifecycle.steer(done, command, NOW + timedelta(hours=2))
    assert isinstance(reopened, Accepted)
    first, second = span_ids(done), span_ids(reopened.record)
    assert first is not None
    assert second is not None
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id


def test_a_draft_has_no_span() -> None:
    assert span_ids(RECORD.model_copy(update={"launched_at": None})) is None


def test_the_span_of_a_campaign_names_it_and_counts_each_channel_once() -> None:
    told = attributes_of(RECORD, {"email": Reached(19, 17, 1)})
    assert told["campaign.id"] == "spring"
    assert told["campaign.name"] == "Spring"
    assert told["campaign.channels"] == ["email", "sms"]
    assert told["campaign.recipients"] == 20
    assert [told[f"campaign.email.{kind}"] for kind in ("sent", "delivered", "failed")] == [19, 17, 1]
    assert [told[f"campaign.sms.{kind}"] for kind in ("sent", "delivered", "failed")] == [0, 0, 0]


def test_a_channel_of_which_all_failed_is_an_error_a_few_failures_are_not() -> None:
    assert failure_of({"email": Reached(10, 9, 3), "sms": Reached(0, 0, 0)}) is None
    failure = failure_of({"email": Reached(10, 9, 0), "sms": Reached(0, 0, 4)})
    assert failure is not None
    assert "sms" in str(failure)


def test_a_refused_launch_is_a_span_with_its_error(memory: InMemorySpanExporter) -> None:
    errors = [FieldError(field="content.sms", problem="no_content", message="say something")]
    result = CommandResult(
        command_id="k", type="campaign.launch", status="rejected", campaign_id="spring", at=NOW, errors=errors
    )
    CampaignTracer.refused(result, None, RECORD)
    CampaignTracer.refused(result.model_copy(update={"type": "campaign.pause"}), None, RECORD)
    (span,) = memory.get_finished_spans()
    assert span.name == "marketing.send_campaign"
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["campaign.id"] == "spring"
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes is not None
    assert event.attributes["exception.message"] == "content.sms: say something"


def test_each_message_carries_its_page_and_the_share_of_them_is_sampled(memory: InMemorySpanExporter) -> None:
    with page_span(RECORD, 1, 8):
        headers = [request_headers()(number) for number in range(8)]
    (page,) = memory.get_finished_spans()
    parts = [headers[0][0] for headers in zip(headers, strict=True)]
    assert {name for name, _ in parts} == {"traceparent"}
    assert {value.decode().rpartition("-")[0] for _, value in parts} == {
        f"00-{page.context.trace_id:032x}-{page.context.span_id:016x}"
    }
    assert [is_sampled([part]) for part in parts] == [True, False, False, False] * 2


def test_a_call_is_a_child_of_its_page_and_linked_to_every_sampled_message(memory: InMemorySpanExporter) -> None:
    with page_span(RECORD, 1, 8):
        header_of = request_headers()
        sampled, other = header_of(0), header_of(1)
    batch = messages(sampled, 2) + messages(other)
    before = batch[2].trace
    with call_span(transport(), batch) as tell:
        tell([Failed("invalid_address", "no such mailbox"), Taken("x"), Taken("y")])
    page, call = memory.get_finished_spans()
    assert call.parent is not None
    assert call.parent.span_id == page.context.span_id
    assert [link.context.span_id for link in call.links] == [page.context.span_id]
    assert call.kind is SpanKind.CLIENT
    assert call.status.status_code is StatusCode.ERROR
    assert call.attributes is not None
    assert call.attributes["send.ords"] == (0, 1)
    assert call.attributes["call.messages"] == 3
    event_header = batch[0].trace[0][1].decode()
    assert event_header.split("-")[1:3] == [f"{call.context.trace_id:032x}", f"{call.context.span_id:016x}"]
    assert batch[2].trace == before


def test_messages_that_are_not_sampled_make_no_span_and_pass_their_context_on(memory: InMemorySpanExporter) -> None:
    header = [("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), ("other", b"x")]
    (item,) = messages(header)
    with call_span(transport(), [item]) as tell:
        tell([Taken("x")])
    assert memory.get_finished_spans() == ()
    assert item.trace == (header[0],)


@pytest.mark.parametrize("value", [b"", b"rubbish", b"00-1-2-zz", b"\xff-\xff-\xff-\xff", b"\xff-\xff-\xff-01"])
def test_a_header_that_is_no_context_is_no_error(memory: InMemorySpanExporter, value: bytes) -> None:
    (item,) = messages([("traceparent", value)])
    with call_span(transport(), [item]) as tell:
        tell([Taken("x")])
    assert all(span.parent is None for span in memory.get_finished_spans())


@given(st.sampled_from([0.0, 0.001, 0.1, 0.5, 1.0]), st.integers(0, 10**6))
def test_the_share_of_sampled_messages_is_exact_however_many_there_are(share: float, first: int) -> None:
    found = sum(picked(number, share) for number in range(first, first + 1000))
    assert abs(found - 1000 * share) <= 1


def transport() -> Transport:
    account = Account.model_validate(
        {"account_id": "default", "channel": "email", "provider": "sendgrid", "rate_per_s": 1}
    )
    return find_transports()[Channel.EMAIL](account, "secret", "https://peal.example", None)  # type: ignore[arg-type]
