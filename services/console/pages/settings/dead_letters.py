"""What could not be read: the list, one of them whole, and what trying it again would do."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from services.console.api import dead_letters as api
from services.console.core.letters import Resend, Unreplayable, replay_of, whole
from services.console.hub import HubOf
from services.console.letters import LetterBox
from services.console.pages.common import Visitor, page

router = APIRouter()
ROWS = 50


@router.get("/dead-letters")
async def listing(
    request: Request, hub: HubOf, visitor: Visitor, topic: str = "", cursor: str = ""
) -> HTMLResponse:  # fmt: skip
    found = await api.listing(hub, visitor, topic.strip(), cursor, ROWS)
    return page(
        request, "settings/dead_letters.html", letters=found.items, following=found.next, cursor=cursor, topic=topic
    )


@router.get("/dead-letters/{topic}/{partition}/{offset}")
async def show(topic: str, partition: int, offset: int, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    letter = await LetterBox(hub, visitor).one(topic, partition, offset)
    told = whole(letter)
    text = json.dumps(told["value"], indent=2, ensure_ascii=False, default=str) if told["value"] else told["text"]
    again = replay_of(letter)
    return page(
        request, "settings/dead_letter.html", letter=told, text=text, again=again,
        campaign=hub.campaigns.items.get(again.campaign_id) if isinstance(again, Resend) else None,
        resends=isinstance(again, Resend), refused=again if isinstance(again, Unreplayable) else None,
    )  # fmt: skip
