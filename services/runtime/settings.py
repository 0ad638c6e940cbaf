"""Settings that every service shares. Each service adds its own in a subclass, read once in its `__main__`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.ports import Ports


class Settings(BaseSettings):
    """Read from the environment, prefix `PEAL_`. Secrets are `SecretStr`: no repr, log or `peal config` shows them."""

    model_config = SettingsConfigDict(env_prefix="PEAL_", frozen=True, extra="ignore", hide_input_in_errors=True)

    kafka_bootstrap: str = Field(
        default_factory=lambda: f"127.0.0.1:{Ports.from_environment().kafka}",
        description="host:port[,host:port] of the Kafka cluster",
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_tls_ca_file: str = Field("", description="PEM file of the authority; empty: the system's")
    clickhouse_url: SecretStr = Field(
        default_factory=lambda: SecretStr(f"http://127.0.0.1:{Ports.from_environment().clickhouse}"),
        description="http(s)://[user:password@]host:port[/database]",
    )
    public_url: str = Field(
        default_factory=lambda: f"http://127.0.0.1:{Ports.from_environment().webhooks}",
        description="where providers and recipients reach the tracker: callbacks, unsubscribe links",
    )
    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 in a container")
    data_dir: Path = Path(".peal")
    instance: int = Field(0, ge=0, description="number of this instance among those of its service on one machine")
    fail_points: Path | None = Field(None, description="for tests: folder of armed fail-points; never in production")
    otlp_endpoint: str = Field(
        default_factory=lambda: os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        description="where spans go, such as http://127.0.0.1:4318 (OpenTelemetry, OTLP over HTTP); empty: off",
    )
    trace_share: float = Field(0.001, ge=0, le=1, description="share of the messages whose own way is traced")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "json"

    @property
    def ports(self) -> Ports:
        return Ports.from_environment()
