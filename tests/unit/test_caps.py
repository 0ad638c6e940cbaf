"""Caps on messages: rolling windows over all campaigns of a brand, held against a recount of a random history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.status import EVIDENCE, RANK, Status, Suppression
from services.domain.eligibility import (
    CampaignRules,
    Record,
    Route,
    Send,
    StepRules,
    Suppress,
    decide,
    decode_campaign,
    decode_record,
    encode_record,
    new_record,
    observe,
)
from services.domain.eligibility.record import CapRules, LimitRules
from services.domain.messages import DeliveryEvent, SendRequest

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CHANNELS = ("email", "sms")
THREE_A_WEEK = CapRules(3, "7d")


def campaign(*caps: CapRules, kind: str = "marketing", name: str = "now") -> CampaignRules:
    steps = [StepRules(channel) for channel in CHANNELS]
    return CampaignRules(name, "default", "active", 1, steps, kind, limits=LimitRules(caps))


def request(channel: str = "email", name: str = "now", **changes: Any) -> SendRequest:
    step = CHANNELS.index(channel) + 1
    address = "a@example.com" if channel == "email" else "+919812345678"
    values: dict[str, Any] = {
        "send_id": f"{name}/{step}/c", "campaign_id": name, "step": step, "recipient": "default/c", "ord": 1,
        "attempt": 1, "epoch": 1, "channel": channel, "opt_in": True, "address": address,
        "expires_at": NOW + timedelta(days=900),
    }  # fmt: skip
    return SendRequest(**values | changes)


def had(*sends: tuple[Status, float], channel: str = "sms", **changes: Any) -> Record:
    """A person who had these messages, so many days ago."""
    record = new_record()
    for number, (status, days) in enumerate(sends):
        at = int((NOW - timedelta(days=days)).timestamp() * 1000)
        record.sends[f"old{number}/1/c"] = Send(1, RANK[status], "", -1, at, channel, **changes)
    return record


def test_the_place_after_the_last_is_refused_with_the_count_and_the_last_message() -> None:
    full = had((Status.DELIVERED, 6), (Status.ACCEPTED, 3), (Status.QUEUED, 1))
    assert decide(full, request(), campaign(THREE_A_WEEK), NOW) == Suppress(
        Suppression.FREQUENCY_CAPPED, "3 of 3 messages in 7 days, the last 2026-11-20 09:00 UTC by sms"
    )


def test_a_routed_message_says_which_place_it_takes() -> None:
    verdict = decide(had((Status.DELIVERED, 6)), request(), campaign(THREE_A_WEEK, CapRules(1, "24h", "email")), NOW)
    assert verdict == Route("caps 2/3 in 7d, 1/1 email in 1d")


def test_why_it_goes_at_this_hour_is_told_too() -> None:
    asked = request("sms", timing="held until 09:00 Asia/Kolkata (quiet hours)")
    assert decide(new_record(), asked, campaign(CapRules(2, "12h")), NOW) == Route(
        "opted in by the campaign's own list; caps 1/2 in 12h; held until 09:00 Asia/Kolkata (quiet hours)"
    )


@pytest.mark.parametrize("status", list(Status))
def test_what_went_out_or_may_have_takes_a_place_and_what_certainly_did_not_gives_it_back(status: Status) -> None:
    went = RANK[status] >= EVIDENCE or status in (Status.QUEUED, Status.UNCERTAIN, Status.ACCEPTED)
    verdict = decide(had((status, 1)), request(), campaign(CapRules(1, "7d")), NOW)
    assert isinstance(verdict, Suppress if went else Route)


def test_a_window_rolls() -> None:
    one_a_day = campaign(CapRules(1, "24h"))
    assert isinstance(decide(had((Status.DELIVERED, 0.999)), request(), one_a_day, NOW), Suppress)
    assert isinstance(decide(had((Status.DELIVERED, 1)), request(), one_a_day, NOW), Route)


def test_a_cap_of_one_channel_counts_and_caps_this_channel_alone() -> None:
    one_sms = campaign(CapRules(1, "7d", "sms"))
    assert isinstance(decide(had((Status.DELIVERED, 1)), request("sms"), one_sms, NOW), Suppress)
    assert isinstance(decide(had((Status.DELIVERED, 1)), request("email"), one_sms, NOW), Route)
    assert isinstance(decide(had((Status.DELIVERED, 1), channel="email"), request("sms"), one_sms, NOW), Route)


def test_transactional_messages_are_neither_counted_nor_capped() -> None:
    full = had((Status.DELIVERED, 1))
    assert isinstance(decide(full, request(), campaign(CapRules(1, "7d"), kind="transactional"), NOW), Route)
    receipts = had((Status.DELIVERED, 1), transactional=True)
    assert isinstance(decide(receipts, request(), campaign(CapRules(1, "7d")), NOW), Route)


def test_a_record_of_an_earlier_version_still_reads() -> None:
    """Its sends end before the newest fields, which take their defaults."""
    send = Send(1, RANK[Status.ACCEPTED], "", 5, 1, "sms")
    old = encode_record(Record([1, 1, 1, 1], {}, set(), {"a/1/c": send}))
    assert decode_record(old).sends["a/1/c"].transactional is False


def test_caps_and_priority_are_read_from_a_campaigns_record() -> None:
    value = (
        b'{"campaign_id": "c", "brand": "b", "status": "active", "epoch": 1, "steps": [{"channel": "sms"}], '
        b'"priority": 7, "limits": {"quiet_hours": null, "caps": [{"messages": 2, "per": "7d", "channel": null}, '
        b'{"messages": 1, "per": "24h", "channel": "sms"}], "expires_after": "7d"}}'
    )
    rules = decode_campaign(value)
    assert rules.priority == 7
    assert rules.limits.caps == (CapRules(2, "7d"), CapRules(1, "24h", "sms"))


events = st.tuples(
    st.integers(0, 11),
    st.sampled_from(["ask", "ask", "ask", "recalled", "accepted", "uncertain", "failed", "failed_retryable",
                     "delivered"]),
    st.integers(0, 40),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(events, max_size=60),
    st.lists(
        st.builds(CapRules, st.integers(1, 3), st.sampled_from(["6h", "1d", "7d", "30d"]),
                  st.sampled_from([None, "email", "sms"])),
        min_size=1, max_size=2,
    ),
)  # fmt: skip
def test_no_history_of_requests_outcomes_recalls_and_replays_gets_past_a_cap(
    history: list[tuple[int, str, int]], caps: list[CapRules]
) -> None:
    """Every message that was let through had room at that moment, by a recount of what had gone out or may have; and
    every one that was capped had none."""
    record, now = new_record(), NOW
    out: dict[str, tuple[datetime, str]] = {}
    """Sends that went out or may have: when they were let through, and by which channel."""
    attempts: dict[str, int] = {}
    for number, what, hours in history:
        now += timedelta(hours=hours)
        channel, name, kind = CHANNELS[number % 2], f"k{number // 2}", "transactional" if number > 9 else "marketing"
        rules = campaign(*caps, kind=kind, name=name)
        asked = request(channel, name, attempt=attempts.get(name + channel, 0) + 1)
        if what == "ask":
            verdict = decide(record, asked, rules, now)
            room = all(recount(out, cap, now) < cap.messages for cap in caps if cap.channel in (None, channel))
            if isinstance(verdict, Route):
                assert kind == "transactional" or room
                attempts[name + channel] = asked.attempt
                record.sends[asked.send_id] = Send(
                    asked.attempt, RANK[Status.QUEUED], "", 1, round(now.timestamp() * 1000), channel,
                    transactional=kind == "transactional",
                )  # fmt: skip
                assert not isinstance(decide(record, asked, rules, now), Route | Suppress), "a repeat takes no place"
                if kind == "marketing":
                    out[asked.send_id] = now, channel
            elif isinstance(verdict, Suppress):
                assert verdict.reason == Suppression.FREQUENCY_CAPPED
                assert not room
        elif asked.send_id in record.sends:
            before = record.sends[asked.send_id].state
            observe(record, outcome(asked, attempts[name + channel], what, now))
            record = decode_record(encode_record(record))
            after = record.sends[asked.send_id].state
            if after < EVIDENCE and after != before and what in ("recalled", "failed", "failed_retryable"):
                out.pop(asked.send_id, None)
            elif after >= EVIDENCE and kind == "marketing" and asked.send_id not in out:
                at = datetime.fromtimestamp(record.sends[asked.send_id].at / 1000, UTC)
                out[asked.send_id] = at, channel  # it had gone out after all


def recount(out: dict[str, tuple[datetime, str]], cap: CapRules, now: datetime) -> int:
    unit = {"h": timedelta(hours=1), "d": timedelta(days=1)}[cap.per[-1]]
    since = now - int(cap.per[:-1]) * unit
    return sum(at > since and cap.channel in (None, channel) for at, channel in out.values())


def outcome(asked: SendRequest, attempt: int, status: str, at: datetime) -> DeliveryEvent:
    return DeliveryEvent(
        event_id="e", send_id=asked.send_id, campaign_id=asked.campaign_id, step=asked.step, recipient=asked.recipient,
        attempt=attempt, channel=asked.channel, account="default", status=status, occurred_at=at, source="sender",
    )  # fmt: skip
