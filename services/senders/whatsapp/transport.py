"""WhatsApp by Twilio: an approved template with variables, or free text inside the 24 hours after the person wrote."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from schemas import Channel
from services.domain.content import RenderedWhatsapp
from services.senders.items import Item
from services.senders.twilio import TwilioTransport


class WhatsappTransport(TwilioTransport):
    channel: ClassVar[Channel] = Channel.WHATSAPP
    prefix: ClassVar[str] = "whatsapp:"

    def content(self, item: Item) -> dict[str, Any]:
        assert isinstance(item.rendered, RenderedWhatsapp)
        template, variables, text = item.rendered
        if template is None:
            return {"body": text}
        return {"content_sid": template, "content_variables": msgspec.json.encode(variables).decode()}


TRANSPORT = WhatsappTransport
