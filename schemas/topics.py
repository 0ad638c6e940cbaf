"""`topics.yaml`, typed, and the rules by which the topics and groups of an account are named."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from schemas.base import DEFAULT_ACCOUNT, Duration

CAMPAIGN_COMMANDS = "campaign-commands"
COMMAND_RESULTS = "command-results"
CAMPAIGNS = "campaigns"
CAMPAIGN_PROGRESS = "campaign-progress"
CONTACT_CHANGES = "contact-changes"
CONSENTS = "consents"
ENGAGEMENTS = "engagements"
SEND_REQUESTED = "send-requested"
SEND_RECALLS = "send-recalls"
DELIVERY_EVENTS = "delivery-events"
INBOUND_MESSAGES = "inbound-messages"
BRANDS = "brands"
ACCOUNTS = "accounts"
ACCOUNT_CHECKS = "account-checks"
TEMPLATES = "templates"
DRAFTS = "drafts"
SEGMENTS = "segments"
OPERATORS = "operators"
AUDIT_LOG = "audit-log"
PLANNER_GROUP = "peal-planner"
ROUTER_GROUP = "peal-router"
TRACKER_GROUP = "peal-tracker"

SEND_TOPIC_PATTERN = r"^send-(email|sms|whatsapp|push|social)(-[a-z0-9._-]+)?(?<!-dlq)$"
"""Every account's topic, and none of their dead-letter topics."""


class Topic(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    key: str
    owner: str
    consumers: list[str]
    groups: list[str] = []
    retention: Duration | None = None
    compacted: bool = False
    personal: bool = False
    examples: list[str] = []


class Topics(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    partitions: int
    changelogs: list[str]
    topics: dict[str, Topic]


@cache
def load_topics() -> Topics:
    return Topics.model_validate(yaml.safe_load(files("schemas").joinpath("topics.yaml").read_text()))


def send_topic(channel: str, account: str = DEFAULT_ACCOUNT) -> str:
    return f"send-{channel}" if account == DEFAULT_ACCOUNT else f"send-{channel}-{account}"


def sender_group(channel: str, account: str = DEFAULT_ACCOUNT) -> str:
    return f"peal-sender-{channel}" if account == DEFAULT_ACCOUNT else f"peal-sender-{channel}-{account}"


def dead_letter_topic(topic: str) -> str:
    return f"{topic}-dlq"
