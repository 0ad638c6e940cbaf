"""From a draft to a campaign: what is taken over from one that exists, what a review finds, and the launch itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import structlog

from schemas import (
    Campaign,
    CampaignRecord,
    CampaignStatus,
    CommandResult,
    CommandType,
    Draft,
    FieldError,
    InlineRecipient,
)
from schemas.base import DEFAULT_ACCOUNT, CampaignId
from services.console.accounts import account_problems
from services.console.api.campaigns import apply
from services.console.contents import ContentDesk, audience_of
from services.console.core.accounts import AccountProblem
from services.console.core.continuing import sheet_of
from services.console.core.drafts import channels_of, value_at
from services.console.core.findings import Finding, Surroundings, campaign_of, findings
from services.console.core.reviews import Review, review_of
from services.console.drafts import Drafts, conflict
from services.console.forecasts import forecast_of
from services.console.problems import Problem, rejected_fields
from services.console.queries import drafts as queries
from services.console.reach import known_campaigns
from services.console.security import Identity
from services.domain.audience import unknown_campaigns
from services.domain.brands import needs_approval, waits_for_approval, with_brand
from services.domain.campaigns import record_of, unique, with_templates
from services.domain.forecast.listed import opted_in

log = structlog.get_logger("console")
_SEND: Final = CommandType.SEND.value


async def take_over(drafts: Drafts, identity: Identity, campaign_id: str) -> Draft:
    """A draft of a campaign that is a Draft already; the one that there is, if somebody has begun it. Raises `Problem`:
    404, 409 where the campaign is none any more, 422 where it lists too many people, 503."""
    try:
        return await drafts.draft(campaign_id, identity)
    except Problem as problem:
        if problem.status != 404:
            raise
    hub = drafts.hub
    record = await hub.campaign(campaign_id, identity)
    if record.status is not CampaignStatus.DRAFT:
        message = f"campaign '{campaign_id}' is {record.status.value}: only a draft is written on; clone it instead"
        raise Problem(409, "wrong_status", message)
    around = await drafts.around(identity)
    people = await _listed(drafts, record) if record.filter is None else []
    sheet = sheet_of(record, people, around.brand, around.library)
    made = drafts.new(identity, campaign_id, sheet, campaign_at=record.updated_at)
    return await drafts.create(identity, made)


async def _listed(drafts: Drafts, record: CampaignRecord) -> list[InlineRecipient]:
    if record.audience is None:
        return []
    rows = await drafts.hub.rows(queries.LISTED, campaign=record.campaign_id, snapshot=record.audience.snapshot_id)
    return [_person(row) for row in rows]


def _person(row: dict[str, Any]) -> InlineRecipient:
    return InlineRecipient.model_validate({
        "id": row["recipient_id"].partition("/")[2], "name": row["name"], "email": row["email"], "phone": row["phone"],
        "zone": row["zone"] or None, "attributes": json.loads(row["attributes"] or "{}"),
        "opt_in": opted_in(row["opt_in"]),
    })  # fmt: skip


async def review(drafts: Drafts, contents: ContentDesk, identity: Identity, draft: Draft) -> Review:
    """Raises `Problem` 503."""
    hub, around = drafts.hub, await drafts.around(identity)
    found = findings(draft.sheet, around)
    record, people = _record(draft, around)
    forecast = None
    if record is not None and channels_of(draft.sheet):
        found += await _of_campaigns(drafts, record)
        forecast = await forecast_of(hub, record, people)
    audience = audience_of(draft.sheet)
    written = contents.read(identity, draft.sheet)
    used, _ = await contents.placeholders(identity, written, audience) if audience is not None else ([], None)
    return review_of(
        draft, found, account_problems(hub, identity.brand, wanted_accounts(draft)), forecast,
        record is not None and needs_approval(record, around.brand), hub.campaigns.items.get(draft.draft_id), used,
    )  # fmt: skip


def _record(draft: Draft, around: Surroundings) -> tuple[CampaignRecord | None, Sequence[InlineRecipient] | None]:
    """The record that the sheet would become, as far as it can be read, and the people that it lists."""
    if not draft.sheet.get("audience"):
        return None, None
    campaign = campaign_of(draft.sheet, around.brand.brand_id)
    if campaign is None:
        return None, None
    written, _ = with_templates(campaign, around.library)
    record = with_brand(record_of(written, CampaignId(draft.draft_id), around.now), around.brand)
    return record, campaign.audience.recipients


async def _of_campaigns(drafts: Drafts, record: CampaignRecord) -> list[Finding]:
    """Campaigns that the filter names, and that the brand does not have."""
    if record.filter is None:
        return []
    known = await known_campaigns(drafts.hub, record.brand, record.filter)
    return [Finding(step="audience", **each.model_dump()) for each in unknown_campaigns(record.filter, known)]


def wanted_accounts(draft: Draft) -> dict[str, str]:
    """Channel -> account, `default` where none is named."""
    named = {channel.value: value_at(draft.sheet, f"accounts.{channel.value}") for channel in channels_of(draft.sheet)}
    return {channel: name if isinstance(name, str) else DEFAULT_ACCOUNT for channel, name in named.items()}


async def launch(
    drafts: Drafts, identity: Identity, draft_id: str, expected: int | None, command: str
) -> CommandResult:
    """Send it. The campaign has the draft's id, so however often it is asked for, there is one. Raises `Problem`: 404,
    409 where somebody has changed it since, 422 with all that is wrong, 503."""
    hub = drafts.hub
    async with drafts.lock(identity, draft_id):
        try:
            draft = await drafts.draft(draft_id, identity)
        except Problem as problem:
            record = hub.campaigns.items.get(draft_id)
            if problem.status != 404 or record is None or record.brand != identity.brand or not _sent(record):
                raise
            return _answer(record, command)
        record = hub.campaigns.items.get(draft_id)
        if record is not None and record.brand == identity.brand and draft.campaign_at is None and _sent(record):
            await _clear(drafts, identity, draft)  # it was sent, and the draft stayed behind
            return _answer(record, command)
        if expected is not None and expected != draft.revision:
            raise conflict(draft)
        found = findings(draft.sheet, await drafts.around(identity))
        blocked = [each for each in account_problems(hub, identity.brand, wanted_accounts(draft)) if each.blocking]
        if found or blocked:
            raise rejected_fields(_errors(found, blocked))
        campaign = Campaign.model_validate_json(json.dumps(draft.sheet))
        result = await apply(hub, identity, campaign.model_copy(update={"id": draft_id}), command, launch=True)
        await _clear(drafts, identity, draft)
        return result


def _errors(found: Sequence[Finding], blocked: Sequence[AccountProblem]) -> list[FieldError]:
    errors = [FieldError(**each.model_dump(exclude={"step"})) for each in found]
    return unique(errors + [
        FieldError(field=f"accounts.{each.channel}", problem=each.problem, message=each.message) for each in blocked
    ])  # fmt: skip


def _sent(record: CampaignRecord) -> bool:
    return record.status is not CampaignStatus.DRAFT or waits_for_approval(record)


def _answer(record: CampaignRecord, command: str) -> CommandResult:
    """To whoever asks again for what was done before."""
    return CommandResult(
        command_id=command, type=_SEND, status="accepted", campaign_id=record.campaign_id, epoch=record.epoch,
        at=record.updated_at, waiting_for="approval" if waits_for_approval(record) else "",
    )  # fmt: skip


async def _clear(drafts: Drafts, identity: Identity, draft: Draft) -> None:
    """The campaign is sent: what is left of the draft may stay a while, and harms nothing."""
    try:
        await drafts.remove(identity, draft, told=False)
    except Problem as problem:
        log.warning("a draft that was sent is not removed yet", draft=draft.draft_id, problem=problem.detail)
