"""What a measurement gives, and how much of it there is to measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scale:
    """How much work each measurement gets."""

    people: int
    """Of a whole campaign by email."""
    requests: int
    events: int
    recovered: int
    """People in the router's changelog."""
    emails: int
    sms: int
    rate_s: int
    """How long the rate is watched, seconds."""
    reads: int
    """Requests of each kind of page."""
    campaigns: int
    """Small ones whose way is timed."""


FULL = Scale(100_000, 200_000, 300_000, 1_000_000, 200_000, 15_000, 20, 40, 60)
QUICK = Scale(20_000, 60_000, 80_000, 100_000, 40_000, 4_000, 8, 15, 15)


@dataclass(frozen=True)
class Figure:
    """One line of the table, and its keys in the file."""

    key: str
    """Its unit at the end: `router_events_per_s`, `pause_last_call_s`."""
    value: float
    target: float | None = None
    lower_is_better: bool = False
    cpu_s_per_100k: float | None = None
    peak_mb: float | None = None
    """Greatest resident memory of the processes measured, in millions of bytes."""
    plain_per_s: float | None = None
    """What a plain loop over the same data did a second in the same run."""
    more: Mapping[str, float] = field(default_factory=dict)
    """Further keys of the file, with their values."""

    @property
    def ratio_pct(self) -> float | None:
        return 100 * self.value / self.plain_per_s if self.plain_per_s else None

    @property
    def reached(self) -> bool | None:
        """None: there is no target."""
        if self.target is None:
            return None
        return self.value <= self.target if self.lower_is_better else self.value >= self.target

    def entries(self) -> dict[str, float]:
        """What the file gets."""
        name = self.key.removesuffix("_per_s")
        beside = {
            f"{name}_cpu_s_per_100k": self.cpu_s_per_100k, f"{name}_peak_mb": self.peak_mb,
            f"{name}_plain_per_s": self.plain_per_s, f"{name}_ratio_pct": self.ratio_pct,
        }  # fmt: skip
        values = {self.key: self.value, **beside, **self.more}
        return {key: _rounded(value) for key, value in values.items() if value is not None}


def _rounded(value: float) -> float:
    return round(value) if abs(value) >= 1_000 else round(value, 3)
