"""A brand's rules: what a campaign takes from them, and what that makes of a verdict."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import Brand, CampaignRecord, CampaignStatus, Channel, Limits
from schemas.campaign import Schedule
from schemas.limits import Cap, QuietHours
from schemas.registries import BrandLimits
from services.domain.brands import brand_named, filled, with_brand
from services.domain.eligibility import Route, Suppress, decide, decode_campaign, new_record
from services.domain.messages import SendRequest

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
NIGHT = QuietHours.model_validate({"from": time(21), "to": time(9)})
WEEKLY, DAILY = Cap(messages=3, per=timedelta(days=7)), Cap(messages=1, per=timedelta(days=1))
STRICT = Brand.model_validate(
    {"brand_id": "north", "opt_in_channels": ["email", "sms"], "zone": "Asia/Kolkata"}
    | {"limits": BrandLimits(quiet_hours=NIGHT, caps=[WEEKLY])}
)


def record(**changes: object) -> CampaignRecord:
    return CampaignRecord.model_validate(
        {
            "campaign_id": "summer", "brand": "north", "name": "Summer", "status": CampaignStatus.ACTIVE, "epoch": 1,
            "steps": [{"channel": channel, "account": "default", "content": {}} for channel in ("email", "whatsapp")],
            "created_at": NOW, "updated_at": NOW, **changes,
        }
    )  # fmt: skip


def verdict(campaign: CampaignRecord, step: int) -> object:
    channel, address = (("email", "a@example.com"), ("whatsapp", "+919812345678"))[step - 1]
    request = SendRequest(
        send_id=f"summer/{step}/c-1", campaign_id="summer", step=step, recipient="north/c-1", ord=0, attempt=1,
        epoch=1, channel=channel, address=address, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip
    return decide(new_record(), request, decode_campaign(campaign.write()), NOW)


def test_silence_is_a_no_on_the_channels_that_the_brand_names_and_on_no_other() -> None:
    usual, strict = with_brand(record(), Brand(brand_id="north")), with_brand(record(), STRICT)  # type: ignore[arg-type]
    assert isinstance(verdict(usual, 1), Route)
    assert verdict(usual, 2) == Suppress("no_consent", "whatsapp needs an opt-in, and none is recorded")
    assert verdict(strict, 1) == Suppress("no_consent", "email needs an opt-in, and none is recorded")
    assert isinstance(verdict(strict, 2), Route)


def test_a_campaign_that_was_recorded_before_brands_had_rules_is_judged_as_before() -> None:
    old = record().model_dump(mode="json", by_alias=True)
    del old["needs_opt_in"], old["zone"]
    campaign = CampaignRecord.model_validate(old)
    assert campaign.needs_opt_in == [Channel.SMS, Channel.WHATSAPP]
    assert isinstance(verdict(campaign, 2), Suppress)


def test_the_brands_limits_fill_in_what_the_campaign_leaves_out() -> None:
    assert with_brand(record(), STRICT).limits == Limits(quiet_hours=NIGHT, caps=[WEEKLY])
    assert with_brand(record(limits=Limits(caps=[DAILY])), STRICT).limits.caps == [DAILY]
    assert filled(Limits(expires_after=timedelta(days=1)), STRICT).expires_after == timedelta(days=1)


@pytest.mark.parametrize(("own", "zone"), [(None, "Asia/Kolkata"), ("Europe/Berlin", "Europe/Berlin")])
def test_the_zone_is_the_schedules_before_the_brands(own: str | None, zone: str) -> None:
    schedule = Schedule(at=NOW, zone=own) if own else None
    assert with_brand(record(schedule=schedule), STRICT).zone == zone


def test_a_brand_of_which_nothing_is_said_has_the_usual_rules() -> None:
    assert with_brand(record(), brand_named({}, "north")).needs_opt_in == [Channel.SMS, Channel.WHATSAPP]


@given(
    st.sets(st.sampled_from(list(Channel))), st.sampled_from([None, NIGHT]), st.lists(st.sampled_from([WEEKLY, DAILY]))
)
def test_a_brands_rules_taken_twice_are_those_taken_once(
    channels: set[Channel], quiet: QuietHours | None, caps: list[Cap]
) -> None:
    brand = STRICT.model_copy(
        update={"opt_in_channels": list(channels), "limits": BrandLimits(quiet_hours=quiet, caps=caps)}
    )
    once = with_brand(record(), brand)
    assert with_brand(once, brand) == once
    assert decode_campaign(once.write()).needs_opt_in == tuple(sorted(channels))


def test_the_brand_in_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "brands-and-consent.md").read_text()
    (written,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    brand = Brand.model_validate(yaml.safe_load(written))
    assert brand.opt_in_channels == [Channel.SMS, Channel.WHATSAPP, Channel.EMAIL]
    assert brand.limits.caps == [WEEKLY]
    assert brand.keywords["mr"].help_answer


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("opt_in_channels", ["fax"]), ("zone", "Mars"), ("keywords", {"English": {}}),
        ("keywords", {"en": {"stop": [""]}}),
        ("approval_above", {"total": "-1"}), ("limits", {"caps": [{"messages": 0, "per": "7d"}]}), ("colour", "red"),
    ],
)  # fmt: skip
def test_what_no_brand_can_say_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as error:
        Brand.model_validate({"brand_id": "north", field: value})
    assert error.value.errors()[0]["loc"][0] == field
