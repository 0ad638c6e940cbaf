"""Whether a callback is the provider's. Without a key of ours, nothing is."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import parse_qsl, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from services.runtime.errors import StopProcessError

TWILIO_SIGNATURE: Final = "X-Twilio-Signature"
SENDGRID_SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
SENDGRID_TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"


def twilio_form(body: bytes) -> MultiDict[str] | None:
    """The form as it was signed, empty fields too. None where it is not one."""
    try:
        return MultiDict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body)))
    except ValueError:
        return None


def spellings(raw_path: str) -> list[str]:
    """The path and query as they came, and as they were written into the status callback: proxies and HTTP clients may
    write `%2F` as `/` and the like. Both say the same, so believing either lets nobody say anything else."""
    path, mark, query = raw_path.partition("?")
    if not mark:
        return [raw_path]
    written = f"{path}?{urlencode(parse_qsl(query, keep_blank_values=True))}"
    return [raw_path] if written == raw_path else [raw_path, written]


def twilio_genuine(token: str, url: str, form: MultiDict[str], signature: str) -> bool:
    """`url`: the public one, with its query, exactly as the provider was given it."""
    return bool(token and signature) and bool(RequestValidator(token).validate(url, form, signature))


def load_sendgrid_key(text: str) -> ec.EllipticCurvePublicKey | None:
    """The verification key as SendGrid shows it: base64 of DER; None for "". Raises `StopProcessError`."""
    if not text:
        return None
    try:
        key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, binascii.Error, TypeError) as error:
        raise StopProcessError(
            f"PEAL_SENDGRID_WEBHOOK_PUBLIC_KEY is not a key ({error}): "
            "copy it from SendGrid, Mail Settings, Event Webhook"
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise StopProcessError("PEAL_SENDGRID_WEBHOOK_PUBLIC_KEY is no elliptic-curve key: copy it from SendGrid")
    return key


def sendgrid_genuine(key: ec.EllipticCurvePublicKey | None, timestamp: str, body: bytes, signature: str) -> bool:
    """ECDSA with SHA-256 over the time stamp's digits and the raw body."""
    if key is None or not signature or not timestamp:
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
