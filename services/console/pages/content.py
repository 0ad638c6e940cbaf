"""The step on which the messages are written, each beside what one person would get."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from schemas import Channel, Template
from schemas.base import CampaignKey
from services.console.api.drafts import DraftsOf
from services.console.api.templates import library_of
from services.console.core.previews import UNSENDABLE
from services.console.hub import HubOf
from services.console.pages.common import Visitor
from services.console.pages.editor import step_page
from services.domain.brands import brand_named

router = APIRouter()
SENDABLE: Final = [channel.value for channel in Channel if channel not in UNSENDABLE]


@router.get("/campaigns/{campaign_id}/edit/content")
async def content(
    campaign_id: CampaignKey, request: Request, hub: HubOf, drafts: DraftsOf, visitor: Visitor
) -> Response:
    library = library_of(hub, visitor)
    by_channel: dict[str, list[Template]] = {channel.value: [] for channel in Channel}
    for template in library:
        by_channel[template.channel.value].append(template)
    return await step_page(
        request, drafts, visitor, campaign_id, "content", library=by_channel, sendable=SENDABLE,
        library_json=[_brief(template) for template in library],
        voice=brand_named(hub.brands.items, visitor.brand).voice,
    )  # fmt: skip


def _brief(template: Template) -> dict[str, Any]:
    return template.model_dump(mode="json", include={"template_id", "channel", "name", "version", "content"})
