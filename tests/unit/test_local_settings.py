"""What the parts of a local installation are set to."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from sendgrid.helpers.eventwebhook import EventWebhook

from deploy.local.environment import service_environments, shared_environment
from deploy.local.installation import make_installation
from deploy.local.kafka import KafkaError, prepare, render, server_properties
from deploy.local.secrets import Secrets, SecretsError, load_secrets
from services.runtime.ports import Ports

SECRETS = Secrets.make()


def test_without_credentials_the_sandbox_stands_in_for_both_providers() -> None:
    environment = shared_environment({}, Ports.from_base(20000), SECRETS)
    assert environment["PEAL_TWILIO_BASE_URL"] == environment["PEAL_SENDGRID_BASE_URL"] == "http://127.0.0.1:20002"
    assert environment["PEAL_RATE_EMAIL"] == environment["PEAL_RATE_SMS"] == environment["PEAL_RATE_WHATSAPP"] == "200"
    sandbox = service_environments({}, SECRETS, "token")["sandbox"]
    for name in ("PEAL_TWILIO_ACCOUNT_SID", "PEAL_TWILIO_AUTH_TOKEN", "PEAL_SENDGRID_API_KEY"):
        assert sandbox[name] == environment[name]


def test_a_real_provider_keeps_its_own_settings_and_the_sandbox_never_sees_them() -> None:
    given = {"PEAL_SENDGRID_API_KEY": "SG.real", "PEAL_SENDGRID_WEBHOOK_PUBLIC_KEY": "their key"}
    environment = shared_environment(given, Ports(), SECRETS)
    assert environment["PEAL_SENDGRID_API_KEY"] == "SG.real"
    assert environment["PEAL_SENDGRID_WEBHOOK_PUBLIC_KEY"] == "their key"
    assert "PEAL_SENDGRID_BASE_URL" not in environment
    assert "PEAL_RATE_EMAIL" not in environment
    assert environment["PEAL_TWILIO_BASE_URL"] == "http://127.0.0.1:8082"
    assert "SG.real" not in service_environments(given, SECRETS, "token")["sandbox"].values()


def test_settings_of_the_shell_win_and_those_of_the_starting_command_are_not_handed_on() -> None:
    given = {"PEAL_RATE_SMS": "7", "PEAL_INSTANCE": "3", "PEAL_DATA_DIR": "elsewhere", "PATH": "/bin"}
    environment = shared_environment(given, Ports(), SECRETS)
    assert environment["PEAL_RATE_SMS"] == "7"
    assert not {"PEAL_INSTANCE", "PEAL_DATA_DIR", "PATH"} & set(environment)


def test_only_who_signs_and_who_checks_has_a_key(tmp_path: Path) -> None:
    installation = make_installation(tmp_path, Ports(), {})
    environments = {name: installation.stack.environment_for(name) for name in installation.stack.names}
    assert [n for n, e in environments.items() if "PEAL_SANDBOX_SENDGRID_PRIVATE_KEY" in e] == ["sandbox"]
    assert [n for n, e in environments.items() if "PEAL_API_KEY" in e] == ["console"]
    assert environments["console"]["PEAL_API_KEY"] == installation.access.api_key


def test_secrets_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    made = load_secrets(tmp_path)
    assert load_secrets(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert made.api_key.get_secret_value() not in repr(made)


def test_a_broken_file_of_secrets_is_never_replaced_by_new_ones(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(SecretsError, match="put back a copy"):
        load_secrets(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == "{"


def test_what_the_sandbox_signs_the_providers_own_verifier_accepts() -> None:
    private = load_der_private_key(base64.b64decode(SECRETS.sandbox_sendgrid_private_key.get_secret_value()), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    signature = base64.b64encode(private.sign(b"1700000000[]", ec.ECDSA(hashes.SHA256()))).decode()
    verifier = EventWebhook()
    key = verifier.convert_public_key_to_ecdsa(SECRETS.sendgrid_public_key)
    assert verifier.verify_signature("[]", signature, "1700000000", key)


def test_access_is_told_to_its_owner_alone(tmp_path: Path) -> None:
    installation = make_installation(tmp_path, Ports.from_base(20000), {})
    file = installation.access.write(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = json.loads(file.read_text())
    assert told["console_url"] == "http://127.0.0.1:20000"
    assert told["admin_link"].startswith(told["console_url"])
    assert told["webhook_url"] == "http://127.0.0.1:20001"


def test_the_broker_listens_on_the_loopback_only_and_makes_no_topics_by_itself() -> None:
    properties = server_properties(Path("/data"), 1092, 1093)
    assert set(properties["listeners"].split(",")) == {"PLAINTEXT://127.0.0.1:1092", "CONTROLLER://127.0.0.1:1093"}
    assert properties["auto.create.topics.enable"] == "false"
    assert int(properties["offsets.retention.minutes"]) >= 365 * 24 * 60


def test_properties_are_written_as_java_reads_them() -> None:
    assert render({"log.dirs": "C:\\data", "a": "b"}) == "log.dirs=C:\\\\data\na=b\n"


def test_a_broker_that_starts_on_a_full_disk_writes_nothing_that_stands_there_already(tmp_path: Path) -> None:
    folder = tmp_path / "kafka"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "meta.properties").touch()  # formatted
    prepared = prepare(tmp_path, folder, 9092, 9093)
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir() if file.is_file()}
    assert before
    assert prepare(tmp_path, folder, 9092, 9093) == prepared
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir() if file.is_file()} == before
    prepare(tmp_path, folder, 9192, 9193)
    assert "9192" in prepared.read_text()


def test_a_broker_that_cannot_write_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "kafka").touch()
    with pytest.raises(KafkaError, match=r"cannot write to .*kafka.*make room"):
        prepare(tmp_path, tmp_path / "kafka", 9092, 9093)
