"""The chaos harness counts money send by send, and recovery from the times at the providers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.topics import load_topics
from services.runtime.kafka import partition_of
from tests.chaos.caps import wrong_caps
from tests.chaos.chains import Step, wrong_chains
from tests.chaos.disks import Disks, NoDisksError, require_disks
from tests.chaos.money import PRICES, Purse, overdrawn, wrong_costs
from tests.chaos.plan import make_drill, make_plan
from tests.chaos.recovery import Blow, longest_gap, measure


def send(channel: str, status: str, cost: int, number: int = 0, reason: str = "") -> dict[str, Any]:
    return {"send_id": f"c/1/p{number}", "channel": channel, "status": status, "reason": reason, "cost_micros": cost}


def taken(channel: str, number: int = 0, at: float = 0.0) -> dict[str, Any]:
    return {
        "send_id": f"c/1/p{number}",
        "channel": channel,
        "received_at": datetime.fromtimestamp(at, UTC).isoformat(),
    }


def test_a_purse_is_shared_out_by_channel_and_adds_up() -> None:
    purse = Purse(("email", "sms"), 100)
    assert purse.total == 100 * (PRICES["email"] + PRICES["sms"])
    assert purse.budget() == {
        "total": "0.880000", "currency": "USD", "allocation": {"email": "0.090000", "sms": "0.790000"},
    }  # fmt: skip
    assert "allocation" not in Purse(("email",), 100).budget()
    assert not Purse(("email", "sms"), 0).total


@pytest.mark.parametrize("channel", PRICES)
def test_one_message_above_a_channels_cap_is_found_in_the_ledger_and_at_the_provider(channel: str) -> None:
    purse = Purse(tuple(PRICES), 1)
    one, two = [send(channel, "delivered", PRICES[channel])], [taken(channel), taken(channel, 1)]
    assert not overdrawn(purse, one, two[:1])
    assert overdrawn(purse, [*one, send(channel, "delivered", PRICES[channel], 1)], two[:1])
    assert overdrawn(purse, one, two)
    assert not overdrawn(Purse(tuple(PRICES), 0), one, two)


@pytest.mark.parametrize(
    ("one", "received", "right"),
    [
        (send("sms", "delivered", 7_900), True, True),
        (send("sms", "delivered", 0), True, False),
        (send("sms", "delivered", 15_800), True, False),
        (send("whatsapp", "failed", 0), True, True),
        (send("whatsapp", "failed", 5_000), True, True),
        (send("email", "accepted", 900, reason="assumed"), False, True),
        (send("email", "accepted", 0, reason="assumed"), False, False),
        (send("email", "suppressed", 900, reason="over_budget"), False, False),
        (send("email", "suppressed", 900, reason="campaign_cancelled"), False, True),
    ],
)
def test_a_send_costs_what_the_rate_card_says_of_its_fate(one: dict[str, Any], received: bool, right: bool) -> None:
    assert bool(wrong_costs([one], [taken(one["channel"])] if received else [])) is not right


def test_a_gap_counts_from_the_blow_on_and_not_what_is_asked_for_again_at_the_end() -> None:
    times = [*(i / 10 for i in range(50)), *(12 + i / 10 for i in range(50)), 90.0]
    assert longest_gap(times, since=4.95) == pytest.approx(12 - 4.95)
    assert longest_gap(times, since=13.0) == pytest.approx(0.1)
    assert longest_gap(times[:55], since=4.95) == 0.0


def test_a_recovery_is_as_slow_as_its_slowest_partition() -> None:
    people = {f"p{i}": f"default/p{i}" for i in range(400)}
    slow = partition_of("default/p0", load_topics().partitions)
    received = []
    for i in range(400):
        behind = 9.0 if i > 100 and partition_of(people[f"p{i}"], load_topics().partitions) == slow else 0.0
        received.append(taken("email", i, at=1_000 + i / 40 + behind))
    found = measure("sender-kill", Blow(1_002.5), received, people, within_s=8)
    assert 9 < found.longest_gap_s < 11
    assert found.too_late
    assert not measure("broker-freeze-long", Blow(1_002.5, held_s=8), received, people, within_s=8).too_late


def test_a_drill_is_one_fault_amid_a_stream_that_nobody_steers() -> None:
    drill = make_drill(1, "broker-kill")
    assert [(fault.kind, fault.target) for fault in drill.faults] == [("kill", "kafka")]
    assert not drill.acts


def test_campaigns_over_several_channels_have_budgets_too() -> None:
    plans = [make_plan(seed) for seed in range(20)]
    several = [c for plan in plans for c in plan.campaigns if len(c.channels) > 1]
    assert {bool(campaign.affordable) for campaign in several} == {True, False}
    for plan in plans:
        raised = {act.campaign for act in plan.acts if act.verb == "raise"}
        assert raised >= {n for n, c in enumerate(plan.campaigns) if c.affordable and len(c.channels) > 1}


CHAIN = [Step("email"), Step("sms", "not_delivered"), Step("whatsapp", "not_engaged")]


def fate(step: int, status: str, reason: str = "") -> dict[str, Any]:
    return {"send_id": f"c/{step}/p0", "step": step, "status": status, "reason": reason}


def at(step: int, second: int) -> dict[str, Any]:
    return {"send_id": f"c/{step}/p0", "received_at": f"2026-11-21T10:00:{second:02d}.000000+00:00"}


@pytest.mark.parametrize(
    ("sends", "received", "differences"),
    [
        ([fate(1, "delivered"), fate(2, "suppressed", "already_delivered")], [at(1, 1)], 0),
        ([fate(1, "failed"), fate(2, "suppressed", "already_delivered")], [], 1),
        ([fate(1, "read"), fate(3, "suppressed", "engaged_elsewhere")], [at(1, 1)], 0),
        ([fate(1, "delivered"), fate(3, "suppressed", "engaged_elsewhere")], [at(1, 1)], 1),
        ([fate(1, "bounced"), fate(2, "delivered")], [at(1, 1), at(2, 5)], 0),
        ([fate(1, "delivered"), fate(2, "delivered")], [at(2, 1), at(1, 5)], 1),
        ([fate(1, "delivered"), fate(3, "delivered")], [at(3, 1), at(1, 5)], 0),
    ],
)
def test_every_step_of_a_sequence_was_left_out_for_a_reason_and_overtook_nothing(
    sends: list[dict[str, Any]], received: list[dict[str, Any]], differences: int
) -> None:
    assert len(wrong_chains(CHAIN, sends, received, reopened=False)) == differences


def test_where_no_file_system_can_be_mounted_a_full_disk_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NoDisksError, match="needs Linux and root"):
        require_disks()


async def test_a_part_that_has_no_file_system_of_its_own_is_never_filled(tmp_path: Path) -> None:
    with pytest.raises(NoDisksError, match="kafka is on no file system of its own"):
        await Disks(tmp_path).keep_full("kafka", 1)


def test_a_message_above_the_cap_is_found_and_so_is_one_that_was_kept_back_for_nothing() -> None:
    def sends(*statuses: str) -> list[dict[str, Any]]:
        reasons = {"suppressed": "frequency_capped"}
        return [
            {"send_id": f"c/{step}/p", "status": status, "reason": reasons.get(status, "")}
            for step, status in enumerate(statuses, start=1)
        ]

    assert not wrong_caps(2, sends("delivered", "uncertain", "suppressed"))
    assert not wrong_caps(2, sends("delivered", "failed", "read"))
    assert not wrong_caps(1, sends("failed", "suppressed", "suppressed"))
    assert wrong_caps(1, sends("delivered", "accepted", "suppressed")) == ["p: 2 messages, and 1 were allowed"]
    assert wrong_caps(2, sends("delivered", "suppressed", "suppressed")) == [
        "c/2/p: capped, and only 1 of 2 were ever routed"
    ]
