"""A campaign that is a Draft without being written here: its record, as the sheet that would make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from schemas import Brand, CampaignRecord, Channel, InlineRecipient, StepRecord, Template
from schemas.base import DEFAULT_ACCOUNT, AccountKey, format_duration
from schemas.limits import Limits
from services.domain.campaigns import only_channel, template_key

ALIKE = ("name", "description", "kind", "body", "budget", "schedule", "tracking", "priority", "send_without")
"""Parts of a record that a campaign file says in the same words."""


def sheet_of(
    record: CampaignRecord, people: Sequence[InlineRecipient], brand: Brand, library: Mapping[str, Template]
) -> dict[str, Any]:
    """`people`: those whom the campaign lists, where it has no filter. What the brand has put in is left to it again; a
    content stays tied to its template where that has no newer version."""
    dumped = record.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    sheet = {name: dumped[name] for name in ALIKE if dumped.get(name)}
    tied = _tied(record, library)
    content = {name: value for name, value in dumped.get("content", {}).items() if value and Channel(name) not in tied}
    parts: dict[str, Any] = {
        "content": content,
        "templates": {channel.value: template_id for channel, template_id in tied.items()},
        "limits": _limits(record, brand).model_dump(mode="json", by_alias=True, exclude_defaults=True),
        **_steps(record),
    }
    if record.filter is not None:
        sheet["audience"] = {"filter": record.filter.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
    elif people:
        listed = [person.model_dump(mode="json", exclude_defaults=True) for person in people]
        sheet["audience"] = {"recipients": listed}
    return sheet | {name: value for name, value in parts.items() if value}


def _tied(record: CampaignRecord, library: Mapping[str, Template]) -> dict[Channel, str]:
    found = {}
    for channel, use in record.templates.items():
        template = library.get(template_key(record.brand, use.template_id))
        if template is not None and template.version == use.version:
            found[channel] = template.template_id
    return found


def _limits(record: CampaignRecord, brand: Brand) -> Limits:
    own: dict[str, Any] = {}
    if record.limits.quiet_hours == brand.limits.quiet_hours:
        own["quiet_hours"] = None
    if record.limits.caps == brand.limits.caps:
        own["caps"] = []
    return record.limits.model_copy(update=own)


def _steps(record: CampaignRecord) -> dict[str, Any]:
    """`channels` where they say it all, else `steps`; and the accounts that are not the channels' own."""
    accounts: dict[Channel, AccountKey] = {}
    for step in record.steps:
        accounts.setdefault(step.channel, step.account)
    named = {channel.value: name for channel, name in accounts.items() if name != DEFAULT_ACCOUNT}
    steps = [_step(step, record, accounts) for step in record.steps]
    channels = [step.channel.value for step in record.steps]
    plain = all(step.keys() == {"channel"} for step in steps) and len(set(channels)) == len(channels)
    return {"accounts": named, **({"channels": channels} if plain else {"steps": steps})}


def _step(step: StepRecord, record: CampaignRecord, accounts: Mapping[Channel, AccountKey]) -> dict[str, Any]:
    made: dict[str, Any] = {"channel": step.channel.value}
    if step.only_if != "always":
        made["only_if"] = step.only_if
    if step.after_s:
        made["after"] = format_duration(timedelta(seconds=step.after_s))
    if step.account != accounts[step.channel]:
        made["account"] = step.account
    if step.content != only_channel(step.channel, record.content):
        made["content"] = step.content.model_dump(mode="json", exclude_defaults=True)
    return made
