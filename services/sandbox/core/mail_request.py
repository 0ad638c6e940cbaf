"""SendGrid's `POST /v3/mail/send`: its body, and the checks that SendGrid makes before it accepts."""

from __future__ import annotations

import re
from typing import Any

import msgspec

MAX_RECIPIENTS = 1_000
MAX_ARGUMENTS = 10_000
"""Bytes of custom args, and of substitutions, that one personalization may carry."""
_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\"\\]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."


class SendGridRefusalError(Exception):
    """SendGrid would refuse this request: HTTP status, and the errors of its answer."""

    def __init__(self, message: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        help_url = _HELP + re.sub(r"\.\d+", "", field) if field else None
        self.body: dict[str, Any] = {"errors": [{"message": message, "field": field, "help": help_url}]}


class Address(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    email: str
    name: str | None = None


class Content(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    value: str


class Personalization(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One mail of the request. What is only passed on stays undecoded."""

    to: list[Address]
    cc: list[Address] = []
    bcc: list[Address] = []
    sender: Address | None = msgspec.field(default=None, name="from")
    subject: str | None = None
    headers: dict[str, str] | None = None
    substitutions: msgspec.Raw = msgspec.Raw()
    custom_args: msgspec.Raw = msgspec.Raw()
    dynamic_template_data: msgspec.Raw = msgspec.Raw()
    send_at: int | None = None


class SandboxMode(msgspec.Struct, frozen=True):
    enable: bool = False


class MailSettings(msgspec.Struct, frozen=True):
    sandbox_mode: SandboxMode = SandboxMode()


class ClickTracking(msgspec.Struct, frozen=True):
    enable: bool = True


class TrackingSettings(msgspec.Struct, frozen=True):
    click_tracking: ClickTracking = ClickTracking()


class MailRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The whole body, by SendGrid's v3 reference."""

    personalizations: list[Personalization]
    sender: Address = msgspec.field(name="from")
    subject: str = ""
    content: list[Content] = []
    reply_to: Address | None = None
    reply_to_list: list[Address] = []
    attachments: list[msgspec.Raw] = []
    template_id: str = ""
    sections: dict[str, str] = {}
    headers: dict[str, str] = {}
    categories: list[str] = []
    custom_args: dict[str, str] = {}
    send_at: int | None = None
    batch_id: str = ""
    asm: msgspec.Raw = msgspec.Raw()
    ip_pool_name: str = ""
    mail_settings: MailSettings = MailSettings()
    tracking_settings: TrackingSettings = TrackingSettings()


_REQUEST = msgspec.json.Decoder(MailRequest)
_TEXTS = msgspec.json.Decoder(dict[str, str])


def parse_mail(body: bytes) -> MailRequest:
    """The request, checked as SendGrid checks it. Raises `SendGridRefusalError`."""
    try:
        request = _REQUEST.decode(body)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        field = re.sub(r"\[(?:\.\.\.)?(\d*)\]", r".\1", place.rstrip("`").removeprefix("$").removeprefix(".")).rstrip(
            "."
        )
        raise SendGridRefusalError(message, field.replace("sender", "from") or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SendGridRefusalError("Bad Request") from None
    _check_message(request)
    _check_personalizations(request)
    return request


def _check_message(request: MailRequest) -> None:
    if not request.personalizations:
        raise SendGridRefusalError(
            "The personalizations field is required and must have at least one personalization.", "personalizations"
        )
    if len(request.personalizations) > MAX_RECIPIENTS:
        raise SendGridRefusalError(
            f"No more than {MAX_RECIPIENTS} personalizations are allowed in a request.", "personalizations"
        )
    if not _ADDRESS.fullmatch(request.sender.email):
        raise SendGridRefusalError("The from email does not contain a valid address.", "from.email")
    if not request.content and not request.template_id:
        raise SendGridRefusalError(
            "Unless a valid template_id is provided, the content parameter is required.", "content"
        )
    for place, content in enumerate(request.content):
        if not content.value:
            raise SendGridRefusalError(
                "The content value must be a string at least one character in length.", f"content.{place}.value"
            )
    if [content.type for content in request.content if content.type in {"text/plain", "text/html"}] == [
        "text/html",
        "text/plain",
    ]:
        raise SendGridRefusalError("Content must be in order: first text/plain, then text/html.", "content")
    if len(request.categories) > 10 or len(set(request.categories)) != len(request.categories):
        raise SendGridRefusalError("At most 10 categories, each of them once.", "categories")
    for name in request.headers:
        _check_header(name, "headers")


def _check_header(name: str, field: str) -> None:
    if name.lower() in {"to", "from", "subject", "reply-to", "cc", "bcc", "content-type", "content-transfer-encoding",
                        "received", "dkim-signature", "x-sg-id", "x-sg-eid"}:  # fmt: skip
        raise SendGridRefusalError(f"The header {name!r} is reserved and cannot be set.", field)


def _check_personalizations(request: MailRequest) -> None:
    seen: set[str] = set()
    for place, one in enumerate(request.personalizations):
        field = f"personalizations.{place}"
        if not one.to:
            raise SendGridRefusalError("The to array is required, with at least one valid address.", f"{field}.to")
        for key, addresses in (("to", one.to), ("cc", one.cc), ("bcc", one.bcc)):
            for number, address in enumerate(addresses):
                if not _ADDRESS.fullmatch(address.email) or len(address.email) > 254:
                    raise SendGridRefusalError("Does not contain a valid address.", f"{field}.{key}.{number}.email")
                lower = address.email.lower()
                if lower in seen:
                    raise SendGridRefusalError(
                        f"Each address should be unique; {address.email} is the first that is not.", field
                    )
                seen.add(lower)
        if not (one.subject or request.subject or request.template_id):
            raise SendGridRefusalError(
                "The subject is required, at least one character long, here or in the message.", f"{field}.subject"
            )
        _check_texts(one.substitutions, f"{field}.substitutions")
        _check_texts(one.custom_args, f"{field}.custom_args")
        for name in one.headers or ():
            _check_header(name, f"{field}.headers")
    if len(seen) > MAX_RECIPIENTS:
        raise SendGridRefusalError(
            f"No more than {MAX_RECIPIENTS} recipients are allowed in a request.", "personalizations"
        )


def _check_texts(raw: msgspec.Raw, field: str) -> None:
    given = bytes(raw)
    if not given:
        return
    if len(given) > MAX_ARGUMENTS:
        raise SendGridRefusalError(f"May not exceed {MAX_ARGUMENTS} bytes.", field)
    try:
        _TEXTS.decode(given)
    except msgspec.DecodeError:
        raise SendGridRefusalError("Must be an object whose values are strings.", field) from None
