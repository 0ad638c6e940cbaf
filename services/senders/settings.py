"""Settings of a sender process."""

from __future__ import annotations

from pydantic import Field, model_validator

from services.runtime.providers import ProviderSettings


class SenderSettings(ProviderSettings):
    sender_concurrency: int = Field(64, ge=1, description="calls of an account that may be on the wire at once")
    sender_group_most: int = Field(100, ge=1, description="most single calls under one declared intent")
    sender_lease_s: float = Field(5.0, gt=0, description="seconds after declaring an intent in which calls may start")
    sender_call_timeout_s: float = Field(4.0, gt=0, description="seconds after which an unanswered call is uncertain")
    sender_session_ms: int = Field(8_000, ge=1_000, description="Kafka session of the consumer group")
    sender_knowledge_s: float = Field(0.3, gt=0, description="oldest knowledge of campaigns and recalls to call on")

    @model_validator(mode="after")
    def _lease_within_session(self) -> SenderSettings:
        if self.sender_lease_s + self.heartbeat_ms / 1000 >= self.sender_session_ms / 1000:
            raise ValueError(
                "PEAL_SENDER_LEASE_S plus a sixth of PEAL_SENDER_SESSION_MS must be less than the session: "
                "or a frozen process could call after its partition was given away"
            )
        return self

    @property
    def heartbeat_ms(self) -> int:
        return self.sender_session_ms // 6
