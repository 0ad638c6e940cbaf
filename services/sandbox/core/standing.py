"""How people stand with the providers: who wrote STOP, whose mail is dropped, who may be answered freely."""

from __future__ import annotations

from services.sandbox.core.fates import Step
from services.sandbox.core.mail_request import MailRequest
from services.sandbox.core.records import Inbound, MailRecord

WINDOW_S = 24 * 3600
"""For so long after a person wrote on WhatsApp, free text may be sent to them."""
_SUPPRESSING = {"bounce": "bounced", "spamreport": "reported", "unsubscribe": "unsubscribed"}


class Standing:
    def __init__(self) -> None:
        self.opted_out: set[tuple[str, str]] = set()
        """(channel, number) of those who wrote STOP: Twilio refuses messages to them (21610)."""
        self.suppressed: dict[str, str] = {}
        """By lower-case address, the reason for which SendGrid drops mail to it."""
        self._wrote_at: dict[str, float] = {}

    def hear(self, message: Inbound) -> None:
        """A person wrote to us."""
        if message.channel == "whatsapp":
            self._wrote_at[message.person] = message.received_at
        if message.opt_out == "STOP":
            self.opted_out.add((message.channel, message.person))
        elif message.opt_out == "START":
            self.opted_out.discard((message.channel, message.person))

    def see(self, record: MailRecord, step: Step) -> None:
        """Something happened to a mail."""
        reason = _SUPPRESSING.get(step.kind)
        if reason and step.detail != "soft":
            self.suppressed[record.to.lower()] = reason

    def window_open(self, number: str, now: float) -> bool:
        return now - self._wrote_at.get(number, -WINDOW_S) < WINDOW_S

    def suppressed_in(self, request: MailRequest) -> dict[str, str]:
        """Those of the request's addresses that SendGrid drops mail to, with the reason."""
        if not self.suppressed:
            return {}
        addresses = (
            address.email.lower() for one in request.personalizations for address in (*one.to, *one.cc, *one.bcc)
        )
        return {address: self.suppressed[address] for address in addresses if address in self.suppressed}
