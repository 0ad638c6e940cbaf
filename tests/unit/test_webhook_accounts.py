"""Whose key a callback must be signed with, and of whose sends it may then speak."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from schemas import Account, CampaignRecord, CampaignStatus
from services.tracker.settings import TrackerSettings
from services.tracker.webhooks.accounts import SendGridKeys, within_brand

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def public_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def account(name: str, brand: str, **fields: Any) -> Account:
    given = {"account_id": name, "brand": brand, "channel": "email", "provider": "sendgrid", "rate_per_s": 1}
    return Account.model_validate(given | fields)


def campaign(brand: str) -> CampaignRecord:
    return CampaignRecord.model_validate(
        {"campaign_id": "camp", "brand": brand, "name": "C", "status": CampaignStatus.ACTIVE, "epoch": 1, "steps": [],
         "created_at": NOW, "updated_at": NOW}
    )  # fmt: skip


def test_each_account_has_its_own_verification_key_and_a_bad_one_is_no_key() -> None:
    known = {
        "mail": account("mail", "north", webhook_public_key=public_key()),
        "keyless": account("keyless", "north"), "broken": account("broken", "north", webhook_public_key="AAAA"),
        "phone": account("phone", "north", channel="sms", provider="twilio", webhook_public_key=public_key()),
    }  # fmt: skip
    keys = SendGridKeys(TrackerSettings(sendgrid_webhook_public_key=public_key()), lambda: known)
    assert keys.key("") is not None
    assert keys.key("") == keys.key("default")
    assert keys.key("mail") not in (None, keys.key(""))
    assert [keys.key(name) for name in ("keyless", "broken", "phone", "unknown")] == [None] * 4


def test_who_holds_the_keys_of_a_brands_account_speaks_of_that_brands_sends_alone() -> None:
    known = {"mail": account("mail", "north")}
    north, south = campaign("north"), campaign("south")
    assert within_brand({"camp": north}.get, lambda: known, "mail")("camp") is north
    assert within_brand({"camp": south}.get, lambda: known, "mail")("camp") is None
    assert within_brand({"camp": north}.get, lambda: known, "unknown")("camp") is None
    assert within_brand({"camp": south}.get, lambda: known, "default")("camp") is south
