"""The sandbox's small parts: wheel, journal, signatures."""

from __future__ import annotations

import base64
import os
import resource

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from services.sandbox.core.signatures import (
    BadKeyError,
    load_key,
    new_key,
    private_text,
    public_text,
    sendgrid_signature,
    twilio_signature,
)
from services.sandbox.core.wheel import Wheel
from services.sandbox.journal import Journal


@given(st.lists(st.floats(0, 100), max_size=200), st.floats(0, 100))
def test_the_wheel_gives_what_is_due_at_most_a_tick_late_and_loses_nothing(dues, now):
    wheel: Wheel[float] = Wheel(0.02)
    for due in dues:
        wheel.add(due, due)
    popped = wheel.pop(now)
    assert all(due <= now for due in popped)
    assert all(due > now - 0.04 for due in set(dues) - set(popped))
    assert sorted(popped + wheel.pop(1e9)) == sorted(dues)
    assert len(wheel) == 0


def test_the_journal_gives_back_what_was_written_and_goes_on(tmp_path):
    journal = Journal(tmp_path / "deep" / "journal")
    journal.append(["a", 1, b"\x00\xff", {"k": "v"}])
    journal.later(["b"])
    journal.close()
    again = Journal(tmp_path / "deep" / "journal")
    assert list(again.load()) == [["a", 1, b"\x00\xff", {"k": "v"}], ["b"]]
    again.append(["c"])
    assert [entry[0] for entry in again.load()] == ["a", "b", "c"]
    again.close()


@pytest.mark.parametrize("torn", [1, 3, 4, 9])
def test_a_torn_end_of_the_journal_is_cut_off(tmp_path, torn):
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(["whole"])
    whole = path.stat().st_size
    journal.append(["torn off in the middle"])
    journal.close()
    os.truncate(path, whole + torn)
    again = Journal(path)
    assert list(again.load()) == [["whole"]]
    again.append(["next"])
    assert list(again.load()) == [["whole"], ["next"]]
    again.close()


def test_where_the_disk_is_full_nothing_is_written(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.append(["kept"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(OSError, match=r"large|written"):
            journal.append(["x" * 10_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.append(["kept too"])
    assert list(journal.load()) == [["kept"], ["kept too"]]
    journal.close()


URLS = ("http://127.0.0.1:8081/webhooks/twilio/status?send=a%2F1%2Fb&attempt=1", "https://peal.example.com/x?send=a")


@given(st.dictionaries(st.text(st.characters(categories=["L"]), min_size=1), st.text()), st.sampled_from(URLS))
def test_twilios_own_validator_accepts_the_signature_and_refuses_an_altered_form(fields, url):
    signature = twilio_signature("token", url, fields)
    assert RequestValidator("token").validate(url, fields, signature)
    assert not RequestValidator("token").validate(url, fields | {"MessageStatus": "forged"}, signature)
    assert not RequestValidator("other").validate(url, fields, signature)


@given(st.text())
def test_sendgrids_own_verifier_accepts_the_signature_and_refuses_an_altered_body(body):
    key = new_key()
    signature = sendgrid_signature(key, "1700000000", body.encode())
    verifier = EventWebhook(public_text(key))
    assert verifier.verify_signature(body, signature, "1700000000")
    assert not verifier.verify_signature(body + " ", signature, "1700000000")
    assert not verifier.verify_signature(body, signature, "1700000001")


def test_a_key_is_read_from_pem_and_from_base64_der():
    key = new_key()
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for text in (private_text(key), private_text(key).replace("\n", "\\n"), base64.b64encode(der).decode()):
        assert public_text(load_key(text)) == public_text(key)


def test_a_wrong_key_is_told_so():
    wrong = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in ("rubbish", "", wrong.decode(), other.decode()):
        with pytest.raises(BadKeyError):
            load_key(text)
