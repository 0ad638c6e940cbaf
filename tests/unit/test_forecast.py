"""What a campaign would come to: never less than it costs, never before it is done."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas import Account, Campaign, CampaignId, CampaignRecord, Channel, Forecast, InlineRecipient, RateCard
from services.domain.campaigns import compile_step, record_of, reserve_micros
from services.domain.forecast import Price, Sampled, forecast, listed_reach, price_of
from services.domain.forecast.prices import request_to
from services.domain.reach import Reach, by_channel, matched

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
URL = "https://peal.example.com"
RATES = {Channel.EMAIL: 100.0, Channel.SMS: 10.0, Channel.WHATSAPP: 5.0}


def account(channel: str, _: str = "default", **card: Any) -> Account:
    rates = {"message_micros": 1000} | card
    return Account.model_validate(
        {"account_id": "default", "channel": channel, "provider": "twilio", "rate_per_s": RATES[Channel(channel)],
         "rate_card": RateCard(**rates)}
    )  # fmt: skip


def record(**changes: Any) -> CampaignRecord:
    campaign = {
        "name": "S", "channels": ["email", "sms"], "body": {"text": "Hi {{ name }}"}, "audience": {"filter": {}},
        "content": {"email": {"subject": "Hi"}},
    }  # fmt: skip
    return record_of(Campaign.model_validate(campaign | changes), CampaignId("c"), NOW)


REACH = {Channel.EMAIL: Reach(1000, Counter(no_address=5)), Channel.SMS: Reach(600, Counter(no_consent=405))}
PRICES = {1: Price(1, 1000, 1000.0), 2: Price(2, 4000, 2500.0)}


def foreseen(made: CampaignRecord, people: int = 1005) -> Forecast:
    return forecast(made, people, REACH, PRICES, account, 10, NOW)


def test_steps_cost_what_their_reachable_people_cost_at_the_dearest() -> None:
    found = foreseen(record())
    assert [(step.reachable, step.most_micros, step.likely_micros) for step in found.steps] == [
        (1000, 1_000_000, 1_000_000), (600, 2_400_000, 1_500_000),
    ]  # fmt: skip
    assert (found.most_micros, found.likely_micros, found.people) == (3_400_000, 2_500_000, 1005)
    assert found.steps[1].dropped == {"no_consent": 405}


def test_a_budget_bounds_the_cost_and_tells_how_many_it_may_leave_out() -> None:
    found = foreseen(record(budget={"total": "2.00", "allocation": {"email": "25%"}}))
    assert [step.unaffordable for step in found.steps] == [500, 600 - 375]
    assert (found.most_micros, found.budget_micros) == (2_000_000, 2_000_000)
    assert any("may leave 725 messages out" in doubt for doubt in found.doubtful)


def test_channels_at_once_run_beside_each_other_and_a_reminder_after_them() -> None:
    steps = [{"channel": "email"}, {"channel": "sms", "only_if": "not_engaged", "after": "24h"}]
    at_once, later = foreseen(record()), foreseen(record(channels=[], steps=steps))
    assert at_once.finish_at == NOW + timedelta(seconds=60)
    assert later.steps[1].begins_at == NOW + timedelta(seconds=10, hours=24)
    assert later.finish_at == NOW + timedelta(seconds=70, hours=24)


def test_two_steps_of_one_account_share_its_rate() -> None:
    steps = [{"channel": "sms"}, {"channel": "sms"}]
    assert foreseen(record(channels=[], steps=steps)).finish_at == NOW + timedelta(seconds=120)


def test_quiet_hours_put_the_end_off_until_the_morning() -> None:
    quiet, steps = {"quiet_hours": {"from": "09:01", "to": "11:00"}}, [{"channel": "sms"}, {"channel": "email"}]
    made = record(channels=[], steps=[*steps, {"channel": "sms"}], limits=quiet)
    found = forecast(made, 1005, REACH, PRICES, account, 10, NOW)
    assert [step.ends_at - NOW for step in found.steps] == [
        timedelta(seconds=60), timedelta(seconds=10), timedelta(hours=2, seconds=60),
    ]  # fmt: skip


def test_a_date_to_come_is_when_it_begins_and_people_s_own_clocks_take_a_day_more() -> None:
    fixed = {"at": "2026-11-22T09:00:00+00:00"}
    assert foreseen(record(schedule=fixed)).steps[0].begins_at == NOW + timedelta(days=1)
    best = foreseen(record(schedule=fixed | {"mode": "best_time"}))
    assert best.finish_at == NOW + timedelta(days=2, seconds=60)


def test_what_is_perhaps_not_meant_is_said() -> None:
    assert any("nobody" in doubt for doubt in forecast(record(), 0, {}, {}, account, 0, NOW).doubtful)
    assert any("no budget" in doubt for doubt in foreseen(record()).doubtful)
    past = {"at": "2026-11-20T09:00:00+00:00"}
    assert any("at once" in doubt for doubt in foreseen(record(schedule=past)).doubtful)


def test_nobody_reached_is_never_finished() -> None:
    assert forecast(record(), 5, {}, PRICES, account, 0, NOW).finish_at is None


people = st.builds(
    Sampled,
    recipient=st.just("default/c-1"),
    email=st.just("a@example.com"),
    phone=st.sampled_from(["+919812345678", "+4915112345678", ""]),
    data=st.fixed_dictionaries({"name": st.text(max_size=200)}),
)


@given(st.lists(people, max_size=8))
def test_no_message_to_those_looked_at_costs_more_than_the_dearest(sample: list[Sampled]) -> None:
    """By the same reckoning as the planner reserves with: segments and countries included."""
    made = record(channels=["sms"])
    card = account("sms", by_country={"DE": 9000})
    content = compile_step(made.steps[0], made.body, made.name, tracked=True)
    price = price_of(made, 1, card, content, sample, URL)
    costs = [
        reserve_micros(card, content, request_to(made, 1, Channel.SMS, person.phone, person, content), URL)
        for person in sample
        if person.phone
    ]
    assert all(cost <= price.dearest_micros for cost in costs)
    assert price.mean_micros <= price.dearest_micros
    assert bool(costs) or price.dearest_micros == 9000


def test_a_list_of_people_is_reached_by_what_they_said_and_by_its_own_opt_ins() -> None:
    people = [
        InlineRecipient.model_validate(person)
        for person in (
            {"id": "a", "email": "A@example.com", "phone": "+919812345678", "opt_in": ["sms"]},
            {"id": "b", "email": "a@example.com", "phone": "+919812345679"},
            {"id": "c", "phone": "+919812345670", "opt_in": ["sms"]},
        )
    ]
    rows = listed_reach("default", people, {"default/c": 2 << 3})
    assert matched(rows) == 3
    found = by_channel(rows, (Channel.EMAIL, Channel.SMS), ["sms"])
    assert (found[Channel.EMAIL].reachable, found[Channel.EMAIL].dropped) == (1, {"duplicate": 1, "no_address": 1})
    assert (found[Channel.SMS].reachable, found[Channel.SMS].dropped) == (1, {"no_consent": 1, "opted_out": 1})
