"""The containers run the services that there are, on their ports, with their settings and secrets of their own."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import pkgutil
import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import services
from deploy.docker.broker import OUTSIDE_PORT, broker_environment
from deploy.docker.requirements import ELSEWHERE, entries, needed
from deploy.docker.setup import access_from_host
from deploy.docker.start import SANDBOX_URL, SERVICES, environment_of
from deploy.local.environment import SANDBOX_SENDGRID, SANDBOX_TWILIO
from deploy.local.secrets import Secrets
from services.console.settings import ConsoleSettings
from services.planner.settings import PlannerSettings
from services.runtime.ports import Ports
from services.runtime.settings import Settings
from services.sandbox.delivery import Lane
from services.sandbox.settings import SandboxSettings
from services.senders.settings import SenderSettings
from services.tracker.settings import TrackerSettings

REPOSITORY = Path(__file__).parents[2]
COMPOSE: dict[str, dict[str, Any]] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
PEAL = {name: each for name, each in CONTAINERS.items() if each["image"] == "peal"}
DOCKERFILE = (REPOSITORY / "deploy" / "docker" / "Dockerfile").read_text()
LOCK = (REPOSITORY / "requirements.lock").read_text()
SECRETS = Secrets.make()


def all_settings() -> set[str]:
    """The variable of every field of every settings model of the services."""
    models: list[type[Settings]] = [Settings]
    for module in pkgutil.iter_modules(services.__path__):
        name = f"services.{module.name}.settings"
        if module.ispkg and importlib.util.find_spec(name):
            found = vars(importlib.import_module(name)).values()
            models += [each for each in found if isinstance(each, type) and issubclass(each, Settings)]
    return {f"PEAL_{field.upper()}" for model in models for field in model.model_fields}


@pytest.mark.parametrize("name", PEAL)
def test_variables_are_settings_that_some_service_reads(name: str) -> None:
    given = {variable for variable in PEAL[name]["environment"] if variable.startswith("PEAL_")}
    assert given - all_settings() == set()


def test_settings_of_providers_reach_the_services_from_the_shell() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    named = set(re.findall(r"`(PEAL_(?:SENDGRID|TWILIO|RATE|PUBLIC|KAFKA|CLICKHOUSE)_[A-Z_]+)`", readme))
    assert len(named) > 8
    for sender in (name for name in PEAL if name.startswith("sender-")):
        assert named - set(PEAL[sender]["environment"]) == set()


def test_every_service_has_a_container_that_starts_it_and_asks_whether_it_is_ready() -> None:
    assert set(PEAL) == {*SERVICES, "setup", "sample"}
    for name in SERVICES:
        assert PEAL[name]["command"] == ["deploy.docker.start", name]
        assert PEAL[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "deploy.docker.ready", name]
        assert PEAL[name]["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}
        assert PEAL[name]["environment"]["PEAL_HOST"] == "0.0.0.0"
    for container in PEAL.values():
        assert importlib.util.find_spec(container["command"][0]) is not None


def test_the_one_shots_end_and_are_not_started_again() -> None:
    assert {name for name, each in PEAL.items() if each["restart"] == "no"} == {"setup", "sample"}


def test_what_can_be_scaled_publishes_nothing() -> None:
    assert {name for name in SERVICES if "ports" in PEAL[name]} == {"tracker", "console", "sandbox"}


def test_ports_are_the_well_known_ones_and_open_to_this_machine_alone() -> None:
    ports = Ports()
    published = {name: each["ports"] for name, each in CONTAINERS.items() if "ports" in each}
    assert published == {
        "kafka": [f"127.0.0.1:{ports.kafka}:{OUTSIDE_PORT}"],
        "clickhouse": [f"127.0.0.1:{ports.clickhouse}:8123"],
        "tracker": [f"127.0.0.1:{ports.webhooks}:{ports.webhooks}"],
        "console": [f"127.0.0.1:{ports.console}:{ports.console}"],
        "sandbox": [f"127.0.0.1:{ports.sandbox}:{ports.sandbox}"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_the_broker_is_set_as_the_embedded_one_and_of_the_same_version() -> None:
    given = {name: value for name, value in CONTAINERS["kafka"]["environment"].items() if name != "KAFKA_HEAP_OPTS"}
    assert given == broker_environment("kafka:9092", "localhost:9092")
    pom = ElementTree.parse(REPOSITORY / "deploy" / "local" / "pom.xml")
    versions = [each.text for each in pom.iterfind(".//{*}dependency[{*}groupId='org.apache.kafka']/{*}version")]
    assert [CONTAINERS["kafka"]["image"]] == [f"apache/kafka:{version}" for version in versions]


def test_volumes_are_declared_and_files_that_are_mounted_exist() -> None:
    for container in CONTAINERS.values():
        for volume in container.get("volumes", []):
            source = volume.split(":")[0]
            assert (REPOSITORY / source).is_dir() if source.startswith(".") else source in COMPOSE["volumes"]


def test_only_the_set_up_may_write_secrets_and_the_sandbox_gets_none_of_a_real_provider() -> None:
    writers = {name for name, each in PEAL.items() if "access:/etc/peal" in each["volumes"]}
    assert writers == {"setup"}
    assert PEAL["sandbox"]["env_file"] == []
    assert not {name for name in PEAL["sandbox"]["environment"] if "TWILIO" in name or "SENDGRID" in name}


def test_the_image_installs_by_hash_runs_without_root_and_names_no_address() -> None:
    assert "--require-hashes" in DOCKERFILE
    assert re.search(r"^USER peal$", DOCKERFILE, re.MULTILINE)
    assert "://" not in DOCKERFILE
    kept = set((REPOSITORY / "deploy" / "docker" / "Dockerfile.dockerignore").read_text().splitlines())
    copied = {part for line in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.MULTILINE) for part in line.split()[:-1]}
    assert {f"!{part.split('/')[0]}" for part in copied} <= kept


def test_the_image_has_what_services_need_and_nothing_of_the_tests() -> None:
    dependencies: list[str] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    kept = {name: text for name, text, _ in entries(needed(dependencies, LOCK))}
    assert all("--hash=sha256:" in text for text in kept.values())
    assert not kept.keys() & {"pytest", "mypy", "playwright", "ruff", "testcontainers", *ELSEWHERE}
    wanted = {(canonicalize_name(each.name), frozenset(each.extras)) for each in map(Requirement, dependencies)}
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted := wanted - seen:
        name, extras = wanted.pop()
        seen.add((name, extras))
        if name not in ELSEWHERE:
            assert name in kept, f"the image lacks {name}"
            wanted |= _asked_for(name, extras)


def _asked_for(name: str, extras: frozenset[str]) -> set[tuple[str, frozenset[str]]]:
    """What an installed package requires on this machine."""
    found = set()
    for each in map(Requirement, importlib.metadata.requires(name) or []):
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            found.add((canonicalize_name(each.name), frozenset(each.extras)))
    return found


def settings_of(service: str, model: type[Settings], monkeypatch: pytest.MonkeyPatch, **given: str) -> Any:
    """The settings of a service as its process in a container would read them."""
    container = {
        name: value for name, value in PEAL[service]["environment"].items() if value is not None and "${" not in value
    }
    environment = environment_of(service, container | given, SECRETS, "admin-token")
    for name in all_settings():
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return model()


def test_without_a_provider_the_containers_use_the_sandbox_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = settings_of("sender-sms", SenderSettings, monkeypatch)
    assert (sender.twilio_base_url, sender.sendgrid_base_url) == (SANDBOX_URL, SANDBOX_URL)
    assert {account.base_url for account in sender.default_accounts().values()} == {SANDBOX_URL}
    planner = settings_of("planner", PlannerSettings, monkeypatch)
    assert planner.default_accounts().keys() == sender.default_accounts().keys()
    console = settings_of("console", ConsoleSettings, monkeypatch)
    assert console.sandbox_url == sender.twilio_base_url  # so that every page says so
    assert console.api_key == SECRETS.api_key
    assert console.admin_token.get_secret_value() == "admin-token"


def test_a_real_provider_is_used_and_the_sandbox_does_not_learn_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"PEAL_TWILIO_ACCOUNT_SID": "AC1", "PEAL_TWILIO_AUTH_TOKEN": "real", "PEAL_TWILIO_FROM": "+1555"}
    sender = settings_of("sender-sms", SenderSettings, monkeypatch, **own)
    assert sender.twilio_auth_token.get_secret_value() == "real"
    assert sender.twilio_base_url != SANDBOX_URL == sender.sendgrid_base_url
    sandbox = settings_of("sandbox", SandboxSettings, monkeypatch, **own)
    assert sandbox.twilio_auth_token.get_secret_value() == SANDBOX_TWILIO["PEAL_TWILIO_AUTH_TOKEN"]
    assert sandbox.sendgrid_api_key.get_secret_value() == SANDBOX_SENDGRID["PEAL_SENDGRID_API_KEY"]


def test_an_empty_setting_is_not_given_and_ports_do_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"PEAL_RATE_EMAIL": "", "PEAL_PORT_BASE": "30000", "PEAL_INSTANCE": "3"}
    tracker = settings_of("tracker", TrackerSettings, monkeypatch, **given)
    assert (tracker.rate_email, tracker.instance, tracker.ports) == (200.0, 0, Ports())


def test_the_sandbox_and_the_tracker_sign_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = settings_of("sandbox", SandboxSettings, monkeypatch)
    assert sandbox.sandbox_sendgrid_private_key == SECRETS.sandbox_sendgrid_private_key
    tracker = settings_of("tracker", TrackerSettings, monkeypatch)
    assert tracker.sendgrid_webhook_public_key == SECRETS.sendgrid_public_key
    assert tracker.link_secret == SECRETS.link_secret


def test_the_way_in_leads_to_the_published_ports() -> None:
    access = access_from_host(SECRETS, "token", "", "http://localhost:8081")
    assert access.admin_link == "http://localhost:8080/login?token=token"
    assert access.api_key == SECRETS.api_key.get_secret_value()
    assert access_from_host(SECRETS, "token", "mine", "").api_key == "mine"


async def test_callbacks_signed_for_the_public_address_go_where_the_tracker_is() -> None:
    reached = Lane("twilio", 1, ("https://links.example.com", "http://tracker:8081"))._reachable
    assert reached("https://links.example.com/webhooks/x?a=%2B1") == "http://tracker:8081/webhooks/x?a=%2B1"
    assert reached("http://elsewhere/hook") == "http://elsewhere/hook"
    assert Lane("twilio", 1)._reachable("http://elsewhere/hook") == "http://elsewhere/hook"
