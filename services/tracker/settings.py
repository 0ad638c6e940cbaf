"""Settings of the tracker, beside those that it shares with the senders: the providers' and the links'."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.runtime.providers import ProviderSettings
from services.tracker.core.keywords import DEFAULT_WORDS


class TrackerSettings(ProviderSettings):
    uncertain_deadline_s: float = Field(900.0, gt=0, description="seconds until an account's policy ends a doubt")
    uncertain_policy: Literal["assume_sent", "resend"] = Field(
        "assume_sent", description="of accounts that say nothing; resend may message somebody twice"
    )
    uncertain_interval_s: float = Field(5.0, gt=0, description="seconds between two looks for uncertain sends")
    uncertain_ask_after_s: tuple[float, ...] = Field(
        (120.0, 600.0), description="JSON: seconds after which a provider that can be asked is asked for such a send"
    )
    uncertain_asks: int = Field(1_000, ge=1, description="sends in doubt, oldest first, that are asked about at once")
    price_concurrency: int = Field(20, ge=1, description="messages fetched for their price at a time")
    price_queue: int = Field(20_000, ge=0, description="messages that may wait for that; one more keeps its estimate")
    price_after_s: tuple[float, ...] = Field(
        (5.0, 60.0, 600.0), description="JSON: seconds to wait before each try to fetch a price, which comes late"
    )
    tracker_batch_s: float = Field(0.25, gt=0, le=5, description="longest time that a batch is collected, in seconds")
    tracker_batch_rows: int = Field(50_000, ge=1, description="records at which a batch is closed at once")
    compaction_rows: int = Field(300_000, ge=1, description="changed contacts at which they are merged into the base")
    erasure_patience_s: float = Field(
        900.0, ge=0, description="seconds that an erasure waits for messages under way; what comes later is refused"
    )
    phone_region: str = Field(
        "", pattern="^([A-Z]{2})?$", description="ISO 3166 country of numbers without one; empty: such are refused"
    )
    stop_words: dict[str, dict[str, list[str]]] = Field(
        DEFAULT_WORDS, description='JSON: {"en": {"stop": ["stop"], "start": [...], "help": [...]}}'
    )
    drain_s: float = Field(20.0, gt=0, description="seconds that a stop may take to finish the batch under way")
