"""Settings of the router."""

from __future__ import annotations

from pydantic import Field, SecretStr

from services.runtime.settings import Settings


class RouterSettings(Settings):
    router_session_s: float = Field(
        15.0, gt=1, description="seconds without an answered heartbeat after which the broker gives partitions away"
    )
    router_round: int = Field(1000, ge=1, description="records of one topic and partition in one round")
    router_stall_s: float = Field(
        60.0, gt=1, description="seconds without a finished round while records wait; twice that ends the process"
    )
    router_keep_days: float = Field(
        30.0,
        ge=30,
        description="days for which the sends of a campaign are remembered after it has ended; caps look back as far",
    )
    master_key: SecretStr = Field(SecretStr(""), description="by which people who were erased are known again")
