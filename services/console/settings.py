"""Settings of the console."""

from __future__ import annotations

from pydantic import Field, SecretStr

from services.runtime.ports import Ports
from services.runtime.providers import ProviderSettings


class ConsoleSettings(ProviderSettings):
    api_key: SecretStr = Field(SecretStr(""), description="key for REST, brand default, role admin; empty: none works")
    admin_token: SecretStr = Field(SecretStr(""), description="part of the one-time admin link; empty: no such link")
    session_secret: SecretStr = Field(
        SecretStr(""), description="signs sessions; empty: made from PEAL_LINK_SECRET or PEAL_API_KEY"
    )
    sandbox_url: str = Field(
        default_factory=lambda: f"http://127.0.0.1:{Ports.from_environment().sandbox}",
        description="where the sandbox is: providers with this address are the sandbox, and every page says so",
    )
    phone_region: str = Field("", description="country (ISO 3166) assumed for phone numbers without a country code")
    command_patience_s: float = Field(10.0, gt=0, description="how long a request waits for the planner's answer")
    stats_age_s: float = Field(
        0.7, ge=0, description="all watchers of a campaign share figures that are at most so old"
    )
    account_test_s: float = Field(
        6 * 3600, gt=0,
        description="how often accounts are tested without being asked to; one that failed, 24 times as often",
    )  # fmt: skip
    largest_import_bytes: int = Field(4 << 30, gt=0, description="size of a file of contacts")
    openai_base_url: str = Field(
        "",
        description="AI service with OpenAI's chat interface; where this and the key are empty, the sandbox stands in",
    )
    openai_api_key: SecretStr = Field(SecretStr(""), description="key of the AI service; a local one may need none")
    openai_model: str = Field("gpt-4o-mini", description="model of the AI service")
