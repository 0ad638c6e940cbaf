"""Twilio's `POST .../Messages.json`: its form, and the checks that Twilio makes before it accepts."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

DOCS = "https://www.twilio.com/docs/errors/"
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")
_MAX_BODY = 1_600


class TwilioRefusalError(Exception):
    """Twilio would refuse this request: HTTP status, its code and message."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message, "more_info": f"{DOCS}{code}", "status": status}


class PhoneRequest(msgspec.Struct, gc=False, frozen=True):
    """One message. `to` and `sender` are without the prefix `whatsapp:`."""

    channel: str
    to: str
    sender: str
    service: str
    """MessagingServiceSid, or nothing."""
    body: str
    content_sid: str
    variables: str
    callback: str


def parse_message(form: dict[str, str]) -> PhoneRequest:
    """The request, checked as Twilio checks it. Raises `TwilioRefusalError`."""
    to, sender, service = form.get("To", ""), form.get("From", ""), form.get("MessagingServiceSid", "")
    if not to:
        raise TwilioRefusalError(21604, "A 'To' phone number is required.")
    if not sender and not service:
        raise TwilioRefusalError(21603, "A 'From' phone number is required.")
    whatsapp = to.startswith("whatsapp:")
    if sender and sender.startswith("whatsapp:") != whatsapp:
        raise TwilioRefusalError(21910, "Invalid From and To pair. From and To should be of the same channel.")
    number = to.removeprefix("whatsapp:")
    if not _NUMBER.fullmatch(number):
        raise TwilioRefusalError(21211, f"Invalid 'To' Phone Number: {_masked(number)}")
    plain_sender = sender.removeprefix("whatsapp:")
    if sender and not _SENDER.fullmatch(plain_sender):
        raise TwilioRefusalError(21212, f"Invalid From Number (caller ID): {plain_sender}")
    if plain_sender == number:
        raise TwilioRefusalError(21266, "'To' and 'From' number cannot be the same.")
    _check_content(form)
    return PhoneRequest(
        channel="whatsapp" if whatsapp else "sms",
        to=number,
        sender=plain_sender,
        service=service,
        body=form.get("Body", ""),
        content_sid=form.get("ContentSid", ""),
        variables=form.get("ContentVariables", ""),
        callback=_checked_callback(form.get("StatusCallback", "")),
    )


def _check_content(form: dict[str, str]) -> None:
    if not (form.get("Body") or form.get("ContentSid") or form.get("MediaUrl")):
        raise TwilioRefusalError(21602, "Message body is required.")
    if len(form.get("Body", "")) > _MAX_BODY:
        raise TwilioRefusalError(21617, f"The concatenated message body exceeds the {_MAX_BODY} character limit.")
    content_sid = form.get("ContentSid", "")
    if content_sid and not content_sid.startswith("HX"):
        raise TwilioRefusalError(21655, "The ContentSid is invalid.")
    if form.get("ContentVariables"):
        try:
            msgspec.json.decode(form["ContentVariables"], type=dict[str, str])
        except msgspec.DecodeError:
            raise TwilioRefusalError(21656, "The Content Variables parameter is invalid.") from None


def _checked_callback(url: str) -> str:
    if url:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise TwilioRefusalError(21609, f"The StatusCallback URL {url} is not a valid URL.")
    return url


def _masked(number: str) -> str:
    return number[:-4] + "XXXX" if len(number) > 6 else number
