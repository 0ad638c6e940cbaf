"""Twilio's webhooks: the form fields of a status callback and of an inbound message."""

from __future__ import annotations

from datetime import UTC, datetime

from services.sandbox.core.fates import Step
from services.sandbox.core.records import Inbound, PhoneRecord

API_VERSION = "2010-04-01"
ERRORS = {
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    63016: "Failed to send freeform message because you are outside the allowed window. Please use a template",
    63024: "Invalid message recipient",
}
"""What an error code is called, by Twilio's error dictionary."""
_STOP = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
_START = {"start", "unstop", "yes"}


def status_fields(record: PhoneRecord, step: Step) -> dict[str, str]:
    """The form of a status callback; what it carries depends on the channel and the status."""
    fields = {
        "SmsSid": record.sid,
        "MessageSid": record.sid,
        "SmsStatus": step.kind,
        "MessageStatus": step.kind,
        "AccountSid": record.account_sid,
        "From": record.sender_address,
        "To": record.address,
        "ApiVersion": API_VERSION,
    }
    if record.service:
        fields["MessagingServiceSid"] = record.service
    if step.detail:
        fields["ErrorCode"] = step.detail
    if record.channel == "whatsapp":
        fields |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": record.address, "StructuredMessage": "false"}
        if step.kind in {"delivered", "read"}:
            fields["EventType"] = step.kind.upper()
        if step.detail:
            fields["ChannelStatusMessage"] = ERRORS[int(step.detail)]
    elif step.kind in {"delivered", "undelivered"}:
        done = datetime.fromtimestamp(record.received_at + step.at_ms / 1000, UTC)
        fields["RawDlrDoneDate"] = done.strftime("%y%m%d%H%M")
    return fields


def inbound_fields(message: Inbound) -> dict[str, str]:
    """The form that Twilio posts when a person writes."""
    prefix = "whatsapp:" if message.channel == "whatsapp" else ""
    fields = {
        "MessageSid": message.sid,
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "AccountSid": message.account_sid,
        "From": prefix + message.person,
        "To": prefix + message.sender,
        "Body": message.text,
        "NumMedia": "0",
        "NumSegments": "1",
        "ApiVersion": API_VERSION,
    }
    if message.channel == "whatsapp":
        fields |= {"ProfileName": "Sandbox person", "WaId": message.person.removeprefix("+"), "MessageType": "text",
                   "ReferralNumMedia": "0"}  # fmt: skip
    else:
        fields |= {"FromCountry": "", "FromCity": "", "FromState": "", "FromZip": "",
                   "ToCountry": "", "ToCity": "", "ToState": "", "ToZip": ""}  # fmt: skip
    if message.opt_out:
        fields["OptOutType"] = message.opt_out
    return fields


def opt_out_type(text: str) -> str:
    """What Twilio's default keywords make of a message: `STOP`, `START`, `HELP` or nothing."""
    word = text.strip().lower()
    if word in _STOP:
        return "STOP"
    if word in _START:
        return "START"
    return "HELP" if word in {"help", "info"} else ""
