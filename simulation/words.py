"""The providers' words about a message, as their webhooks tell them, through the tracker's own parsers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from schemas import CampaignRecord
from services.domain.messages import DeliveryEvent, SendRequest
from services.sandbox.core.fates import Step
from services.sandbox.core.mail_events import mail_event
from services.sandbox.core.records import MailGroup, MailRecord
from services.sandbox.core.worlds import CALM
from services.tracker.core.prices import waived
from services.tracker.core.sendgrid import parse_events
from services.tracker.core.twilio import parse_status

FREE: Final = ("failed",)
"""Of Twilio's words: what it charges nothing for."""
FindCampaign = Callable[[str], CampaignRecord | None]


def told(request: SendRequest, step: Step, called: datetime, find: FindCampaign) -> list[DeliveryEvent]:
    """The events that a callback about this step makes; none for most of what happens on the way."""
    now = called + timedelta(milliseconds=step.told_ms)
    if request.channel == "email":
        if step.kind in ("processed", "deferred"):
            return []
        return parse_events([mail_event(_mail(request, called), step)], find, now).events
    form = {"MessageStatus": step.kind, "MessageSid": f"SM{request.ord}", "ErrorCode": step.detail}
    query = {
        "send": request.send_id, "attempt": str(request.attempt), "ord": str(request.ord), "account": request.account,
    }  # fmt: skip
    return [waived(event, step.kind, FREE) for event in parse_status(form, query, find, now).events]


def _mail(request: SendRequest, called: datetime) -> MailRecord:
    args = {
        "peal_send_id": request.send_id, "peal_attempt": str(request.attempt), "peal_ord": str(request.ord),
        "peal_account": request.account,
    }  # fmt: skip
    group = MailGroup("m", called.timestamp(), "", "", "", "", "", {}, {}, {}, [], CALM)
    return MailRecord(1, group, request.ord, request.address, "", "", msgspec.json.encode(args), b"", None)
