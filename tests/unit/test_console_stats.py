"""Figures of a campaign: each planned message counted once, whatever its state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import OPEN, CampaignRecord, Status, StepProgress
from services.console.core.cursors import BadCursorError, decode_cursor, encode_cursor
from services.console.core.dashboard import attention, dashboard
from services.console.core.idempotency import campaign_id, command_id
from services.console.core.rates import RateMeter, from_minutes
from services.console.core.stats import Findings, assemble
from services.console.pages.common import bar, gauge, share
from services.console.pages.people import newest_first
from services.console.sends import statuses_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def record(**changes: Any) -> CampaignRecord:
    content = {
        "campaign_id": "c", "brand": "default", "name": "C", "status": "active", "epoch": 2,
        "steps": [{"channel": channel, "account": "default", "content": {}} for channel in ("email", "sms", "email")],
        "filter": {}, "audience": {"snapshot_id": "s", "count": 100}, "budget": {"total": "5.00", "currency": "EUR"},
        "created_at": NOW, "updated_at": NOW, "launched_at": NOW,
    }  # fmt: skip
    return CampaignRecord.model_validate(content | changes)


def progress(step: int, **changes: Any) -> StepProgress:
    content = {"campaign_id": "c", "step": step, "epoch": 2, "updated_at": NOW}
    return StepProgress.model_validate(content | changes)


STANDING = [
    (1, "accepted", "", 20), (1, "accepted", "assumed", 5), (1, "delivered", "", 30),
    (1, "suppressed", "opted_out", 10), (1, "suppressed", "no_address", 12), (1, "failed", "blocked", 3),
    (1, "uncertain", "", 2), (1, "queued", "", 4), (1, "recalled", "", 1), (1, "failed_retryable", "unreachable", 1),
    (2, "suppressed", "no_address", 100), (3, "delivered", "", 1),
]  # fmt: skip
REACHED = {1: {"sent": 55, "delivered": 30, "read": 7}, 3: {"sent": 1, "delivered": 1}}


def test_channels_sum_their_steps_and_the_whole_sums_the_channels() -> None:
    stats = assemble(
        record(), {1: progress(1, highest_reserve_micros=700, cursor=100)}, Findings(STANDING, REACHED, 900), 12.34, NOW
    )
    email, sms = stats.by_channel["email"], stats.by_channel["sms"]
    assert (stats.audience, stats.planned, stats.settled, stats.open) == (100, 300, 181, 119)
    assert (email.planned, email.settled, email.sent, email.delivered, email.read) == (200, 81, 56, 31, 7)
    assert (email.queued, email.recalled, email.retrying, email.uncertain, email.assumed) == (4, 1, 1, 2, 5)
    assert (email.suppressed, email.suppressed_by_reason) == (22, {"no_address": 12, "opted_out": 10})
    assert (sms.planned, sms.settled, sms.open) == (100, 100, 0)
    assert (stats.budget_micros, stats.currency, stats.reserved_micros, stats.spent_micros) == (
        5_000_000,
        "EUR",
        16 * 700,
        900,
    )
    assert (stats.rate_per_s, stats.by_step[0].expanded, stats.by_step[1].expanded) == (12.3, 100, 0)


def test_a_cancelled_campaign_closes_what_was_open() -> None:
    stats = assemble(record(status="cancelled", ended_at=NOW), {}, Findings(STANDING, REACHED), 5, NOW)
    assert (stats.settled, stats.open, stats.uncertain, stats.rate_per_s) == (300, 0, 0, 0)
    assert stats.by_step[0].suppressed_by_reason == {"campaign_cancelled": 20, "no_address": 12, "opted_out": 10}
    assert stats.by_step[2].suppressed_by_reason == {"campaign_cancelled": 99}
    assert stats.finish_at == NOW


def test_before_the_launch_nothing_is_planned() -> None:
    stats = assemble(record(status="draft", launched_at=None), {}, Findings(), 0, NOW)
    assert (stats.planned, stats.settled, stats.open, stats.finish_at) == (0, 0, 0, None)


@given(
    st.dictionaries(st.sampled_from([(s.value, r) for s in Status for r in ("", "x")]), st.integers(0, 9), max_size=12),
    st.sampled_from(["active", "paused", "completed", "cancelled"]),
)
def test_settled_and_open_are_always_what_was_planned(counts: dict[tuple[str, str], int], status: str) -> None:
    standing = [(1, word, reason, sends) for (word, reason), sends in counts.items()]
    stats = assemble(record(status=status), {}, Findings(standing), 0, NOW)
    assert stats.settled + stats.open == stats.planned == 300
    if status == "cancelled":
        assert stats.open == 0
    else:
        assert stats.settled == sum(sends for (word, _), sends in counts.items() if word not in OPEN)


@given(st.dictionaries(st.sampled_from([status.value for status in Status]), st.integers(0, 9), max_size=10))
def test_a_bar_is_never_wider_than_what_was_planned(counts: dict[str, int]) -> None:
    reached = {1: {"sent": 60, "delivered": 70, "bounced": 0}}
    stats = assemble(record(), {}, Findings([(1, word, "", sends) for word, sends in counts.items()], reached), 0, NOW)
    widths = [width for _, _, _, width in bar(stats.by_step[0])]
    assert all(width >= 0 for width in widths)
    assert sum(widths) <= 100.01


def test_the_finish_is_told_from_the_rate_and_from_later_steps() -> None:
    findings = Findings([(1, "delivered", "", 100), (2, "delivered", "", 100)])
    at_rate = assemble(record(), {}, findings, 10, NOW)
    assert at_rate.finish_at == NOW + timedelta(seconds=10)
    later = assemble(record(), {3: progress(3, due_at=NOW + timedelta(hours=24))}, findings, 10, NOW)
    assert later.finish_at == NOW + timedelta(hours=24, seconds=10)
    reminder = record()
    reminder = reminder.model_copy(
        update={"steps": [*reminder.steps[:2], reminder.steps[2].model_copy(update={"after_s": 3600})]}
    )
    assert assemble(reminder, {}, findings, 10, NOW).finish_at == NOW + timedelta(hours=1, seconds=10)
    assert assemble(record(), {}, findings, 0, NOW).finish_at is None
    assert assemble(record(status="paused"), {}, findings, 10, NOW).finish_at is None


def test_people_who_wait_for_their_hour_are_counted_and_finish_after_the_last_of_them_may_go() -> None:
    """They are open, and no money is set aside for them."""
    morning = {"opens_at": NOW + timedelta(hours=2), "held_until": NOW + timedelta(hours=9)}
    asked = {1: progress(1, cursor=100, held=40, highest_reserve_micros=10, **morning)}
    found = Findings(standing=[(1, "delivered", "", 60)])
    stats = assemble(record(), asked, found, rate_per_s=0.0, now=NOW)
    first = stats.by_step[0]
    assert (first.held, first.opens_at, stats.held) == (40, NOW + timedelta(hours=2), 40)
    assert stats.settled + stats.open == stats.planned
    assert stats.reserved_micros == 0
    fast = assemble(record(), asked, found, rate_per_s=4.0, now=NOW)
    assert fast.finish_at == NOW + timedelta(hours=9, seconds=10)
    over = assemble(record(status="cancelled"), asked, found, rate_per_s=0.0, now=NOW)
    assert (over.held, over.opens_at) == (0, None)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = RateMeter()
    meter.add(0, 100)
    assert meter.per_second(0) is None
    meter.add(1, 200)
    assert meter.per_second(1) is None
    meter.add(10, 1100)
    assert meter.per_second(10) == 100
    assert meter.per_second(40) is None
    meter.add(40, 1100)
    assert meter.per_second(40) is None
    meter.add(44, 1100)
    assert meter.per_second(44) == 0


def test_without_a_watcher_the_rate_comes_from_minutes() -> None:
    now = NOW + timedelta(seconds=30)
    minutes = {NOW - timedelta(minutes=1): 600, NOW: 300}
    assert from_minutes(minutes, None, now) == 10
    assert from_minutes(minutes, now - timedelta(seconds=9), now) == 100


def test_cursors_come_back_as_they_were_and_rubbish_is_told() -> None:
    assert decode_cursor(encode_cursor(3, "a/b"), (int, str)) == (3, "a/b")
    for rubbish in ("", "x", "W10", encode_cursor("a", "b"), encode_cursor(1)):
        with pytest.raises(BadCursorError):
            decode_cursor(rubbish, (int, str))


def test_one_key_names_one_command_for_one_act_of_one_brand() -> None:
    one = command_id("default", "k", "POST /campaigns")
    assert one == command_id("default", "k", "POST /campaigns")
    others = {
        command_id("b", "k", "POST /campaigns"),
        command_id("default", "k", "POST /x"),
        command_id("default", "l", "POST /campaigns"),
    }
    assert len(others | {one}) == 4
    assert command_id("default", None, "x") != command_id("default", None, "x")
    assert campaign_id(one) == campaign_id(one) != campaign_id("other")


def test_the_dashboard_sums_reach_and_money() -> None:
    active, done = record(), record(campaign_id="d", status="completed")
    draft = record(campaign_id="e", status="draft", launched_at=None)
    stats = assemble(active, {}, Findings([(1, "failed", "blocked", 30), (1, "uncertain", "", 2)]), 0, NOW)
    figures = dashboard(
        [active, done, draft], {"c": 1_000_000, "d": 4_000_000, "e": 9}, {"email": (40, 30)}, [(active, stats)]
    )
    assert (figures.active, figures.completed, figures.drafts, figures.total_reach) == (1, 1, 1, 100)
    assert (figures.budget_utilization, figures.spent_micros) == (0.5, 5_000_000)
    assert [item.kind for item in figures.needs_attention] == ["failing", "uncertain"]
    assert attention(active, assemble(active, {}, Findings([(1, "failed", "blocked", 3)]), 0, NOW)) == []


def test_a_channel_fails_by_its_share_of_what_was_tried_however_far_a_message_came_first() -> None:
    findings = Findings([(1, "failed", "blocked", 25), (1, "delivered", "", 60)], {1: {"sent": 85, "delivered": 60}})
    items = attention(record(), assemble(record(), {}, findings, 0, NOW))
    assert [item.message for item in items] == ["25 of 85 email messages failed or bounced"]


def test_a_campaign_that_is_paused_asks_for_attention() -> None:
    paused = record(status="paused")
    items = attention(paused, assemble(paused, {}, Findings(), 0, NOW))
    assert [(item.kind, item.message) for item in items] == [("paused", "it is paused, and 300 messages wait")]


def test_the_ledger_of_a_person_is_in_the_order_of_a_messages_life_within_a_second() -> None:
    at = NOW.replace(microsecond=400_000)
    events = [
        {"status": "queued", "occurred_at": NOW}, {"status": "delivered", "occurred_at": NOW},
        {"status": "accepted", "occurred_at": at}, {"status": "recalled", "occurred_at": NOW + timedelta(seconds=1)},
    ]  # fmt: skip
    assert [event["status"] for event in newest_first(events)] == ["recalled", "delivered", "accepted", "queued"]


def test_of_a_budget_no_more_than_all_is_spent_and_set_aside() -> None:
    stats = assemble(record(), {}, Findings(spent_micros=4_000_000), 0, NOW)
    assert gauge(stats) == (80.0, 0.0)
    assert gauge(stats.model_copy(update={"reserved_micros": 3_000_000})) == (80.0, 20.0)
    assert gauge(stats.model_copy(update={"budget_micros": None})) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(0, 0, "–"), (0, 10, "0%"), (10, 10, "100%"), (9999, 10000, ">99.9%"), (1, 10000, "<0.1%"), (1, 3, "33.3%")],
)
def test_a_share_says_all_only_of_all_and_none_only_of_none(part: int, whole: int, words: str) -> None:
    assert share(part, whole) == words


def test_a_filter_by_status_knows_that_cancelled_means_closed() -> None:
    active, cancelled = record(), record(status="cancelled")
    assert statuses_of("queued", active).at == ("queued",)
    assert statuses_of("queued", cancelled).at == ()
    assert statuses_of("open", cancelled).at == ()
    assert statuses_of("settled", cancelled).at is None
    closed = statuses_of("suppressed", cancelled)
    assert closed.at is None
    assert "suppressed" not in closed.but
    assert "delivered" in closed.but
