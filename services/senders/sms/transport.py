"""SMS by Twilio: one call a message."""

from __future__ import annotations

from typing import Any, ClassVar

from schemas import Channel
from services.domain.content import RenderedSms
from services.senders.items import Item
from services.senders.twilio import TwilioTransport


class SmsTransport(TwilioTransport):
    channel: ClassVar[Channel] = Channel.SMS

    def content(self, item: Item) -> dict[str, Any]:
        assert isinstance(item.rendered, RenderedSms)
        return {"body": item.rendered.text}


TRANSPORT = SmsTransport
