"""No secret shows in a repr, a dump, an error or `peal config`; no token of a link can be altered or misused."""

from __future__ import annotations

import base64
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from typer.testing import CliRunner

import services
from schemas import Account, Channel
from services.cli.main import app
from services.domain.links import CLICK, PREFERENCES, UNSUBSCRIBE, BadTokenError, LinkTarget, make_token, read_token
from services.runtime.settings import Settings
from services.senders.accounts import Accounts, UnusableAccountError
from services.senders.settings import SenderSettings
from services.senders.transport import Transport

MARK = "hush-5f3a"
SECRET = re.compile(r"token|secret|password|api_key|master_key|private_key|_keys$|twilio_accounts$")
PUBLIC = {"sendgrid_webhook_public_key"}


def settings_classes() -> list[type[Settings]]:
    """Every settings model of every service."""
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if module.name.rpartition(".")[2] in ("settings", "providers") and ".webhooks." not in module.name:
            importlib.import_module(module.name)

    def below(model: type[Settings]) -> Iterator[type[Settings]]:
        yield model
        for child in model.__subclasses__():
            yield from below(child)

    return list(dict.fromkeys(below(Settings)))


def secrets_of(model: type[Settings]) -> dict[str, str]:
    """Its settings that are secret, by type or by name, and what each is set to."""
    found = {}
    for name, field in model.model_fields.items():
        if field.annotation is SecretStr or (SECRET.search(name) and name not in PUBLIC):
            text = str(field.annotation)
            found[name] = (
                json.dumps({"sid": MARK}) if "dict" in text else json.dumps([MARK]) if "tuple" in text
                else f"http://user:{MARK}@127.0.0.1" if name.endswith("_url") else MARK
            )  # fmt: skip
    return found


@pytest.fixture(params=settings_classes(), ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Settings]:
    """With all its secrets set."""
    for name, value in secrets_of(request.param).items():
        monkeypatch.setenv(f"PEAL_{name.upper()}", value)
    found: type[Settings] = request.param
    return found


def test_no_setting_shows_its_secret(model: type[Settings]) -> None:
    made = model()
    assert secrets_of(model), "every service has at least the broker's password"
    for shown in (repr(made), str(made), f"{made}", made.model_dump_json(), str(made.model_dump())):
        assert MARK not in shown


def test_no_error_about_settings_shows_a_secret(model: type[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with one of them is said without the others; also where there are few, so that all would fit."""
    monkeypatch.setenv("PEAL_INSTANCE", "-1")
    monkeypatch.setenv("PEAL_SENDER_LEASE_S", "99")
    with pytest.raises(ValidationError) as caught:
        model()
    assert MARK not in str(caught.value) + repr(caught.value)
    monkeypatch.delenv("PEAL_INSTANCE")
    if issubclass(model, SenderSettings):
        with pytest.raises(ValidationError, match="PEAL_SENDER_LEASE_S") as caught:
            model()
        assert MARK not in str(caught.value) + repr(caught.value)
        for name in list(secrets_of(model))[1:]:
            monkeypatch.delenv(f"PEAL_{name.upper()}")
        with pytest.raises(ValidationError) as caught:
            model()
        assert MARK not in str(caught.value) + repr(caught.value)


def test_peal_config_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in settings_classes():
        for name, value in secrets_of(each).items():
            monkeypatch.setenv(f"PEAL_{name.upper()}", value)
    for arguments in (["config"], ["config", "--json"]):
        shown = CliRunner().invoke(app, arguments)
        assert shown.exit_code == 0
        assert "PEAL_TWILIO_AUTH_TOKEN" in shown.output
        assert MARK not in shown.output


def account(secret: str) -> Account:
    return Account(account_id="second", channel=Channel.SMS, provider="twilio", secret=secret, rate_per_s=1.0)


def test_an_account_shows_its_secret_to_nobody_not_even_encrypted() -> None:
    encrypted = Fernet(Fernet.generate_key()).encrypt(MARK.encode()).decode()
    assert encrypted not in repr(account(encrypted)) + str(account(encrypted))


@pytest.mark.parametrize("master_key", [Fernet.generate_key().decode(), MARK, ""])
def test_an_account_that_cannot_be_opened_is_told_without_key_or_secret(master_key: str) -> None:
    class Sms(Transport):
        provider = "twilio"
        channel = Channel.SMS

    encrypted = Fernet(Fernet.generate_key()).encrypt(MARK.encode()).decode()
    accounts = Accounts(SenderSettings(master_key=SecretStr(master_key)), Channel.SMS, Sms, lambda *_: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(UnusableAccountError) as caught:
        accounts.secret_of(account(encrypted))
    told = str(caught.value) + repr(caught.value)
    assert encrypted not in told
    assert MARK not in told
    assert not master_key or master_key not in told


TARGET = LinkTarget("default/c-1", "email", "summer/1/c-1")


@given(st.data(), st.sampled_from([UNSUBSCRIBE, PREFERENCES, CLICK]))
def test_no_byte_of_a_token_can_be_changed_added_or_left_out(data: st.DataObject, purpose: str) -> None:
    token = make_token("s", purpose, TARGET)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    place = data.draw(st.integers(0, len(raw) - 1))
    change = data.draw(st.integers(1, 255))
    altered = bytes(raw[:place]) + bytes([raw[place] ^ change]) + bytes(raw[place + 1 :])
    for forged in (altered, bytes(raw[:place]), bytes(raw) + bytes([change]), bytes([change]) + bytes(raw)):
        with pytest.raises(BadTokenError):
            read_token("s", purpose, base64.urlsafe_b64encode(forged).rstrip(b"=").decode())


@given(
    st.one_of(
        st.sampled_from(
            ["//evil.example", "/\\evil.example", "javascript:alert(1)", "https://u@evil.example", "\r\nX: y"]
        ),
        st.text(max_size=40),
        st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    )
)
def test_an_address_in_place_of_a_token_leads_nowhere(text: str) -> None:
    """A link carries whom it is for, never where it leads: there is nothing to turn elsewhere."""
    with pytest.raises(BadTokenError):
        read_token("s", CLICK, text)
    assert not any("url" in name or "link" in name for name in LinkTarget.__struct_fields__)
