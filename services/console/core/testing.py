"""A test send: a campaign of its own to one address, filled with somebody's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas import TEST_PREFIX, CampaignRecord, Channel
from services.console.core.previews import UNSENDABLE, ChannelPreview, Found, Person
from services.domain.addresses import clean_address
from services.domain.content import valid_address

KEPT: Final = ("name", "kind", "body", "content", "tracking", "templates", "accounts", "send_without")
"""Of a sheet: what the message says, and by which accounts it goes."""
EXPIRES_AFTER: Final = "1h"
ADDRESS_OF: Final = {Channel.EMAIL: "email", Channel.SMS: "phone", Channel.WHATSAPP: "phone"}


def made_test(
    sheet: Mapping[str, Any], channels: list[Channel], to: Mapping[str, str], person: Person, made: str, brand: str
) -> dict[str, Any]:
    """The campaign file of it. `to`: `email` and `phone` that it goes to; `made`: a new id."""
    kept = {name: sheet[name] for name in KEPT if sheet.get(name)}
    names = {channel.value for channel in channels}
    for part in ("content", "templates", "accounts"):
        if isinstance(own := kept.get(part), Mapping):
            kept[part] = {name: value for name, value in own.items() if name in names and value not in (None, "", {})}
    fields = {"name", "email", "phone", "zone"}
    recipient = {
        "id": f"{TEST_PREFIX}{made}", "name": person.name, **to, "zone": person.data.get("zone") or None,
        "attributes": {name: value for name, value in person.data.items() if name not in fields},
        "opt_in": [channel.value for channel in (Channel.SMS, Channel.WHATSAPP)],
    }  # fmt: skip
    return {
        **kept, "id": f"{TEST_PREFIX}{made}", "brand": brand, "name": kept.get("name") or "-",
        "channels": [channel.value for channel in channels], "audience": {"recipients": [recipient]},
        "limits": {"expires_after": EXPIRES_AFTER},
    }  # fmt: skip


def message_of(record: CampaignRecord) -> dict[str, Any]:
    """What a campaign says, by the first step of each channel: as much of its sheet as a test is made of."""
    content: dict[str, Any] = {}
    accounts: dict[str, str] = {}
    for step in record.steps:
        accounts.setdefault(step.channel.value, step.account)
        own = step.content.model_dump(mode="json", exclude_none=True).get(step.channel.value)
        if own and step.channel.value not in content:
            content[step.channel.value] = own
    return {
        "name": record.name, "kind": record.kind, "body": record.body.model_dump(mode="json", exclude_none=True),
        "content": content, "channels": list(accounts), "accounts": accounts, "send_without": record.send_without,
        "tracking": record.tracking.model_dump(mode="json", exclude_none=True),
        **({"audience": {"filter": record.filter.model_dump(mode="json", by_alias=True)}} if record.filter else {}),
    }  # fmt: skip


def hindrances(shown: list[ChannelPreview], to: Mapping[str, str]) -> list[Found]:
    """What would keep the test from arriving, by channel."""
    found: list[Found] = []
    for each in shown:
        found += each.problems
        if each.missing:
            message = (
                f"this person has no {', '.join(each.missing)}, and there is no default: they would not get the "
                f"message by {each.channel}; choose somebody else, give a default, or send without"
            )
            found.append(Found(field=f"content.{each.channel}", problem="missing_data", message=message))
        channel = Channel(each.channel)
        if channel not in UNSENDABLE and not (address := to.get(ADDRESS_OF[channel], "")):
            message = f"say which {_NOUN[channel]} the test by {each.channel} goes to"
            found.append(Found(field=f"to.{ADDRESS_OF[channel]}", problem="missing", message=message))
        elif channel not in UNSENDABLE and not valid_address(channel.value, address):
            message = f"'{address[:80]}' is no {_NOUN[channel]}"
            found.append(Found(field=f"to.{ADDRESS_OF[channel]}", problem="invalid", message=message))
        if each.cost_micros is None and channel not in UNSENDABLE:
            message = f"no account is connected for {each.channel}: connect one, or leave the channel out"
            found.append(Found(field=f"accounts.{each.channel}", problem="unknown_account", message=message))
    return list({(each.field, each.message): each for each in found}.values())


def clean(email: str, phone: str, region: str | None) -> dict[str, str]:
    """As addresses are kept. `region`: of phone numbers without a country code."""
    return {"email": clean_address("email", email), "phone": clean_address("sms", phone, region)}


_NOUN: Final = {Channel.EMAIL: "mail address", Channel.SMS: "phone number", Channel.WHATSAPP: "phone number"}
