"""What the providers accepted. Every accepted recipient is one record; what many share is kept once."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec

from services.sandbox.core.worlds import World

SERVICE_NUMBER = "+15005550006"
"""The one number of every messaging service here."""
_TEXTS = msgspec.json.Decoder(dict[str, str])


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What Peal calls a message, as far as its sender told the provider; empty (0) where it did not."""

    send_id: str
    attempt: int
    account: str

    @property
    def campaign(self) -> str:
        return self.send_id.partition("/")[0]

    @property
    def contact(self) -> str:
        return self.send_id.rpartition("/")[2]

    def key(self, message_id: str) -> str:
        """What a message's fate is decided by: its send and attempt, else the provider's id of it."""
        return f"{self.send_id}#{self.attempt}" if self.send_id else message_id


class MailGroup(msgspec.Struct, gc=False):
    """What the mails of one request share."""

    message_id: str
    received_at: float
    account: str
    sender: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    args: dict[str, str]
    sections: dict[str, str]
    categories: list[str]
    world: World
    click_tracking: bool = True
    """Whether SendGrid wraps the links and tells of clicks."""


class MailRecord(msgspec.Struct, gc=False):
    """One mail to one recipient."""

    number: int
    """1, 2, ... in the order of acceptance, over all channels."""
    group: MailGroup
    place: int
    """Of the recipient in the request, from 0."""
    to: str
    name: str
    subject: str
    args: bytes
    """Custom args of the personalization, JSON as it came; likewise the substitutions."""
    substitutions: bytes
    headers: dict[str, str] | None
    suppressed: str = ""

    channel = "email"

    @property
    def received_at(self) -> float:
        return self.group.received_at

    @property
    def provider_message_id(self) -> str:
        return self.group.message_id

    @property
    def world(self) -> World:
        return self.group.world

    def custom_args(self) -> dict[str, str]:
        return self.group.args | _TEXTS.decode(self.args) if self.args else self.group.args

    @property
    def identity(self) -> Identity:
        args = self.custom_args()
        return Identity(
            args.get("peal_send_id", ""),
            _whole(args.get("peal_attempt", "")),
            args.get("peal_account", self.group.account),
        )

    def rendered(self, text: str) -> str:
        """The text with this recipient's substitutions, and the sections that these name, put in."""
        if self.substitutions:
            for tag, value in _TEXTS.decode(self.substitutions).items():
                text = text.replace(tag, value)
        for tag, value in self.group.sections.items():
            text = text.replace(tag, value)
        return text

    def body(self) -> str:
        """What the recipient reads: the HTML where there is one, else the text."""
        return self.rendered(self.group.html or self.group.text)

    def rendered_subject(self) -> str:
        return self.rendered(self.subject or self.group.subject)

    def rendered_headers(self) -> dict[str, str]:
        return {name: self.rendered(value) for name, value in (self.group.headers | (self.headers or {})).items()}


class PhoneRecord(msgspec.Struct, gc=False):
    """One SMS or WhatsApp message; `to` and `sender` without the prefix `whatsapp:`."""

    number: int
    channel: str
    sid: str
    received_at: float
    account_sid: str
    to: str
    sender: str
    service: str
    text: str
    content_sid: str
    variables: str
    callback: str
    window_open: bool
    world: World

    @property
    def provider_message_id(self) -> str:
        return self.sid

    @property
    def identity(self) -> Identity:
        query = parse_qs(urlsplit(self.callback).query) if self.callback else {}
        return Identity(
            query.get("send", [""])[0],
            _whole(query.get("attempt", [""])[0]),
            query.get("account", [self.account_sid])[0],
        )

    @property
    def address(self) -> str:
        """As Twilio writes it, with the channel's prefix."""
        return f"whatsapp:{self.to}" if self.channel == "whatsapp" else self.to

    @property
    def sender_address(self) -> str:
        return f"whatsapp:{self.sender}" if self.sender and self.channel == "whatsapp" else self.sender

    @property
    def answer_to(self) -> str:
        """The number that a person can answer to; nothing where the sender is a word, which phones cannot answer."""
        if self.service and not self.sender:
            return SERVICE_NUMBER
        return self.sender if self.sender.removeprefix("+").isdecimal() else ""

    def body(self) -> str:
        """The text; for a template, whose words only Twilio knows, its id and the variables."""
        if self.text or not self.content_sid:
            return self.text
        variables = _TEXTS.decode(self.variables.encode()) if self.variables else {}
        return " ".join([self.content_sid, *(f"{name}={value}" for name, value in variables.items())])


Record = MailRecord | PhoneRecord


class Inbound(msgspec.Struct, frozen=True):
    """What a person wrote to us, by SMS or WhatsApp."""

    sid: str
    channel: str
    person: str
    sender: str
    """The number of ours that it was written to."""
    account_sid: str
    text: str
    received_at: float
    opt_out: str = ""
    """`STOP`, `START`, `HELP` or nothing."""


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0
