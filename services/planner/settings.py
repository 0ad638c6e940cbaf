"""Settings of the planner."""

from __future__ import annotations

from pydantic import Field

from services.runtime.providers import ProviderSettings


class PlannerSettings(ProviderSettings):
    page_size: int = Field(5_000, ge=100, le=50_000, description="requests a page")
    credit_horizon_s: float = Field(
        10.0, gt=0, description="how far ahead of the senders requests are emitted, seconds"
    )
    sweep_interval_s: float = Field(60.0, gt=0, description="how often a running campaign is swept, seconds")
    end_interval_s: float = Field(1.0, gt=0, description="how often one that is at its end is looked at, seconds")
    transaction_timeout_ms: int = Field(10_000, ge=1_000, description="a frozen planner's transaction ends after this")
